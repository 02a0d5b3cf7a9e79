import type { TableMetadata } from '../../model/table.ts'
import { freeze } from '../../types/index.ts'
import { NEGATION, operatorFunctionName } from '../functions/resolve.ts'
import type * as raw from '../raw/index.ts'
import { existingColumn, invalid } from '../restrictions/index.ts'
import type { PrepareContext } from '../term.ts'
import { qualifiedTypeText } from '../types.ts'
import type { Selectable } from './selectable.ts'
import { CastSelectable, prepareCall } from './selectables/call.ts'
import { ArraySelectable, SetSelectable } from './selectables/collection.ts'
import { ColumnSelectable } from './selectables/column.ts'
import { MapSelectable } from './selectables/map.ts'
import { ElementSelectable, FieldSelectable, SliceSelectable } from './selectables/part.ts'
import { TermSelectable } from './selectables/term.ts'
import { TimestampSelectable } from './selectables/timestamp.ts'
import { TupleSelectable } from './selectables/tuple.ts'
import { TypeHintSelectable } from './selectables/type-hint.ts'

/**
 * The first of two passes: columns, functions and types by their names (`Selectable.Raw.prepare`). Throws an
 * InvalidRequestError where there is none, or where no function fits.
 */
export function prepareSelectable(
  selectable: raw.Selectable,
  table: TableMetadata,
  context: PrepareContext,
): Selectable {
  const prepare = (inner: raw.Selectable): Selectable => prepareSelectable(inner, table, context)
  switch (selectable.kind) {
    case 'column':
      return new ColumnSelectable(existingColumn(table, selectable.name.text))
    case 'literal':
    case 'bindMarker':
      return new TermSelectable(selectable, context)
    case 'countRows':
      return prepareCall({ keyspace: 'system', name: 'count_rows' }, [], table)
    case 'functionCall':
      return prepareCall(selectable.name, selectable.args.map(prepare), table)
    case 'arithmetic': {
      const { operator, left, right } = selectable
      return prepareCall(operatorFunctionName(operator), [left, right].map(prepare), table)
    }
    case 'negation':
      return prepareCall(NEGATION, [prepare(selectable.selectable)], table)
    case 'cast':
      return new CastSelectable(prepare(selectable.selectable), selectable.type)
    case 'writetimeOrTtl': {
      const column = existingColumn(table, targetColumn(selectable.target))
      return new TimestampSelectable(selectable.function, column, prepare(selectable.target))
    }
    case 'field':
      return new FieldSelectable(prepare(selectable.receiver), selectable.field.text)
    case 'element':
      return new ElementSelectable(prepare(selectable.receiver), selectable.key)
    case 'slice':
      return new SliceSelectable(prepare(selectable.receiver), selectable.from, selectable.to)
    case 'tupleOrNested':
      return new TupleSelectable(selectable.elements.map(prepare))
    case 'list':
      return new ArraySelectable(selectable.elements.map(prepare))
    case 'set':
      return new SetSelectable(selectable.elements.map(prepare))
    case 'mapOrUdt':
      return new MapSelectable(selectable.entries, prepare)
    case 'typeHint':
      return prepareTypeHint(selectable, prepare(selectable.selectable), context)
  }
}

function prepareTypeHint(
  hint: Extract<raw.Selectable, { readonly kind: 'typeHint' }>,
  of: Selectable,
  context: PrepareContext,
): Selectable {
  return new TypeHintSelectable(
    qualifiedTypeText(hint.type, context.keyspace),
    freeze(context.resolveType(hint.type)),
    of,
  )
}

/** The name of the column that writetime() or ttl() is of, perhaps with parts of it behind. */
function targetColumn(target: raw.Selectable): string {
  switch (target.kind) {
    case 'column':
      return target.name.text
    case 'field':
    case 'element':
    case 'slice':
      return targetColumn(target.receiver)
    default:
      throw invalid('writetime and ttl are of columns')
  }
}
