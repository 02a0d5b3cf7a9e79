import { InvalidRequestError } from '../../common/errors.ts'
import type { BatchType } from '../../model/query-options.ts'
import type { TableMetadata } from '../../model/table.ts'
import { native } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { type PrepareContext, prepareTerm, type Term } from '../term.ts'
import { type PreparedModification, prepareModification, validateModification } from './modification.ts'

/** BEGIN BATCH ... APPLY BATCH, resolved against the schema (`BatchStatement`). */
export interface PreparedBatch {
  readonly kind: 'batch'
  readonly type: BatchType
  readonly statements: readonly PreparedModification[]
  readonly timestamp: Term | null
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

const TYPES = { LOGGED: 'logged', UNLOGGED: 'unlogged', COUNTER: 'counter' } as const

/** Prepares a batch and its statements. Throws InvalidRequestErrors with Cassandra's texts. */
export function prepareBatch(
  statement: raw.BatchStatement,
  tableOf: (name: raw.QualifiedName) => TableMetadata,
  contextFor: (table: TableMetadata) => PrepareContext,
): PreparedBatch {
  let context: PrepareContext | null = null
  const statements = statement.statements.map((modification) => {
    const table = tableOf(modification.table)
    const own = contextFor(table)
    context ??= own
    return prepareModification(modification, table, own, true)
  })
  const type = TYPES[statement.type]
  const { using } = statement
  if (using.ttl !== null) throw invalid('Global TTL on the BATCH statement is not supported.')
  const timestamp =
    using.timestamp === null ? null : prepareTerm(using.timestamp, TIMESTAMP, context ?? emptyContext())
  validateBatch(type, statements, timestamp)
  statements.forEach(validateModification)
  return { kind: 'batch', type, statements, timestamp }
}

const TIMESTAMP = { keyspace: '[batch]', table: '[batch]', name: '[timestamp]', type: native.bigint }

/** Of a batch without statements, whose timestamp can only be a literal to any effect. */
function emptyContext(): PrepareContext {
  return {
    keyspace: '',
    markers: [],
    nowMillis: 0,
    table: null,
    resolveType: () => native.bigint,
  }
}

/** The checks of a batch as a whole, that of text and that of the protocol (`BatchStatement.validate`). */
export function validateBatch(
  type: BatchType,
  statements: readonly PreparedModification[],
  timestamp: Term | null,
): void {
  const isConditional = statements.some(({ conditions }) => conditions !== null)
  const isCounter = type === 'counter'
  if (timestamp !== null) {
    if (isConditional) throw invalid('Cannot provide custom timestamp for conditional BATCH')
    if (isCounter) throw invalid('Cannot provide custom timestamp for counter BATCH')
    if (statements.some((statement) => statement.timestamp !== null)) {
      throw invalid('Timestamp must be set either on BATCH or individual statements')
    }
  }
  const hasCounters = statements.some(({ table }) => table.isCounter)
  const hasOthers = statements.some(({ table }) => !table.isCounter)
  const hasVirtual = statements.some(({ table }) => table.isVirtual)
  const isLogged = type === 'logged'
  if (timestamp !== null && hasCounters) {
    throw invalid('Cannot provide custom timestamp for a BATCH containing counters')
  }
  if (isCounter && hasOthers) throw invalid('Cannot include non-counter statement in a counter batch')
  if (hasCounters && hasOthers)
    throw invalid('Counter and non-counter mutations cannot exist in the same batch')
  if (isLogged && hasCounters) throw invalid('Cannot include a counter statement in a logged batch')
  if (isLogged && hasVirtual) throw invalid('Cannot include a virtual table statement in a logged batch')
  if (hasVirtual && statements.some(({ table }) => !table.isVirtual)) {
    throw invalid('Mutations for virtual and regular tables cannot exist in the same batch')
  }
  if (isConditional && hasVirtual) {
    throw invalid('Conditional BATCH statements cannot include mutations for virtual tables')
  }
  if (isConditional) {
    const { keyspace, name } = statements[0]!.table
    if (statements.some(({ table }) => table.keyspace !== keyspace || table.name !== name)) {
      throw invalid('Batch with conditions cannot span multiple tables')
    }
  }
}

/** Limits of batches, by cassandra.yaml's names; sizes in bytes. */
export interface BatchLimits {
  readonly batch_size_warn_threshold_bytes: number
  readonly batch_size_fail_threshold_bytes: number
  readonly unlogged_batch_across_partitions_warn_threshold: number
}

/** The warnings that a batch earns, for the client. Throws when it is too large (`verifyBatchSize`, `verifyBatchType`). */
export function checkBatchSize(
  type: BatchType,
  statements: readonly PreparedModification[],
  sizeBytes: number,
  partitions: number,
  limits: BatchLimits,
): readonly string[] {
  const warnings: string[] = []
  const tables = [...new Set(statements.map(({ table }) => `${table.keyspace}.${table.name}`))]
  const names = `[${tables.join(', ')}]`
  if (type === 'logged') {
    const zeroGrace = new Set(
      statements
        .filter(({ table }) => table.params.gcGraceSeconds === 0)
        .map(({ table }) => `${table.keyspace}.${table.name}`),
    )
    if (zeroGrace.size > 0) {
      warnings.push(
        `Executing a LOGGED BATCH on table${zeroGrace.size === 1 ? '' : 's'} [${[...zeroGrace].join(', ')}], configured with a gc_grace_seconds of 0. The gc_grace_seconds is used to TTL batchlog entries, so setting gc_grace_seconds too low on tables involved in an atomic batch might cause batchlog entries to expire before being replayed.`,
      )
    }
  }
  if (partitions <= 1) return warnings
  const warn = limits.batch_size_warn_threshold_bytes
  if (sizeBytes > warn) {
    if (sizeBytes > limits.batch_size_fail_threshold_bytes) throw invalid('Batch too large')
    warnings.push(
      `Batch for ${names} is of size ${sizeBytes}, exceeding specified threshold of ${warn} by ${sizeBytes - warn}.`,
    )
  }
  if (type !== 'logged' && partitions > limits.unlogged_batch_across_partitions_warn_threshold) {
    warnings.push(
      `Unlogged batch covering ${partitions} partitions detected against table${tables.length === 1 ? '' : 's'} ${names}. You should use a logged batch for atomicity, or asynchronous writes for performance.`,
    )
  }
  return warnings
}
