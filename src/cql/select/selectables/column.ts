import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, unwrapReversed } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import { type Selectable, type SelectionScope, type SelectorFactory, testExactType } from '../selectable.ts'

/** A column by its name. */
export class ColumnSelectable implements Selectable {
  readonly column: ColumnMetadata

  constructor(column: ColumnMetadata) {
    this.column = column
  }

  get text(): string {
    return this.column.name
  }

  get exactType(): CqlType {
    return this.column.type
  }

  get knownType(): CqlType {
    return unwrapReversed(this.column.type)
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.column.type, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return predicate(this.column)
  }

  select(scope: SelectionScope): SelectorFactory {
    const { name, type } = this.column
    return { source: scope.column(this.column), type, name }
  }
}
