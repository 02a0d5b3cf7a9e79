import { asciiText, utf8Text } from '../common/bytes.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import { readInternalRows } from './internal-rows.ts'
import type { SystemKeyspace } from './system-keyspace.ts'

/** Where prepared statements are kept over restarts: system.prepared_statements. */
export class PreparedStatementsTable {
  readonly #system: Pick<SystemKeyspace, 'table' | 'writeRow' | 'deleteRow'>
  readonly #read: (command: ReadCommand) => PartitionReader
  readonly #stored = new Set<string>()

  constructor(
    system: Pick<SystemKeyspace, 'table' | 'writeRow' | 'deleteRow'>,
    read: (command: ReadCommand) => PartitionReader,
  ) {
    this.#system = system
    this.#read = read
  }

  added(id: Uint8Array, statement: { readonly query: string; readonly keyspace: string | null }): void {
    const name = asciiText(id)
    if (this.#stored.has(name)) return
    this.#stored.add(name)
    if (this.#isThere(id)) return
    this.#system.writeRow('prepared_statements', {
      prepared_id: id,
      logged_keyspace: statement.keyspace,
      query_string: statement.query,
    })
  }

  evicted(id: Uint8Array): void {
    this.#stored.delete(asciiText(id))
    if (this.#isThere(id)) this.#system.deleteRow('prepared_statements', { prepared_id: id })
  }

  #isThere(id: Uint8Array): boolean {
    return readInternalRows(this.#read, this.#system.table('prepared_statements'), id, 0).length > 0
  }

  /** Statements that were prepared before a restart. */
  all(): { id: Uint8Array; query: string; keyspace: string | null }[] {
    const table = this.#system.table('prepared_statements')
    return readInternalRows(this.#read, table, null, 0).map((row) => ({
      id: row.key,
      query: utf8Text(row.values.get('query_string') ?? new Uint8Array(0)),
      keyspace: row.values.has('logged_keyspace') ? utf8Text(row.values.get('logged_keyspace')!) : null,
    }))
  }
}
