/** The guardrails of INSERT, UPDATE, DELETE and their batches. */

import { unpackList, unpackMap, unpackSet, unwrapReversed } from '../../types/index.ts'
import type { PreparedModification } from '../modify/modification.ts'
import type { Operation, WriteParameters } from '../modify/operations.ts'
import { evaluate, type Term } from '../term.ts'
import { ensureEnabled, type Guard, guardMaximum, guardMinimum, guardValues } from './guardrails.ts'
import { guardInProducts } from './reads.ts'

/** What Cassandra counts of a cell beside its value and path: timestamp, time to live, time of deletion. */
const CELL_SIZE = 8 + 4 + 8
/** The path of a cell of a list: a timeuuid. */
const LIST_PATH_SIZE = 16
/** A list without elements, serialized. */
const NO_ELEMENTS = new Uint8Array(4)
/** The path of a cell of a user type: the number of the field. */
const FIELD_PATH_SIZE = 2

/** What is looked at when a statement is prepared, and again before it is executed (`ModificationStatement.validate`). */
export function guardUserTimestamps(guard: Guard, { timestamp }: PreparedModification): void {
  if (timestamp === null) return
  const feature = 'User provided timestamps (USING TIMESTAMP)'
  ensureEnabled(guard, 'user_timestamps', guard.guardrails.userTimestampsEnabled, feature)
}

/** `levels` are the names of the consistency and the serial consistency of a request, in the order of their codes. */
export function guardWriteConsistency(guard: Guard, levels: readonly string[]): void {
  const { writeConsistencyLevelsDisallowed, writeConsistencyLevelsWarned } = guard.guardrails
  guardValues(
    guard,
    'write_consistency_levels',
    levels,
    {
      disallowed: writeConsistencyLevelsDisallowed,
      ignored: new Set(),
      warned: writeConsistencyLevelsWarned,
    },
    'write consistency levels',
  )
}

/** How far a timestamp that a statement gives is from now, both in microseconds (`validateTimestamp`). */
export function guardTimestamp(guard: Guard, table: string, micros: bigint, nowMicros: bigint): void {
  const { maximumTimestamp, minimumTimestamp } = guard.guardrails
  const timestamp = Number(micros)
  const now = Number(nowMicros)
  const at = (distance: number, sign: 1 | -1): number => (distance < 0 ? -1 : now + sign * distance)
  const text = (side: string, bound: string) => (isWarning: boolean, threshold: number) =>
    `The modification to table ${table} has a timestamp ${micros} ${side} the ${bound} allowable ${isWarning ? 'warning' : 'failure'} threshold ${threshold}`
  guardMaximum(
    guard,
    'maximum_timestamp',
    timestamp,
    { warn: at(maximumTimestamp.warn, 1), fail: at(maximumTimestamp.fail, 1) },
    text('after', 'maximum'),
    "Timestamps too far in the future can lead to data that can't be easily overwritten",
  )
  guardMinimum(
    guard,
    'minimum_timestamp',
    timestamp,
    { warn: at(minimumTimestamp.warn, -1), fail: at(minimumTimestamp.fail, -1) },
    text('before', 'minimum'),
    'Timestamps too far in the past can cause writes can be unexpectedly lost',
  )
}

/** What a statement writes: keys of IN, values and collections (`UpdateParameters.addCell`, `Maps.Putter` and others). */
export function guardWrites(guard: Guard, prepared: PreparedModification, p: WriteParameters): void {
  guardInProducts(guard, prepared.where.restrictions, p)
  for (const operation of [...prepared.regularOperations, ...prepared.staticOperations]) {
    guardOperation(guard, operation, p)
  }
}

function guardOperation(guard: Guard, { column, action }: Operation, p: WriteParameters): void {
  const { name } = column
  const sizeOf = (term: Term): number => evaluate(term, p)?.length ?? -1
  switch (action.kind) {
    case 'set':
    case 'overwrite':
    case 'append':
      guardValue(guard, column, evaluate(action.value, p) ?? null)
      return
    case 'prepend':
      // Cassandra does not count what comes before a list.
      for (const cell of cellsOf(column, evaluate(action.value, p) ?? NO_ELEMENTS) ?? []) {
        guardValueSize(guard, name, cell.value)
        guardValueSize(guard, name, cell.path)
      }
      return
    case 'setElement': {
      const isList = unwrapReversed(column.type).kind === 'list'
      if (isList) guardListReads(guard, 'Setting of list items by index')
      guardValueSize(guard, name, sizeOf(action.value))
      guardValueSize(guard, name, isList ? LIST_PATH_SIZE : sizeOf(action.element))
      return
    }
    case 'setField':
      guardValueSize(guard, name, sizeOf(action.value))
      guardValueSize(guard, name, FIELD_PATH_SIZE)
      return
    case 'deleteElement': {
      const isList = unwrapReversed(column.type).kind === 'list'
      if (isList) guardListReads(guard, 'Removal of list items by index')
      guardValueSize(guard, name, isList ? LIST_PATH_SIZE : sizeOf(action.element))
      return
    }
    case 'discard':
      guardDiscard(guard, column, evaluate(action.value, p) ?? null)
      return
    default:
  }
}

function guardListReads(guard: Guard, what: string): void {
  const enabled = guard.guardrails.readBeforeWriteListOperationsEnabled
  ensureEnabled(guard, 'read_before_write_list_operations', enabled, `${what} requiring read before write`)
}

type Column = Operation['column']

/** Paths and values of the cells that a collection is of, or null for what is none. */
function cellsOf(column: Column, value: Uint8Array): { path: number; value: number }[] | null {
  const type = unwrapReversed(column.type)
  switch (type.kind) {
    case 'list':
      return unpackList(value).map((element) => ({ path: LIST_PATH_SIZE, value: element?.length ?? 0 }))
    case 'set':
      return unpackSet(value).map((element) => ({ path: element.length, value: 0 }))
    case 'map':
      return unpackMap(value).map(([key, element]) => ({ path: key.length, value: element.length }))
    default:
      return null
  }
}

function guardValue(guard: Guard, column: Column, value: Uint8Array | null): void {
  if (value === null) return
  const { name, type } = column
  const cells = cellsOf(column, value)
  if (cells === null) {
    guardValueSize(guard, name, value.length)
    return
  }
  if (type.multiCell && cells.length === 0) return
  guardItems(guard, name, cells.length)
  let size = 0
  if (type.multiCell) {
    for (const cell of cells) {
      guardValueSize(guard, name, cell.value)
      guardValueSize(guard, name, cell.path)
      size += CELL_SIZE + cell.value + cell.path
    }
  } else {
    guardValueSize(guard, name, value.length)
    size = CELL_SIZE + value.length
  }
  guardSize(guard, 'collection_size', size, guard.guardrails.collectionSize, (of) => {
    return `Detected collection ${name} of size ${size}, this exceeds the ${of}.`
  })
}

/** Elements that are taken away leave tombstones with their values in them. */
function guardDiscard(guard: Guard, column: Column, value: Uint8Array | null): void {
  const type = unwrapReversed(column.type)
  if (type.kind === 'list') guardListReads(guard, 'Removal of list items')
  else if (value !== null) {
    for (const key of unpackSet(value)) guardValueSize(guard, column.name, key.length)
  }
}

function guardValueSize(guard: Guard, column: string, size: number): void {
  guardSize(guard, 'column_value_size', size, guard.guardrails.columnValueSize, (of) => {
    return `Value of column '${column}' has size ${size}, this exceeds the ${of}.`
  })
}

function guardItems(guard: Guard, column: string, items: number): void {
  guardSize(guard, 'items_per_collection', items, guard.guardrails.itemsPerCollection, (of) => {
    return `Detected collection ${column} with ${items} items, this exceeds the ${of}.`
  })
}

function guardSize(
  guard: Guard,
  name: string,
  value: number,
  limit: Guard['guardrails']['columnValueSize'],
  text: (of: string) => string,
): void {
  guardMaximum(guard, name, value, limit, (isWarning, threshold) =>
    text(`${isWarning ? 'warning' : 'failure'} threshold of ${threshold}`),
  )
}
