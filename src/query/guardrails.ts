import { type ConsistencyLevel, CqlError } from '../common/errors.ts'
import { ensureEnabled, type Guard, type Guardrails } from '../cql/guardrails/guardrails.ts'
import {
  guardPageSize,
  guardRead,
  guardReadConsistency,
  guardSelect,
  withoutAllowFiltering,
} from '../cql/guardrails/reads.ts'
import {
  guardTimestamp,
  guardUserTimestamps,
  guardWriteConsistency,
  guardWrites,
} from '../cql/guardrails/writes.ts'
import type { PreparedModification } from '../cql/modify/modification.ts'
import type { WriteParameters } from '../cql/modify/operations.ts'
import type { BoundSelect, PreparedSelect } from '../cql/select/index.ts'
import type { ExecutionContext } from '../cql/term.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { consistencyName } from './consistency.ts'
import type { PreparedStatement } from './prepared-statements.ts'

/** What a statement of an ordinary user is held to while it is prepared and executed, and what it was warned of. */
export class StatementGuard implements Guard {
  readonly guardrails: Guardrails
  readonly warnings: string[] = []

  constructor(guardrails: Guardrails) {
    this.guardrails = guardrails
  }

  /** Looks at a statement that was prepared. Throws an InvalidRequestError where a guardrail refuses it. */
  prepared({ executable }: PreparedStatement): void {
    if (executable.kind === 'select') guardSelect(this, executable)
    else if (executable.kind === 'modification') guardUserTimestamps(this, executable)
    else if (executable.kind === 'batch') {
      for (const statement of executable.statements) guardUserTimestamps(this, statement)
    }
  }

  /** Before statements are written, alone or in a batch. */
  request(statements: readonly PreparedModification[], options: QueryOptions): void {
    for (const statement of statements) guardUserTimestamps(this, statement)
    guardWriteConsistency(this, levelNames(options.consistency, options.serialConsistency))
  }

  /** The timestamp that a statement gives itself; those of batches and of conditional statements are not looked at. */
  timestamp({ timestamp, table }: PreparedModification, p: WriteParameters, nowMicros: number): void {
    if (timestamp === null) return
    const micros = (BigInt(p.timestampHi) << 32n) | BigInt(p.timestampLo >>> 0)
    guardTimestamp(this, table.name, micros, BigInt(nowMicros))
  }

  /** What a statement is about to write. */
  writes(prepared: PreparedModification, p: WriteParameters): void {
    guardWrites(this, prepared, p)
  }

  /** Before a SELECT looks for replicas. */
  select(prepared: PreparedSelect, level: ConsistencyLevel): void {
    guardSelect(this, prepared)
    guardReadConsistency(this, consistencyName(level))
  }

  /** Before a SELECT is bound to what it reads. */
  read(prepared: PreparedSelect, context: ExecutionContext): void {
    guardRead(this, prepared, context)
  }

  page(bound: BoundSelect): void {
    guardPageSize(this, bound)
  }

  /** TRUNCATE. */
  truncate(): void {
    const enabled = this.guardrails.dropTruncateTableEnabled
    ensureEnabled(this, 'drop_truncate_table_enabled', enabled, 'DROP and TRUNCATE TABLE functionality')
  }

  /** The answer with what was warned of. */
  answer<T extends QueryResult>(result: T): T {
    if (this.warnings.length === 0) return result
    return { ...result, warnings: [...this.warnings, ...(result.warnings ?? [])] }
  }

  /** The error with what was warned of. */
  error(error: unknown): unknown {
    const shown = withoutAllowFiltering(this, error)
    if (shown instanceof CqlError && this.warnings.length > 0) {
      shown.warnings = [...this.warnings, ...(shown.warnings ?? [])]
    }
    return shown
  }
}

function levelNames(...levels: readonly ConsistencyLevel[]): string[] {
  return [...new Set(levels)].sort((a, b) => a - b).map(consistencyName)
}
