import type { ColumnSpecification } from '../../model/query-result.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { CqlType } from '../../types/index.ts'
import type { ExecutionContext } from '../execution-context.ts'

/**
 * What the functions of CQL are to the rooms that call them: terms (values in INSERT, UPDATE, WHERE and the like) and
 * selectors. Which function a call means is decided by `resolveFunction` (resolve.ts), from the arguments as far as
 * their types are known, and from what the result is for.
 */

/** A function of a row's values (`ScalarFunction`). */
export interface ScalarFunction {
  readonly kind: 'scalar'
  /** With its keyspace, as messages show it: `system.todate`. */
  readonly fullName: string
  readonly argTypes: readonly CqlType[]
  readonly returnType: CqlType
  /** The name of a selected column, from the texts of the arguments (`Function.columnName`). */
  columnName(args: readonly string[]): string
  /**
   * Serialized arguments to a serialized result; null is CQL's null. An argument may be a view of memory that is valid
   * for this call alone, and the result may be a view of an argument. Throws an InvalidRequestError or a
   * FunctionFailureError.
   */
  execute(args: readonly (Uint8Array | null)[], context: ExecutionContext): Uint8Array | null
}

/** A function of all rows of a group (`AggregateFunction`). */
export interface AggregateFunction {
  readonly kind: 'aggregate'
  readonly fullName: string
  readonly argTypes: readonly CqlType[]
  readonly returnType: CqlType
  columnName(args: readonly string[]): string
  newAggregate(): Aggregate
}

/** The state of an aggregate over one group (`AggregateFunction.Aggregate`). Keeps no view of what it is given. */
export interface Aggregate {
  addInput(args: readonly (Uint8Array | null)[]): void
  compute(): Uint8Array | null
  reset(): void
}

export type CqlFunction = ScalarFunction | AggregateFunction

/** How well something fits where a type is wanted (`AssignmentTestable.TestResult`). */
export type Assignment = 'EXACT' | 'WEAK' | 'NOT'

/** An argument whose type may not be known yet: a term or a selector (`AssignmentTestable`). */
export interface Assignable {
  testAssignment(receiver: ColumnSpecification): Assignment
  /** Its type where it is certain without a receiver (`getCompatibleTypeIfKnown`); else null. */
  readonly knownType: CqlType | null
  /** As messages show it. */
  readonly text: string
  /** Of an array literal among the selected columns, which may be a vector: its size (`Selectable.WithArrayLiteral`). */
  readonly arraySize?: number
  /** A bind marker in a term (`AbstractMarker.Raw`). */
  readonly isMarker?: boolean
}

/** What the result of a call is for. */
export interface FunctionReceiver {
  /** The table that the statement is about, whose partition key token() is of; null where only a type is asked for. */
  readonly table: TableMetadata | null
  /** The type that is wanted, or null among the selected columns, where any will do. */
  readonly type: CqlType | null
}
