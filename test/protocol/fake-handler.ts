import { InvalidRequestError } from '../../src/common/errors.ts'
import type { PreparedRef, QueryOptions } from '../../src/model/query-options.ts'
import type { QueryResult, ResultMetadata, SchemaChange } from '../../src/model/query-result.ts'
import type { ClientState, QueryHandler, RequestFlags } from '../../src/query/query-handler.ts'
import { native } from '../../src/types/index.ts'

export const METADATA: ResultMetadata = {
  columns: [{ keyspace: 'ks', table: 't', name: 'v', type: native.blob }],
  id: new Uint8Array(16),
}

/** One row of one blob. */
export function rowOf(value: Uint8Array): QueryResult {
  const content = Buffer.alloc(4 + value.length)
  content.writeInt32BE(value.length)
  content.set(value, 4)
  return { kind: 'rows', metadata: METADATA, rowCount: 1, content, pagingState: null }
}

/**
 * A query room that needs no tables. `echo TEXT` answers the text, `later MS` after so long, `block MS` after so long too, while nobody else is served, `big BYTES` with so many,
 * `bigLater`, `fail` with InvalidRequest, `bug` with what is no CqlError. EXECUTE echoes its first value.
 */
export class FakeHandler implements QueryHandler {
  queries = 0
  commits = 0
  /** What commit() returns. */
  onCommit: () => Promise<void> | null = () => null
  states: ClientState[] = []
  flags: RequestFlags[] = []
  private readonly listeners = new Set<(change: SchemaChange) => void>()
  /** Resolved by the test. */
  readonly gates: (() => void)[] = []

  query(
    text: string,
    _options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult> {
    this.queries++
    this.states.push(state)
    this.flags.push(flags)
    const [verb, argument] = text.split(' ', 2)
    switch (verb) {
      case 'echo':
        return rowOf(Buffer.from(text.slice(5)))
      case 'later':
        return new Promise((resolve) =>
          setTimeout(() => resolve(rowOf(Buffer.from('late'))), Number(argument)),
        )
      case 'block': {
        const end = performance.now() + Number(argument)
        while (performance.now() < end);
        return rowOf(Buffer.from('blocked'))
      }
      case 'gate':
        return new Promise((resolve) =>
          this.gates.push(() => resolve(rowOf(Buffer.from(`gate ${argument}`)))),
        )
      case 'big':
        return rowOf(Buffer.alloc(Number(argument), 'b'))
      case 'bigLater':
        return Promise.resolve().then(() => rowOf(Buffer.alloc(Number(argument), 'b')))
      case 'use':
        return { kind: 'setKeyspace', keyspace: argument }
      case 'fail':
        throw new InvalidRequestError('no')
      case 'failLater':
        return Promise.reject(new InvalidRequestError('not later either'))
      case 'bug':
        throw new TypeError('a bug')
      case 'spin': {
        const end = performance.now() + Number(argument)
        while (performance.now() < end);
        return { kind: 'void' }
      }
      default:
        return { kind: 'void' }
    }
  }

  prepare(): QueryResult {
    return { kind: 'void' }
  }

  execute(statement: PreparedRef, options: QueryOptions): QueryResult | Promise<QueryResult> {
    const { values } = options
    const id = Buffer.from(
      statement.buffer.subarray(statement.idOffset, statement.idOffset + statement.idLength),
    )
    if (values.count === 0 || values.lengths[0] < 0) return { kind: 'void' }
    const at = values.offsets[0]
    const echo = (): QueryResult => rowOf(Buffer.from(values.buffer.subarray(at, at + values.lengths[0])))
    return id.toString() === 'later' ? new Promise((resolve) => setTimeout(() => resolve(echo()), 5)) : echo()
  }

  batch(): QueryResult {
    return { kind: 'void' }
  }

  commit(): Promise<void> | null {
    this.commits++
    return this.onCommit()
  }

  onSchemaChange(listener: (change: SchemaChange) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  get listenerCount(): number {
    return this.listeners.size
  }

  change(change: SchemaChange): void {
    for (const listener of this.listeners) listener(change)
  }
}
