import { uuidText } from '../common/uuid.ts'
import type { Clock } from '../io/clock.ts'
import { internalValue } from '../query/internal-rows.ts'
import type { SchemaService } from '../query/schema-service.ts'

/** Position in a commit log, which is none, and the time (`SystemKeyspace.truncationAsMapEntry`). */
const ENTRY_BYTES = 20
const TIME_AT = 12

/** When tables were truncated: what was written before must not come back by a hint, a batch or a round of Paxos. */
export class Truncations {
  readonly #schema: SchemaService
  readonly #clock: Clock
  /** By the table's id as text; in system.local too. */
  readonly #atMs = new Map<string, number>()

  constructor(schema: SchemaService, clock: Clock) {
    this.#schema = schema
    this.#clock = clock
    const row = schema.system.readLocal()
    const saved = row === null ? null : internalValue(schema.system.table('local'), row, 'truncated_at')
    if (!(saved instanceof Map)) return
    for (const [id, entry] of saved as ReadonlyMap<string | Uint8Array, Uint8Array>) {
      if (entry.length < ENTRY_BYTES) continue
      const view = new DataView(entry.buffer, entry.byteOffset)
      this.#atMs.set(typeof id === 'string' ? id : uuidText(id), Number(view.getBigInt64(TIME_AT)))
    }
  }

  /** Milliseconds since 1970; 0 of a table that never was. */
  atMs(tableId: string): number {
    return this.#atMs.get(tableId) ?? 0
  }

  note(tableId: string): void {
    this.#atMs.set(tableId, this.#clock.nowMs())
    const { current } = this.#schema
    // Those of tables that are gone go with the next.
    const entries = [...this.#atMs].filter(([id]) => current.tableById(id) !== null)
    this.#schema.system.writeLocal({ truncated_at: new Map(entries.map(([id, ms]) => [id, entryOf(ms)])) })
  }
}

function entryOf(ms: number): Uint8Array {
  const bytes = new Uint8Array(ENTRY_BYTES)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, -1n)
  view.setBigInt64(TIME_AT, BigInt(ms))
  return bytes
}
