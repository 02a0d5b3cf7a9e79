import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CqlError } from '../../../src/common/errors.ts'
import { parsePagingState, serializePagingState } from '../../../src/cql/select/index.ts'
import type { ColumnSpecification, RowsResult } from '../../../src/model/query-result.ts'
import { type CqlType, legacyTimeUuid, unwrapReversed } from '../../../src/types/index.ts'
import { boundValues, SelectServer } from './server.ts'

interface Answer {
  readonly error?: { readonly code: number; readonly message: string }
  columns?: readonly string[]
  readonly rows?: readonly string[]
  readonly pagingState?: string
  readonly warnings?: readonly string[]
}

interface Case {
  readonly query: string
  readonly values?: readonly (string | null)[]
  readonly bind?: readonly string[]
  readonly pk?: readonly number[]
  readonly version?: number
  readonly pageSize?: number
  readonly pagingState?: string
  readonly answers: readonly Answer[]
}

export interface Golden {
  readonly keyspace: string
  readonly setup: readonly string[]
  readonly cases: readonly Case[]
  readonly modifications: readonly { readonly statement: string; readonly error: string | null }[]
}

/** `61` written n times stands in the file as @n. */
const expand = (value: string) => value.replace(/@(\d+)/, (_, count: string) => '61'.repeat(Number(count)))

function typeText(declared: CqlType): string {
  const type = unwrapReversed(declared)
  switch (type.kind) {
    case 'list':
    case 'set':
      return `${type.kind}<${typeText(type.elements)}>`
    case 'map':
      return `map<${typeText(type.keys)}, ${typeText(type.values)}>`
    case 'tuple':
      return `tuple<${type.types.map(typeText).join(', ')}>`
    case 'udt':
      return `${type.name}(${type.fieldNames.map((name, i) => `${name} ${typeText(type.fieldTypes[i]!)}`).join(', ')})`
    case 'vector':
      // The text of a vector's class has a space of its own.
      return type.className.replace(/\s*,\s*/, ' , ')
    default:
      return type === legacyTimeUuid ? type.className : type.kind
  }
}

/** Durations came with v5: before, they are a class. */
const columnText = (column: ColumnSpecification) =>
  `${column.name}: ${typeText(column.type).replace(/\bduration\b/, 'org.apache.cassandra.db.marshal.DurationType')}`

function rowsOf(result: RowsResult): string[] {
  const content = Buffer.from(result.content)
  let at = 0
  const rows = Array.from({ length: result.rowCount }, () =>
    result.metadata.columns
      .map(() => {
        const length = content.readInt32BE(at)
        at += 4
        if (length < 0) return 'null'
        at += length
        return content.toString('hex', at - length, at)
      })
      .join(' '),
  )
  expect(at).toBe(content.length)
  return rows
}

export function answer(server: SelectServer, entry: Case, pagingState: string | undefined, shouldYield: () => boolean): Answer {
  try {
    const result = server.select(
      entry.query,
      {
        values: boundValues((entry.values ?? []).map((value) => (value === null ? null : expand(value)))),
        pageSize: entry.pageSize ?? -1,
        pagingState: pagingState === undefined ? null : new Uint8Array(Buffer.from(pagingState, 'hex')),
        protocolVersion: entry.version ?? 4,
      },
      shouldYield,
    )
    return {
      columns: result.metadata.columns.map(columnText),
      rows: rowsOf(result),
      ...(result.pagingState === null ? {} : { pagingState: Buffer.from(result.pagingState).toString('hex') }),
      // Version 3 has no warnings.
      ...(result.warnings === undefined || entry.version === 3 ? {} : { warnings: result.warnings }),
    }
  } catch (error) {
    if (!(error instanceof CqlError)) throw error
    return { error: { code: error.code, message: error.message } }
  }
}

/** Columns that two relations share come in the order of a hash in Cassandra, and so do signatures of functions. */
const inAnyOrder = (message: string) =>
  message
    .replace(/\w+( ,\w+)+/, (names) => names.split(' ,').sort().join(' ,'))
    .replace(
      /(signatures: )(.*)\)(: use.*)?$/,
      (_, start: string, all: string, end = '') => `${start}${all.split(/, (?=system\.)/).sort().join(', ')})${end}`,
    )

/** Cassandra names a column by whichever name of to_json() was used first with its type since it started. */
const withoutAlias = (column: string) => column.replaceAll('system.to_json(', 'system.tojson(')

export function shown(entry: Case, { pagingState, error, ...rest }: Answer): Answer {
  if (error !== undefined) return { error: { code: error.code, message: inAnyOrder(error.message) } }
  if (rest.columns !== undefined) rest.columns = rest.columns.map(withoutAlias)
  if (pagingState === undefined) return rest
  return { ...rest, pagingState: stateText(pagingState, entry.version ?? 4) }
}

/** Where a partition is done, Cassandra may leave the mark of a row before it, which is of no use. */
function stateText(hex: string, version: number): string {
  const state = parsePagingState(Buffer.from(hex, 'hex'), version)
  if (state.partitionKey === null || state.remainingInPartition > 0) return hex
  return Buffer.from(serializePagingState({ ...state, rowMark: null }, version)).toString('hex')
}

/** Reads a file of answers, and runs its setup. */
export function readGolden(file: URL): { readonly golden: Golden; readonly server: SelectServer } {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden
  const server = new SelectServer(golden.keyspace)
  for (const statement of golden.setup) server.run(statement)
  return { golden, server }
}

/** A test for each case; `isKnown` leaves out the answers that are known to differ. */
export function compareAnswers(
  { golden, server }: ReturnType<typeof readGolden>,
  isKnown: (query: string, answers: readonly Answer[]) => boolean = () => false,
): void {
  golden.cases.forEach((entry, index) => {
    if (isKnown(entry.query, entry.answers)) return
    const options = [entry.pageSize, entry.pagingState, entry.version, entry.values].filter((o) => o !== undefined)
    test(`${index} ${entry.query} ${JSON.stringify(options).slice(0, 80)}`, () => {
      let pagingState = entry.pagingState
      for (const [page, expected] of entry.answers.entries()) {
        const answered = answer(server, entry, pagingState, () => index % 2 === 0)
        if (page > 0) delete (answered as { columns?: unknown }).columns
        expect(shown(entry, answered)).toEqual(shown(entry, expected))
        // Every other query goes on from Cassandra's own paging state.
        pagingState = index % 3 === 0 ? expected.pagingState : answered.pagingState
      }
      if (entry.bind !== undefined) {
        const { prepared, bind } = server.prepare(entry.query)
        expect({ bind: bind.map(columnText), pk: prepared.pkIndexes }).toEqual({ bind: entry.bind, pk: entry.pk })
      }
    })
  })
}
