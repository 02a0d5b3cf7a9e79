/**
 * What is done to both servers. Operations are plain data: a run is recorded, shrunk and replayed as JSON, and nothing in
 * it depends on what a server answers.
 */

/** A bound value in hexadecimal, null, or unset. */
export type HexValue = string | null | 'unset'

export interface Statement {
  readonly text: string
  readonly values?: readonly HexValue[]
}

interface Common {
  /** Seconds since the epoch that stand for the server's clock: expiry is the same on both, to the second. */
  readonly now?: number
  /** Default timestamp of the request, in microseconds. */
  readonly timestamp?: number
}

/**
 * How an operation may go beside its neighbours: writes whose timestamps are given commute and go at once, and so do
 * reads; what reads before it writes, or takes the server's time, goes alone.
 */
export type Effect = 'read' | 'write' | 'alone'

export interface QueryOperation extends Statement, Common {
  readonly kind: 'query'
  readonly effect: Effect
  /** PREPARE and EXECUTE rather than QUERY. */
  readonly prepared?: boolean
  /** Rows a page; all pages are read. */
  readonly pageSize?: number
  /** What happens after the first page, before the next one is asked for. */
  readonly between?: readonly Operation[]
  readonly serial?: boolean
}

export interface BatchOperation extends Common {
  readonly kind: 'batch'
  readonly effect: Effect
  readonly type: 'logged' | 'unlogged' | 'counter'
  readonly statements: readonly (Statement & { readonly prepared?: boolean })[]
}

/** Sibyl is stopped, or killed, and started again on the same directory. Nothing happens to Cassandra. */
export interface RestartOperation {
  readonly kind: 'restart'
  readonly how: 'stop' | 'kill'
}

export type Operation = QueryOperation | BatchOperation | RestartOperation

/** A run on a keyspace of its own. */
export interface Run {
  readonly name: string
  readonly keyspace: string
  readonly operations: readonly Operation[]
}

/** Statements of the run as a script for people. */
export function scriptOf(run: Run): string {
  const lines: string[] = [`-- ${run.name}, keyspace ${run.keyspace}`]
  const write = (operation: Operation, indent: string): void => {
    if (operation.kind === 'restart') {
      lines.push(`${indent}-- Sibyl: ${operation.how} and start`)
      return
    }
    const { now, timestamp } = operation
    const notes = [
      now === undefined ? '' : `now ${now}`,
      timestamp === undefined ? '' : `timestamp ${timestamp}`,
      operation.kind === 'query' && operation.pageSize !== undefined ? `page size ${operation.pageSize}` : '',
      operation.kind === 'query' && operation.prepared === true ? 'prepared' : '',
    ].filter((note) => note !== '')
    const note = notes.length === 0 ? '' : `  -- ${notes.join(', ')}`
    if (operation.kind === 'batch') {
      lines.push(`${indent}-- ${operation.type} batch of the protocol${note}`)
      for (const statement of operation.statements) lines.push(`${indent}  ${statementText(statement)}`)
      return
    }
    lines.push(`${indent}${statementText(operation)}${note}`)
    for (const inner of operation.between ?? []) write(inner, `${indent}    `)
  }
  for (const operation of run.operations) write(operation, '')
  return lines.join('\n')
}

function statementText(statement: Statement): string {
  const { text, values } = statement
  if (values === undefined || values.length === 0) return `${text};`
  return `${text};  -- ${values.map((value) => (value === null ? 'null' : value === 'unset' ? value : `0x${value}`)).join(', ')}`
}

/** The number of operations, those between pages included. */
export function countOperations(operations: readonly Operation[]): number {
  let count = 0
  for (const operation of operations) {
    if (operation.kind === 'restart') continue
    count += 1 + (operation.kind === 'query' ? countOperations(operation.between ?? []) : 0)
  }
  return count
}
