import type { Random } from '../../test/crash/random.ts'
import type { HexValue, Statement } from './operation.ts'
import type { Table } from './schema.ts'
import { type GeneratedType, randomNative } from './types.ts'
import { randomValue, type Value } from './values.ts'

/** How often something is wrong on purpose; with several terms a statement it comes to about one in ten. */
const WRONG = 0.012

/** Everything a generated run draws from. */
export interface Scene {
  readonly random: Random
  readonly features: ReadonlySet<Feature>
  /** Seconds; goes forward with the operations. */
  now: number
  readonly keyspace: string
  /** Numbers and the like may be of no bytes; Cassandra breaks over the JSON of them. */
  readonly hasEmptyValues: boolean
  /** Clients write with timestamps from the one after this. */
  timestampBase: number
}

/** Timestamps of clients are of so few microseconds: most writes of a row collide with another. */
export const TIMESTAMPS = 9

/** A timestamp of a client. */
export function randomTimestamp(scene: Scene): number {
  return scene.timestampBase + 1 + scene.random.below(TIMESTAMPS)
}

/**
 * A timestamp for a drop, not below those of what was written: Cassandra cannot read cells of a dropped column that are
 * younger. It keeps whole milliseconds of it. Of what is written later some is older, and not seen.
 */
export function dropTimestamp(scene: Scene): number {
  const timestamp = Math.ceil((scene.timestampBase + TIMESTAMPS) / 1000) * 1000
  scene.timestampBase = timestamp - scene.random.below(TIMESTAMPS)
  return timestamp
}

/** Parts of CQL that can be left out, one by one. */
export const FEATURES = [
  'aggregates',
  'arithmetic',
  'casts',
  'elements',
  'functions',
  'groupBy',
  'insertJson',
  'selectJson',
] as const
export type Feature = (typeof FEATURES)[number]

/** The terms of one statement: each is a literal, or a marker with a value that is bound. */
export class Terms {
  readonly values: HexValue[] = []
  readonly scene: Scene
  readonly #random: Random
  /** Nothing is wrong on purpose, nor null where it cannot be compared. */
  #isCareful = false
  /** The share of terms that are bound. */
  readonly #boundShare: number

  constructor(scene: Scene, like?: Terms) {
    this.scene = scene
    this.#random = scene.random
    this.#boundShare = like === undefined ? scene.random.pick([0, 0, 0.5, 1]) : like.#boundShare
  }

  /**
   * Makes terms of which none breaks anything. Conditions on a row are looked at in the order of a hash, so that it is
   * chance whether a wrong one is reached behind one that fails.
   */
  carefully<T>(make: () => T): T {
    const before = this.#isCareful
    this.#isCareful = true
    try {
      return make()
    } finally {
      this.#isCareful = before
    }
  }

  /** Nothing while terms are made carefully. */
  ifCareless<T>(items: readonly T[]): readonly T[] {
    return this.#isCareful ? [] : items
  }

  /** The text of a given value, or now and then that of another type. */
  of(value: Value, type: GeneratedType): string {
    const random = this.#random
    const wrong = this.#isCareful ? 0 : WRONG
    if (random.chance(this.#boundShare)) {
      this.values.push(
        random.chance(wrong) ? wrongBytes(this.scene, type, value) : value.bytes.toString('hex'),
      )
      return '?'
    }
    if (random.chance(wrong)) return randomValue(random, wrongType(random)).text
    return value.text
  }

  /** A random value of a type. */
  some(type: GeneratedType): string {
    return this.of(randomValue(this.#random, type), type)
  }

  /** A value that is never of another type: Cassandra breaks over an empty LIMIT or timestamp. */
  #exact(text: string, bytes: Buffer): string {
    if (!this.#random.chance(this.#boundShare)) return text
    this.values.push(bytes.toString('hex'))
    return '?'
  }

  text(value: string): string {
    return this.#exact(`'${value.replaceAll("'", "''")}'`, Buffer.from(value))
  }

  int(value: number): string {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return this.#exact(String(value), bytes)
  }

  bigint(value: number): string {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt(value))
    return this.#exact(String(value), bytes)
  }

  /** A random value, null, or (where it may be) unset. */
  orNull(type: GeneratedType, nullShare = 0.12): string {
    const random = this.#random
    if (!random.chance(nullShare)) return this.some(type)
    if (!random.chance(this.#boundShare)) return 'null'
    this.values.push(random.chance(0.4) ? 'unset' : null)
    return '?'
  }

  /** A random value or null, where unset has no meaning that both servers share. */
  orNullOnly(type: GeneratedType): string {
    const random = this.#random
    if (this.#isCareful || !random.chance(0.1)) return this.some(type)
    if (!random.chance(this.#boundShare)) return 'null'
    this.values.push(null)
    return '?'
  }

  /** The statement whose terms these are. */
  statement(text: string): Statement {
    return this.values.length === 0 ? { text } : { text, values: this.values }
  }
}

/** Not a blob: an empty one passes for a value of any type, which Cassandra cannot compare then. */
function wrongType(random: Random): GeneratedType {
  for (;;) {
    const type = randomNative(random, false)
    if (type.kind === 'native' && type.name !== 'blob') return type
  }
}

/** Broken only for native types: within others Cassandra's own checks break. */
function wrongBytes({ random, hasEmptyValues }: Scene, type: GeneratedType, value: Value): HexValue {
  if (type.kind !== 'native') return value.bytes.toString('hex')
  return random.pick<HexValue>([
    ...(hasEmptyValues ? [''] : []),
    'ff',
    '000001',
    null,
    'unset',
    '0000000000000000ff',
  ])
}

/** `items` without some of them, in their order; at least one when there is any. */
export function someOf<T>(random: Random, items: readonly T[], share: number): T[] {
  const chosen = items.filter(() => random.chance(share))
  if (chosen.length > 0 || items.length === 0) return chosen
  return [random.pick(items)]
}

/** The name a statement gives to a table: qualified, or in the keyspace of the request. */
export function tableName(scene: Scene, table: Table): string {
  return `${scene.keyspace}.${table.name}`
}
