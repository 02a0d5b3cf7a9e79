import { Random } from '../../test/crash/random.ts'
import { randomMutation } from './mutations.ts'
import type { Operation, Run } from './operation.ts'
import { randomQuery } from './queries.ts'
import {
  alterTable,
  createTableText,
  createTypeText,
  type Flavor,
  randomTable,
  type Table,
} from './schema.ts'
import { dropTimestamp, FEATURES, type Feature, type Scene } from './terms.ts'
import { type GeneratedUserType, randomFrozen, typeText, usesUserType } from './types.ts'

export interface GeneratorOptions {
  readonly seed: number
  /** Operations after the schema was made. */
  readonly length: number
  readonly features?: ReadonlySet<Feature>
  /** Kinds of tables. */
  readonly flavors?: readonly Flavor[]
  /** How often Sibyl is restarted, of all operations. */
  readonly restartShare?: number
}

/** Far enough from any clock that nothing is purged, and before 2038, where local deletion times end. */
const BASE_TIME = 2_000_000_000
export const FLAVORS: readonly Flavor[] = ['plain', 'conditional', 'counter', 'compact']

const ddl = (text: string): Operation => ({ kind: 'query', effect: 'alone', text })

/** The same run for the same options: schema, writes, queries and restarts. */
export function generateRun(options: GeneratorOptions): Run {
  return new Generation(options).run()
}

class Generation {
  readonly #options: GeneratorOptions
  readonly #random: Random
  readonly #scene: Scene
  readonly #keyspace: string
  readonly #types: GeneratedUserType[] = []
  readonly #tables: Table[] = []
  readonly #operations: Operation[] = []
  readonly #flavors: readonly Flavor[]
  #tableCount = 0

  constructor(options: GeneratorOptions) {
    this.#options = options
    this.#flavors = options.flavors ?? FLAVORS
    this.#random = new Random(options.seed)
    this.#keyspace = `diff_${options.seed}`
    this.#scene = {
      random: this.#random,
      features: options.features ?? new Set(FEATURES),
      now: BASE_TIME,
      timestampBase: 0,
      hasEmptyValues: this.#random.chance(0.3),
      keyspace: this.#keyspace,
    }
  }

  run(): Run {
    const random = this.#random
    this.#add(
      ddl(
        `CREATE KEYSPACE ${this.#keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = false`,
      ),
    )
    const typeCount = 1 + random.below(2)
    for (let i = 0; i < typeCount; i++) this.#createType()
    for (const flavor of [null, null, 'plain' as const])
      this.#createTable(flavor ?? random.pick(this.#flavors))
    for (let i = 0; i < this.#options.length; i++) this.#step()
    this.#add(ddl(`DROP KEYSPACE ${this.#keyspace}`))
    return { name: `seed ${this.#options.seed}`, keyspace: this.#keyspace, operations: this.#operations }
  }

  #add(operation: Operation): void {
    this.#operations.push(operation)
  }

  #createType(): void {
    const random = this.#random
    const type: GeneratedUserType = {
      name: `u${this.#types.length}`,
      fields: Array.from({ length: 1 + random.below(3) }, (_, i) => ({
        name: `f${i}`,
        type: randomFrozen(random, true, [], 1),
      })),
    }
    this.#types.push(type)
    this.#add(ddl(createTypeText(type).replace('CREATE TYPE ', `CREATE TYPE ${this.#keyspace}.`)))
  }

  #createTable(flavor: Flavor): void {
    const table = randomTable(this.#random, `t${this.#tableCount++}`, flavor, this.#types)
    this.#tables.push(table)
    this.#add(this.#inKeyspace(createTableText(table)))
  }

  #inKeyspace(text: string): Operation {
    return ddl(text.replace(/^(\w+ TABLE )/, `$1${this.#keyspace}.`))
  }

  #step(): void {
    const random = this.#random
    if (random.chance(0.1)) this.#scene.now += random.pick([1, 1, 2, 10, 40])
    if (random.chance(this.#options.restartShare ?? 0.003)) {
      this.#add({ kind: 'restart', how: random.pick(['stop', 'kill']) })
    }
    if (random.chance(0.022)) this.#changeSchema()
    else if (random.chance(0.55)) this.#add(randomMutation(this.#scene, this.#tables))
    else this.#add(randomQuery(this.#scene, this.#tables))
  }

  #changeSchema(): void {
    const random = this.#random
    const table = random.pick(this.#tables)
    const choice = random.below(20)
    if (choice < 3) this.#add(ddl(`TRUNCATE ${this.#keyspace}.${table.name}`))
    else if (choice < 4 && this.#tables.length > 1) {
      this.#tables.splice(this.#tables.indexOf(table), 1)
      this.#add(ddl(`DROP TABLE ${this.#keyspace}.${table.name}`))
      this.#createTable(random.pick(this.#flavors))
    } else if (choice < 7) this.#alterType()
    else {
      this.#add(this.#inKeyspace(alterTable(random, table, this.#types, () => dropTimestamp(this.#scene))))
    }
  }

  /** A field more, or another name. */
  #alterType(): void {
    const random = this.#random
    const type = random.pick(this.#types)
    // The type of a partition key is not altered; in a clustering two values would be one row. Of several fields that a
    // value has under their old names, the first of a hash is complained of.
    const keys = this.#tables.flatMap((table) => [...table.partition, ...table.clustering])
    if (keys.some((column) => usesUserType(column.type, type))) return
    const name = `${this.#keyspace}.${type.name}`
    const field = random.pick(type.fields)
    if (random.chance(0.3)) {
      const before = field.name
      field.name = `${before}r`
      this.#add(ddl(`ALTER TYPE ${name} RENAME ${before} TO ${field.name}`))
      return
    }
    const added = {
      name: `g${type.fields.length}_${random.below(100)}`,
      type: randomFrozen(random, true, [], 1),
    }
    type.fields = [...type.fields, added]
    this.#add(ddl(`ALTER TYPE ${name} ADD ${added.name} ${typeText(added.type)}`))
  }
}
