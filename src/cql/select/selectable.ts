import type { ColumnSpecification } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { type CqlType, testTypeAssignment, unwrapReversed } from '../../types/index.ts'
import type { Assignable, Assignment } from '../functions/function.ts'
import { invalid } from '../restrictions/index.ts'
import { type PrepareContext, part, type Term } from '../term.ts'
import type { Source } from './source.ts'

/** A value that does not depend on the row: evaluated once an execution, in order, and before anything is read. */
export type SelectionConstant =
  | { readonly kind: 'value'; readonly term: Term }
  /** One of those before it, which is an argument of the function named: it must not be unset. */
  | { readonly kind: 'argument'; readonly index: number; readonly subject: string }
  /** The key of an element of `subject`, or a bound of a slice of it, which must have a value. */
  | { readonly kind: 'element' | 'slice'; readonly term: Term; readonly subject: string }
  /** Made of constants before it. */
  | { readonly kind: 'computed'; readonly source: Source }

/** What a selector is when names and types are known (`Selector.Factory`). */
export interface SelectorFactory {
  readonly source: Source
  readonly type: CqlType
  /** The column's name as the result shows it. */
  readonly name: string
}

/** A selector whose names are known, but not all of its types (`Selectable`). */
export interface Selectable extends Assignable {
  /** Its type if it has only one (`getExactTypeIfKnown`). */
  readonly exactType: CqlType | null
  /** Whether it looks at a column like that. */
  selects(predicate: (column: ColumnMetadata) => boolean): boolean
  /**
   * The second pass: finds types, and registers columns, constants and bind markers. `expected` is the type that is
   * wanted there, if any (`newSelectorFactory`).
   */
  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory
}

/** What is gathered while a selection's types are found. */
export class SelectionScope {
  readonly table: TableMetadata
  readonly context: PrepareContext
  /** Values of the static row that outputs take from the store. */
  readonly statics: Source[] = []
  readonly constants: SelectionConstant[]
  /** All columns that are looked at, in the order in which they are met. */
  readonly columns: ColumnMetadata[] = []
  /** Functions are called. */
  hasFunctions = false
  aggregateCount = 0
  /** One more than the greatest clustering position looked at. */
  clusteringsUsed = 0
  /** Not so inside of what is kept as a whole. */
  #keepsStatics = true

  constructor(table: TableMetadata, context: PrepareContext, constants: SelectionConstant[] = []) {
    this.table = table
    this.context = context
    this.constants = constants
  }

  column(column: ColumnMetadata): Source {
    if (!this.columns.includes(column)) this.columns.push(column)
    switch (column.kind) {
      case 'partition_key':
        return { kind: 'partitionKey', position: column.position }
      case 'clustering':
        this.clusteringsUsed = Math.max(this.clusteringsUsed, column.position + 1)
        return { kind: 'clustering', position: column.position }
      case 'static':
        return this.#keepsStatics ? this.keepStatic({ kind: 'cells', column }) : { kind: 'cells', column }
      case 'regular':
        return { kind: 'cells', column }
    }
  }

  keepStatic(source: Source): Source {
    this.statics.push(source)
    return { kind: 'static', index: this.statics.length - 1 }
  }

  /** Selects what is to be read from the row itself, even if its column is static. */
  withinRow(select: () => SelectorFactory): SelectorFactory {
    this.#keepsStatics = false
    const factory = select()
    this.#keepsStatics = true
    return factory
  }

  /** The place of a constant among all. */
  constant(constant: SelectionConstant): number {
    this.constants.push(constant)
    return this.constants.length - 1
  }

  /** A specification for what is given in the selection. */
  specification(name: string, type: CqlType): ColumnSpecification {
    const { keyspace, name: table } = this.table
    return part({ keyspace, table, name, type }, name, type)
  }
}

/** How well something of a type fits (`Selectable.testAssignment`): only what has one type fits anywhere. */
export function testExactType(exactType: CqlType | null, receiver: ColumnSpecification): Assignment {
  if (exactType === null) return 'NOT'
  return testTypeAssignment(unwrapReversed(receiver.type), unwrapReversed(exactType))
}

/** `AssignmentTestable.TestResult.testAll`, in order: nothing is asked after one that does not fit. */
export function testAll(receiver: ColumnSpecification, selectables: readonly Selectable[]): Assignment {
  let result: Assignment = 'EXACT'
  for (const selectable of selectables) {
    const tested = selectable.testAssignment(receiver)
    if (tested === 'NOT') return 'NOT'
    if (tested === 'WEAK') result = 'WEAK'
  }
  return result
}

/** Of several types the first that all others fit (`AssignmentTestable.getCompatibleTypeIfKnown`). */
export function compatibleType(types: readonly CqlType[]): CqlType | null {
  return types.find((type) => types.every((other) => testTypeAssignment(type, other) !== 'NOT')) ?? null
}

export function cannotInfer(selectable: Selectable): Error {
  return invalid(
    `Cannot infer type for term ${selectable.text} in selection clause (try using a cast to force a type)`,
  )
}
