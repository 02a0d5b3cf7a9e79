import { concatBytes, int64Bytes, toHex } from '../../src/common/bytes.ts'
import { murmur3Token } from '../../src/common/murmur3.ts'
import type { ColumnMetadata, TableMetadata } from '../../src/model/table.ts'
import type { CqlType } from '../../src/types/index.ts'
import { SimRandom } from '../sim/sim-random.ts'

/** A SELECT with values in hex. */
export interface Question {
  readonly text: string
  readonly values: readonly string[]
}

/** Rows as hex of the serialized values, or what the server says against it. */
export type Reply = { readonly rows: readonly (readonly (string | null)[])[] } | { readonly error: string }

export type Ask = (question: Question) => Promise<Reply>

const KEYS_MAX = 150
const SLICED_PARTITIONS_MAX = 6
const POINTS_MAX = 25
const SLICES_EACH = 8
const RANGES = 8

function isReversed(type: CqlType): boolean {
  return type.kind === 'reversed'
}

/** Columns that CQL shows, by kind. */
function shown(table: TableMetadata, columns: readonly ColumnMetadata[]): readonly ColumnMetadata[] {
  return columns.filter((column) => !table.hidden.has(column))
}

function tokenOf(table: TableMetadata, values: readonly string[]): bigint {
  const parts = values.map((value): Uint8Array => Buffer.from(value, 'hex'))
  const key =
    table.partitionKeys.length === 1
      ? parts[0]!
      : concatBytes(
          parts.flatMap((part) => [Uint8Array.of(part.length >>> 8, part.length), part, new Uint8Array(1)]),
        )
  const token = new Int32Array(2)
  murmur3Token(key, 0, key.length, token)
  return (BigInt(token[0]!) << 32n) | BigInt(token[1]! >>> 0)
}

class Asker {
  readonly #table: TableMetadata
  readonly #name: string
  readonly #random: SimRandom
  readonly #keys: readonly string[]
  readonly #clusterings: readonly ColumnMetadata[]
  readonly questions: Question[] = []

  constructor(table: TableMetadata, seed: number) {
    this.#table = table
    this.#name = `"${table.keyspace}"."${table.name}"`
    this.#random = new SimRandom(seed)
    this.#keys = table.partitionKeys.map(({ name }) => `"${name}"`)
    this.#clusterings = shown(table, table.clusterings)
  }

  add(what: string, where = '', values: readonly string[] = []): void {
    const text = `SELECT ${what} FROM ${this.#name}${where === '' ? '' : ` WHERE ${where}`}`
    this.questions.push({ text, values })
  }

  get #ofKey(): string {
    return this.#keys.map((name) => `${name} = ?`).join(' AND ')
  }

  whole(): void {
    const table = this.#table
    this.add('*')
    this.add('count(*)')
    this.add(
      `DISTINCT ${[
        ...this.#keys,
        ...shown(table, table.statics)
          .slice(0, table.isStaticCompactTable ? 0 : 9)
          .map(({ name }) => `"${name}"`),
      ].join(', ')}`,
    )
    if (table.isCounter) return
    const times = shown(table, [...table.statics, ...table.regulars]).filter(
      ({ type }) => type.className !== 'org.apache.cassandra.db.marshal.EmptyType',
    )
    for (let i = 0; i < times.length; i += 20) {
      this.add(
        times
          .slice(i, i + 20)
          .map(({ name }) => `WRITETIME("${name}"), TTL("${name}")`)
          .join(', '),
      )
    }
  }

  /** One partition: whole, and what is in it by columns. */
  key(values: readonly string[]): void {
    const table = this.#table
    this.add('*', this.#ofKey, values)
    const others = shown(table, [...table.statics, ...table.regulars])
    if (others.length > 0) this.add(`"${this.#random.pick(others).name}"`, this.#ofKey, values)
    if (table.statics.length > 0 && !table.isStaticCompactTable)
      this.add(`DISTINCT ${this.#keys[0]!}, "${this.#random.pick(table.statics).name}"`, this.#ofKey, values)
    if (this.#clusterings.length > 0) {
      this.add(`* `, `${this.#ofKey} ORDER BY ${this.#order(true)}`, values)
      this.add('count(*)', this.#ofKey, values)
    }
  }

  #order(reversed: boolean): string {
    return this.#clusterings
      .map(({ name, type }) => `"${name}" ${(isReversed(type)) === reversed ? 'ASC' : 'DESC'}`)
      .join(', ')
  }

  /** Rows of one partition, singly and by slices both ways. */
  inside(key: readonly string[], rows: readonly (readonly string[])[]): void {
    const random = this.#random
    const names = this.#clusterings.map(({ name }) => `"${name}"`)
    const equal = names.map((name) => `${name} = ?`).join(' AND ')
    for (let i = 0; i < Math.min(POINTS_MAX, rows.length); i++) {
      const row = rows.length <= POINTS_MAX ? rows[i]! : random.pick(rows)
      this.add('*', `${this.#ofKey} AND ${equal}`, [...key, ...row])
    }
    // Clusterings of other rows in other combinations are there or not.
    for (let i = 0; i < 5; i++) {
      const mixed = names.map((_, j) => random.pick(rows)[j]!)
      this.add('*', `${this.#ofKey} AND ${equal}`, [...key, ...mixed])
    }
    for (let i = 0; i < SLICES_EACH; i++) {
      for (const reversed of [false, true]) this.#slice(key, rows, names, reversed)
    }
    if (names.length > 0) {
      const some = [random.pick(rows), random.pick(rows), random.pick(rows)]
      const marks = `(${names.map(() => '?').join(', ')})`
      this.add('*', `${this.#ofKey} AND (${names.join(', ')}) IN (${some.map(() => marks).join(', ')})`, [
        ...key,
        ...some.flat(),
      ])
    }
  }

  #slice(
    key: readonly string[],
    rows: readonly (readonly string[])[],
    names: readonly string[],
    reversed: boolean,
  ): void {
    const random = this.#random
    const a = random.pick(rows)
    const b = random.pick(rows)
    const fixed = random.below(names.length)
    const values = [...key, ...a.slice(0, fixed)]
    const conditions = names.slice(0, fixed).map((name) => `${name} = ?`)
    const isTuple = fixed === 0 && names.length > 1 && random.chance(0.6)
    const left = isTuple ? `(${names.join(', ')})` : names[fixed]!
    const right = isTuple ? `(${names.map(() => '?').join(', ')})` : '?'
    const bound = (row: readonly string[]) => (isTuple ? row : [row[fixed]!])
    if (random.chance(0.8)) {
      conditions.push(`${left} ${random.pick(['>', '>='])} ${right}`)
      values.push(...bound(a))
    }
    if (random.chance(0.7)) {
      conditions.push(`${left} ${random.pick(['<', '<='])} ${right}`)
      values.push(...bound(b))
    }
    const limit = random.chance(0.3) ? ` LIMIT ${1 + random.below(5)}` : ''
    const where = [this.#ofKey, ...conditions].join(' AND ')
    this.add('*', `${where}${reversed ? ` ORDER BY ${this.#order(true)}` : ''}${limit}`, values)
  }

  ranges(keys: readonly (readonly string[])[]): void {
    const random = this.#random
    const of = `token(${this.#keys.join(', ')})`
    const token = (value: bigint) => toHex(int64Bytes(value))
    for (let i = 0; i < RANGES; i++) {
      const [from, to] = [random.pick(keys), random.pick(keys)].map((key) => tokenOf(this.#table, key))
      const [low, high] = from! < to! ? [from!, to!] : [to!, from!]
      const columns = i === 0 ? this.#keys.join(', ') : '*'
      this.add(columns, `${of} ${random.pick(['>', '>='])} ? AND ${of} ${random.pick(['<', '<='])} ?`, [
        token(low),
        token(high),
      ])
      this.add('*', `${of} = ?`, [token(from!)])
      this.add('*', `${of} ${random.pick(['>', '>='])} ? LIMIT 20`, [token(low + 1n)])
    }
  }
}

/**
 * What is asked about a table: all of it, every key singly (a choice of them where there are many), keys that are not
 * there, rows, slices both ways, and ranges of the ring. `ask` tells what is in it.
 */
export async function questionsAbout(
  table: TableMetadata,
  absent: readonly string[],
  ask: Ask,
  seed = 1,
): Promise<readonly Question[]> {
  const asker = new Asker(table, seed)
  const clusterings = shown(table, table.clusterings)
  const columns = [...table.partitionKeys, ...clusterings].map(({ name }) => `"${name}"`).join(', ')
  const reply = await ask({ text: `SELECT ${columns} FROM "${table.keyspace}"."${table.name}"`, values: [] })
  if ('error' in reply) throw new Error(reply.error)
  const partitions = new Map<string, { key: string[]; rows: string[][] }>()
  const width = table.partitionKeys.length
  for (const row of reply.rows) {
    const key = row.slice(0, width) as string[]
    const name = key.join()
    let partition = partitions.get(name)
    if (partition === undefined) partitions.set(name, (partition = { key, rows: [] }))
    const clustering = row.slice(width)
    if (!clustering.includes(null)) partition.rows.push(clustering as string[])
  }
  const all = [...partitions.values()]
  const step = Math.max(1, Math.floor(all.length / KEYS_MAX))
  const chosen = all.filter((_, i) => i % step === 0)
  asker.whole()
  for (const { key } of chosen) asker.key(key)
  for (const condition of absent) asker.add('*', condition)
  if (clusterings.length > 0) {
    const sliced = chosen.filter(({ rows }) => rows.length > 0).sort((a, b) => b.rows.length - a.rows.length)
    for (const { key, rows } of sliced.slice(0, SLICED_PARTITIONS_MAX)) asker.inside(key, rows)
  }
  if (all.length > 0) asker.ranges(all.map(({ key }) => key))
  return asker.questions
}
