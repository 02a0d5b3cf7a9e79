import { countsAt, rowsAt, UPDATE_HAS_DELETION, UPDATE_KEY_WORD, updatesAt } from '../model/mutation.ts'
import { clusteringAt, type Words } from '../model/row-format.ts'
import type { SchemaTable } from '../schema/index.ts'

/** Where the first clustering column is the name of the table that the row is of. */
const OF_TABLES: ReadonlySet<SchemaTable> = new Set(['tables', 'columns', 'dropped_columns'])

/** What of the schema rows of system_schema may change. */
export interface TouchedSchema {
  /** Keyspaces of which it may be anything. */
  readonly keyspaces: Set<string>
  /** Names of tables by keyspaces. */
  readonly tables: Map<string, Set<string>>
  /** There are rows of what is left alone (`LeftAlone`). */
  hasOthers: boolean
}

export function nothingTouched(): TouchedSchema {
  return { keyspaces: new Set(), tables: new Map(), hasOthers: false }
}

/** Adds what a finished mutation may change; `nameOf` gives the table of system_schema by its handle. */
export function addTouched(
  touched: TouchedSchema,
  mutation: Words,
  nameOf: (handle: number) => SchemaTable | null,
): void {
  const { i32, u8 } = mutation
  for (const at of updatesAt(mutation)) {
    const table = nameOf(i32[at + 1]!)
    const keyspace = textAt(u8, at + UPDATE_KEY_WORD, i32[at + 4]!)
    if (table !== null) addUpdate(touched, keyspace, table, mutation, countsAt(i32, at))
  }
}

function addUpdate(
  touched: TouchedSchema,
  keyspace: string,
  table: SchemaTable,
  { i32, u8 }: Words,
  counts: number,
): void {
  if (!OF_TABLES.has(table) && table !== 'keyspaces' && table !== 'types') {
    touched.hasOthers = true
    return
  }
  const isWhole = (i32[counts]! & UPDATE_HAS_DELETION) !== 0 || i32[counts + 2]! > 0
  if (isWhole || !OF_TABLES.has(table)) {
    touched.keyspaces.add(keyspace)
    return
  }
  let names = touched.tables.get(keyspace)
  if (names === undefined) touched.tables.set(keyspace, (names = new Set()))
  let row = rowsAt(i32, counts)
  for (let n = i32[counts + 1]!; n > 0; n--) {
    const component = clusteringAt(i32, row)
    names.add(textAt(u8, component + 1, i32[component]!))
    row += i32[row]! >>> 2
  }
}

function textAt(u8: Uint8Array, word: number, length: number): string {
  return Buffer.from(u8.buffer, u8.byteOffset + (word << 2), length).toString()
}
