import { bytesEqual, readInt32, readInt64 } from '../../common/bytes.ts'
import { InvalidRequestError } from '../../common/errors.ts'
import { clockSeqAndNode, timeUuidBytes, timeUuidTicks } from '../../common/uuid.ts'
import type { MutationBuilder } from '../../model/mutation.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import { CELL_COMPLEX_DELETION, CELL_EXPIRES, CELL_TOMBSTONE } from '../../model/row-format.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import {
  type CollectionType,
  type CqlType,
  fieldPath,
  native,
  setType,
  type UserType,
  unpackList,
  unpackMap,
  unpackSet,
  unpackTuple,
  unwrapReversed,
} from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { columnSpecification } from '../restrictions/index.ts'
import {
  type ExecutionContext,
  elementSpecification,
  evaluate,
  type PrepareContext,
  part,
  prepareTerm,
  type Term,
  termText,
  typeName,
  type Value,
  validateValue,
} from '../term.ts'
import { isNumber, isText, plus } from './plus.ts'

/** Cells of one complex column, as a read before a write needs them. */
export interface ComplexCell {
  readonly path: Uint8Array
  readonly value: Uint8Array
}

/** What a write has looked up of the row that it changes: null where there is nothing. */
export interface RowSnapshot {
  complex(column: ColumnMetadata): readonly ComplexCell[]
  /** Context of a counter cell, or null. */
  simple(column: ColumnMetadata): Uint8Array | null
}

/** What a modification writes with (`UpdateParameters`). */
export interface WriteParameters extends ExecutionContext {
  readonly timestampHi: number
  readonly timestampLo: number
  /** Seconds; 0 for none. */
  readonly ttl: number
  readonly nowSeconds: number
  /** The row being changed, for operations that read first; null where no row was looked up. */
  row: RowSnapshot | null
  /** Counter shard after an increment. */
  incrementCounter(column: ColumnMetadata, row: RowSnapshot | null, delta: bigint): Uint8Array
}

/** One change of one column (`Operation`). */
export interface Operation {
  readonly column: ColumnMetadata
  readonly action: Action
  /** Needs the row as it is (`requiresRead`). */
  readonly requiresRead: boolean
}

type Action =
  /** `marker` is the bind marker whose bytes are the cell's as they come, or -1: the hot path looks at it alone. */
  | { readonly kind: 'set'; readonly value: Term; readonly marker: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'counter'; readonly value: Term; readonly sign: 1n | -1n }
  /** `c = c + t` of a number or text, in a conditional statement. */
  | { readonly kind: 'plus'; readonly value: Term }
  /** The following are on multi-cell columns. */
  | { readonly kind: 'overwrite'; readonly value: Term }
  | { readonly kind: 'append'; readonly value: Term }
  | { readonly kind: 'prepend'; readonly value: Term }
  | { readonly kind: 'discard'; readonly value: Term }
  | { readonly kind: 'setElement'; readonly element: Term; readonly value: Term }
  | { readonly kind: 'deleteElement'; readonly element: Term }
  | { readonly kind: 'setField'; readonly field: number; readonly value: Term }
  | { readonly kind: 'deleteField'; readonly field: number }

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

function isCollection(type: CqlType): type is CollectionType {
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'map'
}

/** Sets a cell. Collections that come as values may have to be put in order first. */
export function setAction(column: ColumnMetadata, value: Term): Action {
  const { type } = column
  const isPlain = !('elements' in type) && type.kind !== 'map'
  return { kind: 'set', value, marker: isPlain && value.kind === 'marker' ? value.index : -1 }
}

/** Prepares `column = value` and the like. Throws an InvalidRequestError when the column cannot be changed so. */
export function prepareAssignment(
  table: TableMetadata,
  column: ColumnMetadata,
  operation: raw.UpdateOperation,
  canReadState: boolean,
  context: PrepareContext,
): Operation {
  const receiver = columnSpecification(table, column)
  const type = unwrapReversed(column.type)
  const name = column.name
  const make = (action: Action, requiresRead = false): Operation => ({ column, action, requiresRead })
  switch (operation.kind) {
    case 'set': {
      const value = prepareTerm(operation.value, receiver, context)
      if (type.kind === 'counter') {
        throw invalid(
          `Cannot set the value of counter column ${name} (counters can only be incremented/decremented, not set)`,
        )
      }
      return make(type.multiCell ? { kind: 'overwrite', value } : setAction(column, value))
    }
    case 'add':
    case 'subtract': {
      const sign = operation.kind === 'add' ? '+' : '-'
      const text = `${name} = ${name} ${sign} ${termText(operation.value)}`
      if (!isCollection(type))
        return prepareArithmetic(column, operation, text, canReadState, receiver, context)
      if (!type.multiCell) throw invalid(`Invalid operation (${text}) for frozen collection column ${name}`)
      if (sign === '+') {
        const value =
          type.kind === 'map'
            ? orComplain(
                () => prepareTerm(operation.value, receiver, context),
                `Value for a map addition has to be a map, but was: '${termText(operation.value)}'`,
              )
            : prepareTerm(operation.value, receiver, context)
        return make({ kind: 'append', value })
      }
      if (type.kind === 'map') {
        const keys = { ...receiver, type: setType(type.keys, false) }
        const value = orComplain(
          () => prepareTerm(operation.value, keys, context),
          `Value for a map substraction has to be a set, but was: '${termText(operation.value)}'`,
        )
        return make({ kind: 'discard', value })
      }
      return make(
        { kind: 'discard', value: prepareTerm(operation.value, receiver, context) },
        type.kind === 'list',
      )
    }
    case 'prepend': {
      const value = prepareTerm(operation.value, receiver, context)
      const text = `${name} = ${termText(operation.value)} - ${name}`
      if (type.kind !== 'list') throw invalid(`Invalid operation (${text}) for non list column ${name}`)
      if (!type.multiCell) throw invalid(`Invalid operation (${text}) for frozen list column ${name}`)
      return make({ kind: 'prepend', value })
    }
    case 'setElement': {
      const text = `${name}[${termText(operation.element)}] = ${termText(operation.value)}`
      if (!isCollection(type)) throw invalid(`Invalid operation (${text}) for non collection column ${name}`)
      if (!type.multiCell) throw invalid(`Invalid operation (${text}) for frozen collection column ${name}`)
      if (type.kind === 'set') throw invalid(`Invalid operation (${text}) for set column ${name}`)
      const element = prepareTerm(
        operation.element,
        type.kind === 'list'
          ? part(receiver, `idx(${name})`, native.int)
          : part(receiver, `key(${name})`, type.keys),
        context,
      )
      const elements = type.kind === 'list' ? type.elements : type.values
      const value = prepareTerm(operation.value, elementSpecification(receiver, elements), context)
      return make({ kind: 'setElement', element, value }, type.kind === 'list')
    }
    case 'setField': {
      const text = `${name}.${operation.field.text} = ${termText(operation.value)}`
      if (type.kind !== 'udt') throw invalid(`Invalid operation (${text}) for non-UDT column ${name}`)
      if (!type.multiCell) throw invalid(`Invalid operation (${text}) for frozen UDT column ${name}`)
      const field = fieldIndex(type, operation.field.text, name)
      const value = prepareTerm(
        operation.value,
        part(receiver, `${name}.${operation.field.text}`, type.fieldTypes[field]!),
        context,
      )
      return make({ kind: 'setField', field, value })
    }
  }
}

function orComplain<T>(prepare: () => T, message: string): T {
  try {
    return prepare()
  } catch (error) {
    if (error instanceof InvalidRequestError) throw invalid(message)
    throw error
  }
}

/** `c = c + t` where c is no collection: a counter or, in a conditional statement, a number or a text. */
function prepareArithmetic(
  column: ColumnMetadata,
  operation: Extract<raw.UpdateOperation, { kind: 'add' | 'subtract' }>,
  text: string,
  canReadState: boolean,
  receiver: ColumnSpecification,
  context: PrepareContext,
): Operation {
  const type = unwrapReversed(column.type)
  const { name } = column
  if (operation.kind === 'add') {
    if (type.kind === 'tuple' || type.kind === 'udt') {
      throw invalid(`Invalid operation (${text}) for tuple column ${name}`)
    }
    if (canReadState) {
      if (!isNumber(type) && !isText(type)) {
        throw invalid(`Invalid operation (${text}) for non-numeric and non-text type ${name}`)
      }
      if (type.kind !== 'counter') {
        const value = prepareTerm(operation.value, receiver, context)
        return { column, action: { kind: 'plus', value }, requiresRead: true }
      }
    }
  }
  if (type.kind !== 'counter') throw invalid(`Invalid operation (${text}) for non counter column ${name}`)
  const value = prepareTerm(operation.value, receiver, context)
  return {
    column,
    action: { kind: 'counter', value, sign: operation.kind === 'add' ? 1n : -1n },
    requiresRead: true,
  }
}

function fieldIndex(type: UserType, field: string, column: string): number {
  const index = type.fieldNames.indexOf(field)
  if (index < 0) throw invalid(`UDT column ${column} does not have a field named ${field}`)
  return index
}

/** Prepares what DELETE names: a column, an element, a field. */
export function prepareDeletion(
  table: TableMetadata,
  column: ColumnMetadata,
  target: raw.DeletionTarget,
  context: PrepareContext,
): Operation {
  const receiver = columnSpecification(table, column)
  const type = unwrapReversed(column.type)
  const name = column.name
  switch (target.kind) {
    case 'column':
      return { column, action: { kind: 'delete' }, requiresRead: false }
    case 'element': {
      if (!isCollection(type)) throw invalid(`Invalid deletion operation for non collection column ${name}`)
      if (!type.multiCell) throw invalid(`Invalid deletion operation for frozen collection column ${name}`)
      const specification =
        type.kind === 'list'
          ? part(receiver, `idx(${name})`, native.int)
          : type.kind === 'set'
            ? elementSpecification(receiver, type.elements)
            : part(receiver, `key(${name})`, type.keys)
      const element = prepareTerm(target.element, specification, context)
      return { column, action: { kind: 'deleteElement', element }, requiresRead: type.kind === 'list' }
    }
    case 'field':
      if (type.kind !== 'udt') throw invalid(`Invalid field deletion operation for non-UDT column ${name}`)
      if (!type.multiCell) throw invalid(`Frozen UDT column ${name} does not support field deletions`)
      return {
        column,
        action: { kind: 'deleteField', field: fieldIndex(type, target.field.text, name) },
        requiresRead: false,
      }
  }
}

const NO_BYTES = new Uint8Array(0)
const NO_PATH = -1

/**
 * Writes the cells of operations that are sorted by column id, into the row begun in `out`. Counters are changed so many
 * times.
 */
export function writeOperations(
  operations: readonly Operation[],
  out: MutationBuilder,
  p: WriteParameters,
  times = 1n,
): void {
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i]!
    const { column, action } = operation
    if (action.kind === 'set') {
      writeSimple(out, column, action.value, action.marker, p)
    } else if (action.kind === 'counter') {
      // A counter that is named twice is changed by the sum.
      let delta = counterDelta(action, p)
      while (operations[i + 1]?.column === column) {
        const next = operations[++i]!.action
        if (next.kind === 'counter') delta = sumOf(delta, counterDelta(next, p))
      }
      if (delta !== null) writeCounter(out, column, delta * times, p)
    } else if (action.kind === 'plus') {
      writeSum(out, column, action.value, p)
    } else if (action.kind === 'delete' && !column.type.multiCell) {
      tombstone(out, column.id, NO_BYTES, NO_PATH, p)
    } else {
      let last = i
      while (last + 1 < operations.length && operations[last + 1]!.column === column) last++
      writeComplex(out, column, operations.slice(i, last + 1), p)
      i = last
    }
  }
}

function writeSimple(
  out: MutationBuilder,
  column: ColumnMetadata,
  term: Term,
  marker: number,
  p: WriteParameters,
): void {
  if (marker >= 0) {
    // The hot path: from the request's bytes to the mutation's, with no view between.
    const { values } = p
    const length = values.lengths[marker]!
    if (length === -2) return
    if (length === -1) tombstone(out, column.id, NO_BYTES, NO_PATH, p)
    else {
      const offset = values.offsets[marker]!
      validateValue(column.type, values.buffer, offset, length)
      liveCell(out, column.id, NO_BYTES, NO_PATH, values.buffer, offset, length, p)
    }
    return
  }
  const value = evaluate(term, p)
  if (value === undefined) return
  if (value === null) tombstone(out, column.id, NO_BYTES, NO_PATH, p)
  else liveCell(out, column.id, NO_BYTES, NO_PATH, value, 0, value.length, p)
}

function liveCell(
  out: MutationBuilder,
  columnId: number,
  path: Uint8Array,
  pathLength: number,
  value: Uint8Array,
  offset: number,
  length: number,
  p: WriteParameters,
): void {
  const { ttl } = p
  out.cell(
    columnId,
    ttl > 0 ? CELL_EXPIRES : 0,
    p.timestampHi,
    p.timestampLo,
    ttl,
    ttl > 0 ? p.nowSeconds + ttl : 0,
    path,
    0,
    pathLength,
    value,
    offset,
    length,
  )
}

function tombstone(
  out: MutationBuilder,
  columnId: number,
  path: Uint8Array,
  pathLength: number,
  p: WriteParameters,
): void {
  out.cell(
    columnId,
    CELL_TOMBSTONE,
    p.timestampHi,
    p.timestampLo,
    0,
    p.nowSeconds,
    path,
    0,
    pathLength,
    NO_BYTES,
    0,
    0,
  )
}

type CounterAction = Extract<Action, { readonly kind: 'counter' }>

/** What is added to the counter; null for an unset value. */
function counterDelta(action: CounterAction, p: WriteParameters): bigint | null {
  const value = evaluate(action.value, p)
  if (value === undefined) return null
  if (value === null) throw invalid('Invalid null value for counter increment')
  if (value.length !== 8) throw invalid(`Expected 8 or 0 byte long (${value.length})`)
  const delta = readInt64(value, 0)
  if (action.sign < 0n && delta === LEAST_LONG) {
    throw invalid(`The negation of ${delta} overflows supported counter precision (signed 8 bytes integer)`)
  }
  return delta * action.sign
}

function sumOf(a: bigint | null, b: bigint | null): bigint | null {
  return a === null || b === null ? (a ?? b) : a + b
}

function writeCounter(out: MutationBuilder, column: ColumnMetadata, delta: bigint, p: WriteParameters): void {
  const context = p.incrementCounter(column, p.row, delta)
  out.cell(column.id, 0, p.timestampHi, p.timestampLo, 0, 0, NO_BYTES, 0, NO_PATH, context, 0, context.length)
}

const LEAST_LONG = -(1n << 63n)

/** The sum of what is there and the value; nothing where nothing is there (`Constants.Adder`). */
function writeSum(out: MutationBuilder, column: ColumnMetadata, term: Term, p: WriteParameters): void {
  const value = evaluate(term, p)
  const current = p.row?.simple(column) ?? null
  if (current === null) return
  if (value == null)
    throw invalid(`Invalid ${value === null ? 'null' : 'unset'} value for column ${column.name}`)
  const sum = plus(unwrapReversed(column.type), current, value)
  liveCell(out, column.id, NO_BYTES, NO_PATH, sum, 0, sum.length, p)
}

/** A cell to be written: null for a tombstone. */
interface PendingCell {
  readonly path: Uint8Array
  readonly value: Uint8Array | null
}

function writeComplex(
  out: MutationBuilder,
  column: ColumnMetadata,
  operations: readonly Operation[],
  p: WriteParameters,
): void {
  const cells: PendingCell[] = []
  let deletion: 'none' | 'overwrite' | 'delete' = 'none'
  for (const { action } of operations) {
    // What one statement deletes whole it does not change at the same moment.
    if (action.kind === 'delete') deletion = 'delete'
    else if (action.kind === 'overwrite') {
      const value = evaluate(action.value, p)
      if (value === undefined) continue
      if (deletion === 'none') deletion = 'overwrite'
      if (value !== null) addElements(cells, column.type, value, p)
    } else if (column.type.kind === 'list' && (cells.length > 0 || deletion !== 'none')) {
      // A list is seen as the statement's operations before have left it (`UpdateParameters.getPrefetchedRow`).
      const { row } = p
      p.row = pendingRow(row, column, cells, deletion !== 'none')
      addAction(cells, column, action, p)
      p.row = row
    } else addAction(cells, column, action, p)
  }
  if (deletion !== 'none') {
    let hi = p.timestampHi
    let lo = p.timestampLo
    if (deletion === 'overwrite') {
      if (lo === 0) hi = (hi - 1) | 0
      lo = (lo - 1) | 0
    }
    out.cell(column.id, CELL_COMPLEX_DELETION, hi, lo, 0, p.nowSeconds, NO_BYTES, 0, NO_PATH, NO_BYTES, 0, 0)
  }
  if (deletion === 'delete') return
  if (cells.length > 1) sortCells(cells, column.type)
  for (const { path, value } of cells) {
    if (value === null) tombstone(out, column.id, path, path.length, p)
    else liveCell(out, column.id, path, path.length, value, 0, value.length, p)
  }
}

/** The row as it is with the cells of a list that are going to be written; those before are gone where it was deleted. */
function pendingRow(
  row: RowSnapshot | null,
  column: ColumnMetadata,
  cells: readonly PendingCell[],
  isDeleted: boolean,
): RowSnapshot {
  const before = isDeleted ? [] : (row?.complex(column) ?? [])
  const current = [...before, ...cells]
  sortCells(current, column.type)
  const live = current.filter((cell): cell is ComplexCell => cell.value !== null)
  return { complex: () => live, simple: (other) => row?.simple(other) ?? null }
}

/** Sorts by cell path; of several cells with one path the last stands, but a tombstone wins over values. */
function sortCells(cells: PendingCell[], type: CqlType): void {
  const compare = 'nameComparator' in type ? type.nameComparator.compare : native.blob.compare
  cells.sort((a, b) => compare(a.path, 0, a.path.length, b.path, 0, b.path.length))
  let kept = 0
  for (let i = 1; i < cells.length; i++) {
    const last = cells[kept]!
    const cell = cells[i]!
    if (compare(last.path, 0, last.path.length, cell.path, 0, cell.path.length) === 0) {
      if (last.value === null) continue
      if (cell.value === null || Buffer.compare(cell.value, last.value) >= 0) cells[kept] = cell
    } else cells[++kept] = cell
  }
  cells.length = kept + 1
}

/** Cells that a whole value stands for. */
function addElements(cells: PendingCell[], type: CqlType, value: Uint8Array, p: WriteParameters): void {
  switch (type.kind) {
    case 'list':
      for (const element of unpackList(value)) cells.push({ path: p.timeUuid(), value: element ?? NO_BYTES })
      return
    case 'set':
      for (const element of unpackSet(value)) {
        if (element.length > 0xffff) {
          throw invalid(
            `Set value is too long. Set values are limited to 65535 bytes but ${element.length} bytes value provided`,
          )
        }
        cells.push({ path: element, value: NO_BYTES })
      }
      return
    case 'map':
      for (const [key, element] of unpackMap(value)) {
        if (key.length > 0xffff) {
          throw invalid(
            `Map key is too long. Map keys are limited to 65535 bytes but ${key.length} bytes keys provided`,
          )
        }
        cells.push({ path: key, value: element })
      }
      return
    case 'udt':
      unpackTuple(type, value).forEach((field, index) => {
        if (field !== null) cells.push({ path: fieldPath(index), value: field })
      })
      return
    default:
      throw invalid(`${typeName(type)} has no elements`)
  }
}

/** A point before which prepended elements are placed, so that they sort before all appended ones: 2010-01-01. */
const PREPEND_REFERENCE_TICKS = (1262304000000n + 12219292800000n) * 10000n

function prependPath(p: WriteParameters): Uint8Array {
  const now = p.timeUuid()
  const ticks = timeUuidTicks(now)
  const clock = ((now[8]! & 0x3f) << 8) | now[9]!
  let node = 0n
  for (let i = 10; i < 16; i++) node = (node << 8n) | BigInt(now[i]!)
  return timeUuidBytes(
    PREPEND_REFERENCE_TICKS - (ticks - PREPEND_REFERENCE_TICKS),
    clockSeqAndNode(clock, node),
  )
}

function addAction(cells: PendingCell[], column: ColumnMetadata, action: Action, p: WriteParameters): void {
  const type = column.type
  switch (action.kind) {
    case 'append': {
      const value = evaluate(action.value, p)
      if (value === undefined || value === null) return
      addElements(cells, type, value, p)
      return
    }
    case 'prepend': {
      const value = evaluate(action.value, p)
      if (value === undefined || value === null) return
      for (const element of unpackList(value).reverse())
        cells.push({ path: prependPath(p), value: element ?? NO_BYTES })
      return
    }
    case 'discard': {
      const value = evaluate(action.value, p)
      if (value === undefined || value === null) return
      if (type.kind === 'list') {
        const gone = unpackList(value)
        for (const cell of p.row?.complex(column) ?? []) {
          if (gone.some((element) => element !== null && bytesEqual(element, cell.value))) {
            cells.push({ path: cell.path, value: null })
          }
        }
      } else for (const element of unpackSet(value)) cells.push({ path: element, value: null })
      return
    }
    case 'setElement':
    case 'deleteElement': {
      const element = evaluate(action.element, p)
      if (type.kind === 'list') addListElement(cells, column, action, element, p)
      else addKeyedElement(cells, type, action, element, p)
      return
    }
    case 'setField': {
      const value = evaluate(action.value, p)
      if (value !== undefined) cells.push({ path: fieldPath(action.field), value })
      return
    }
    case 'deleteField':
      cells.push({ path: fieldPath(action.field), value: null })
      return
  }
}

type ElementAction = Extract<Action, { kind: 'setElement' | 'deleteElement' }>

function addListElement(
  cells: PendingCell[],
  column: ColumnMetadata,
  action: ElementAction,
  index: Value,
  p: WriteParameters,
): void {
  // The value is looked at before the index.
  const value = action.kind === 'setElement' ? evaluate(action.value, p) : null
  if (index === null) throw invalid('Invalid null value for list index')
  if (index === undefined) {
    if (action.kind === 'deleteElement') return
    throw invalid('Invalid unset value for list index')
  }
  const existing = p.row?.complex(column) ?? []
  const at = readInt32(index, 0)
  if (existing.length === 0) {
    throw invalid(
      action.kind === 'setElement'
        ? 'Attempted to set an element on a list which is null'
        : 'Attempted to delete an element from a list which is null',
    )
  }
  if (at < 0 || at >= existing.length) {
    throw invalid(`List index ${at} out of bound, list has size ${existing.length}`)
  }
  const { path } = existing[at]!
  if (value !== undefined) cells.push({ path, value })
}

function addKeyedElement(
  cells: PendingCell[],
  type: CqlType,
  action: ElementAction,
  key: Value,
  p: WriteParameters,
): void {
  const what = type.kind === 'set' ? 'set element' : 'map key'
  if (key === null) throw invalid(`Invalid null ${what}`)
  if (key === undefined) {
    if (type.kind === 'set') return
    throw invalid('Invalid unset map key')
  }
  if (action.kind === 'deleteElement') cells.push({ path: key, value: null })
  else {
    const value = evaluate(action.value, p)
    if (value !== undefined) cells.push({ path: key, value })
  }
}
