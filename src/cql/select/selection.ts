import { createHash } from 'node:crypto'
import type { ColumnSpecification, ResultMetadata } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { compareColumnNames } from '../../schema/index.ts'
import {
  type CqlType,
  listType,
  type MapType,
  native,
  type SetType,
  sameType,
  unwrapReversed,
} from '../../types/index.ts'
import { findFunction, type NativeFunction, toJsonFunction, toJsonName } from '../functions/native.ts'
import type * as raw from '../raw/index.ts'
import { columnSpecification, existingColumn, invalid } from '../restrictions/index.ts'
import {
  isValueCompatible,
  type PrepareContext,
  part,
  prepareTerm,
  type Term,
  termText,
  testAssignment,
  typeName,
} from '../term.ts'
import { localTokenFunction } from './local-token.ts'

/**
 * Where a value of a result row comes from. Static columns come from a store that is filled once a partition, since
 * the memory of the static row is gone when the first row is read.
 */
export type Source =
  | { readonly kind: 'partitionKey'; readonly position: number }
  | { readonly kind: 'clustering'; readonly position: number }
  | { readonly kind: 'cells'; readonly column: ColumnMetadata }
  | { readonly kind: 'static'; readonly index: number }
  /** Of a column or of parts of it, which `of` reads from the row's own cells even where the column is static. */
  | { readonly kind: 'writetime' | 'maxwritetime' | 'ttl'; readonly of: Source }
  | { readonly kind: 'field'; readonly of: Source; readonly index: number }
  | { readonly kind: 'function'; readonly function: NativeFunction; readonly args: readonly Source[] }
  | { readonly kind: 'token'; readonly args: readonly Source[] | null }
  | { readonly kind: 'term'; readonly index: number }
  | { readonly kind: 'count' }
  /** `c[key]` of a set or map; `key` is the place of its value among the terms. */
  | { readonly kind: 'element'; readonly of: Source; readonly type: SetType | MapType; readonly key: number }
  /** `c[from..to]`; -1 where it is open. */
  | {
      readonly kind: 'slice'
      readonly of: Source
      readonly type: SetType | MapType
      readonly from: number
      readonly to: number
    }

/** The kinds of output, as small integers for the loop over them. */
export const OUTPUT_PARTITION_KEY = 0
export const OUTPUT_CLUSTERING = 1
export const OUTPUT_SIMPLE = 2
export const OUTPUT_COUNTER = 3
export const OUTPUT_LIST = 4
export const OUTPUT_SET = 5
export const OUTPUT_MAP = 6
export const OUTPUT_UDT = 7
export const OUTPUT_STATIC = 8
export const OUTPUT_COMPUTED = 9
export const OUTPUT_COUNT = 10

/** A column of the output: what kind, and of which position, column id or store. */
export interface Output {
  readonly kind: number
  readonly argument: number
  /** Fields of a user type. */
  readonly size: number
  readonly source: Source
}

/** A term in the selection. An element of `subject`, or a bound of a slice of it, must have a value. */
export interface SelectionTerm {
  readonly term: Term
  readonly use: 'argument' | 'element' | 'slice'
  readonly subject: string
}

/** What a SELECT gives of each row (`Selection`). */
export interface Selection {
  readonly metadata: ResultMetadata
  readonly outputs: readonly Output[]
  /** Values of the static row that outputs take from the store. */
  readonly statics: readonly Source[]
  /** Terms in arguments of functions and between brackets, evaluated once an execution. */
  readonly terms: readonly SelectionTerm[]
  /** The columns that a JSON text is made of; null without JSON. */
  readonly json: readonly ColumnSpecification[] | null
  /** All columns that are looked at, for the checks of DISTINCT. */
  readonly columns: readonly ColumnMetadata[]
  /** Written as `*`. */
  readonly isWildcard: boolean
  readonly isAggregate: boolean
  readonly hasFunctions: boolean
  /** One more than the greatest clustering position looked at. */
  readonly clusteringsUsed: number
  /** Outputs beyond those of the client: columns to order by. */
  readonly orderingOutputs: readonly Output[]
  /** Of each column to order by, its place among the outputs and ordering outputs. */
  readonly orderingIndexes: readonly number[]
}

/** A selector after names are known, before types are: `Selectable`. */
type Selectable =
  | { readonly kind: 'column'; readonly column: ColumnMetadata }
  | { readonly kind: 'count' }
  /** One selector in parentheses, which might be a tuple of one. */
  | { readonly kind: 'nested'; readonly of: Selectable }
  | { readonly kind: 'field'; readonly of: Selectable; readonly field: string }
  | {
      readonly kind: 'timestamp'
      readonly function: 'writetime' | 'maxwritetime' | 'ttl'
      readonly column: ColumnMetadata
      readonly of: Selectable
    }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly function: NativeFunction | null
      readonly args: readonly Selectable[]
    }
  | { readonly kind: 'json'; readonly name: string; readonly of: Selectable }
  | { readonly kind: 'term'; readonly term: raw.Literal | raw.BindMarker }
  | { readonly kind: 'element'; readonly of: Selectable; readonly key: raw.Term }
  | {
      readonly kind: 'slice'
      readonly of: Selectable
      readonly from: raw.Term | null
      readonly to: raw.Term | null
    }

interface PreparedSelector {
  readonly selectable: Selectable
  readonly alias: string | null
}

const KNOWN_FUNCTIONS =
  /^(avg|sum|min|max|count|fromjson|from_json|tojson|to_json|castas.*|.*asblob|.*_as_blob|blobas.*|blob_as_.*|dateof|unixtimestampof|totimestamp|to_timestamp|todate|to_date|tounixtimestamp|to_unix_timestamp|mintimeuuid|maxtimeuuid|min_timeuuid|max_timeuuid|current.*|map_keys|map_values|collection_.*|similarity_.*|abs|exp|log|log10|round|mask_.*|floor|system_.*|masked_.*|uuid|now|writetime|ttl)$/

function notYet(what: string): Error {
  return invalid(`${what} in SELECT is not supported yet`)
}

/** Names of columns and functions looked up: the first of two passes, as Cassandra reports errors in this order. */
function prepareSelector({ selectable, alias }: raw.Selector, table: TableMetadata): PreparedSelector {
  return { selectable: prepareSelectable(selectable, table), alias: alias?.text ?? null }
}

function prepareSelectable(selectable: raw.Selectable, table: TableMetadata): Selectable {
  switch (selectable.kind) {
    case 'column':
      return { kind: 'column', column: existingColumn(table, selectable.name.text) }
    case 'countRows':
      return { kind: 'count' }
    case 'field':
      return {
        kind: 'field',
        of: prepareSelectable(selectable.receiver, table),
        field: selectable.field.text,
      }
    case 'writetimeOrTtl': {
      const column = existingColumn(table, targetColumn(selectable.target))
      const of = prepareSelectable(selectable.target, table)
      return { kind: 'timestamp', function: selectable.function, column, of }
    }
    case 'functionCall':
      return prepareCall(selectable, table)
    case 'literal':
    case 'bindMarker':
      return { kind: 'term', term: selectable }
    case 'tupleOrNested':
      if (selectable.elements.length === 1) {
        return { kind: 'nested', of: prepareSelectable(selectable.elements[0], table) }
      }
      throw notYet('A tuple')
    case 'typeHint':
      throw notYet('A type hint')
    case 'cast':
      throw notYet('CAST')
    case 'list':
    case 'set':
    case 'mapOrUdt':
      throw notYet('A collection literal')
    case 'element':
      return {
        kind: 'element',
        of: prepareSelectable(selectable.receiver, table),
        key: selectable.key,
      }
    case 'slice':
      return {
        kind: 'slice',
        of: prepareSelectable(selectable.receiver, table),
        from: selectable.from,
        to: selectable.to,
      }
    case 'arithmetic':
    case 'negation':
      throw notYet('Arithmetic')
  }
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

function wrongCount(name: string, required: number, given: number): Error {
  return invalid(
    `Invalid number of arguments in call to function ${name}: ${required} required but ${given} provided`,
  )
}

function prepareCall(
  call: Extract<raw.Selectable, { kind: 'functionCall' }>,
  table: TableMetadata,
): Selectable {
  const { name } = call
  const args = call.args.map((arg) => prepareSelectable(arg, table))
  const isNative = name.keyspace === null || name.keyspace === 'system'
  const plain = name.name.toLowerCase()
  // Of a constant, all rows are counted.
  const only = call.args.length === 1 ? call.args[0] : null
  if (isNative && plain === 'count' && only?.kind === 'literal' && only.type !== 'null')
    return { kind: 'count' }
  if (isNative && plain === 'token') return { kind: 'call', name: 'system.token', function: null, args }
  const jsonName = toJsonName(name)
  if (jsonName !== null) {
    if (args.length !== 1) throw invalid(`Invalid number of arguments for function system.${jsonName}(any)`)
    return { kind: 'json', name: jsonName, of: args[0] }
  }
  const found = findFunction(name, args.length)
  if (found !== null) return { kind: 'call', name: found.fullName, function: found, args }
  for (let count = 0; isNative && count < 3; count++) {
    const other = findFunction(name, count)
    if (other !== null) throw wrongCount(other.fullName, count, args.length)
  }
  if (isNative && plain === 'count' && args.length !== 1) throw wrongCount('system.count', 1, args.length)
  const shown = name.keyspace === null ? name.name : `${name.keyspace}.${name.name}`
  if (isNative && KNOWN_FUNCTIONS.test(plain)) throw notYet(`Function ${shown}`)
  throw invalid(`Unknown function '${shown}'`)
}

function looksAt(selectable: Selectable, predicate: (column: ColumnMetadata) => boolean): boolean {
  switch (selectable.kind) {
    case 'column':
    case 'timestamp':
      return predicate(selectable.column)
    case 'field':
    case 'nested':
    case 'json':
    case 'element':
    case 'slice':
      return looksAt(selectable.of, predicate)
    case 'call':
      return selectable.args.some((arg) => looksAt(arg, predicate))
    case 'count':
    case 'term':
      return false
  }
}

/**
 * Whether the selectors look at static columns and but for these only at the partition key. Names are looked up one
 * selector after another, and not at all where the table has no static columns: their errors come later then.
 */
export function selectsOnlyStatics(selectors: readonly raw.Selector[], table: TableMetadata): boolean {
  if (table.statics.length === 0) return false
  const selects = (predicate: (column: ColumnMetadata) => boolean) =>
    selectors.some((selector) => looksAt(prepareSelector(selector, table).selectable, predicate))
  return (
    selects((column) => column.kind === 'static') &&
    !selects((column) => column.kind === 'clustering' || column.kind === 'regular')
  )
}

function compareNames(a: ColumnMetadata, b: ColumnMetadata): number {
  return compareColumnNames(a.name, b.name)
}

/** The columns of `*`: key, clustering, then static and regular ones together by name. */
export function columnsInSelectOrder(table: TableMetadata): readonly ColumnMetadata[] {
  return [
    ...table.partitionKeys,
    ...table.clusterings,
    ...[...table.statics].sort(compareNames),
    ...[...table.regulars].sort(compareNames),
  ]
}

function selectableText(selectable: Selectable): string {
  switch (selectable.kind) {
    case 'column':
      return selectable.column.name
    case 'count':
      return 'count(*)'
    case 'nested':
      return `(${selectableText(selectable.of)})`
    case 'field':
      return `${selectableText(selectable.of)}.${selectable.field}`
    case 'timestamp':
      return `${selectable.function}(${selectableText(selectable.of)})`
    case 'call':
      return `${selectable.name}(${selectable.args.map(selectableText).join(', ')})`
    case 'json':
      return `system.${selectable.name}(${selectableText(selectable.of)})`
    case 'term':
      return termText(selectable.term)
    case 'element':
      return `${selectableText(selectable.of)}[${termText(selectable.key)}]`
    case 'slice': {
      const bound = (term: raw.Term | null) => (term === null ? '' : termText(term))
      return `${selectableText(selectable.of)}[${bound(selectable.from)}..${bound(selectable.to)}]`
    }
  }
}

interface Typed {
  readonly source: Source
  readonly type: CqlType
  /** The column's name as the result shows it. */
  readonly name: string
}

/** Sources and types of selectors: the second pass. */
class SelectionBuilder {
  readonly statics: Source[] = []
  readonly terms: SelectionTerm[] = []
  readonly columns: ColumnMetadata[] = []
  hasFunctions = false
  isAggregate = false
  clusteringsUsed = 0
  /** Not so inside of what is kept as a whole. */
  #keepsStatics = true
  readonly #table: TableMetadata
  readonly #context: PrepareContext

  constructor(table: TableMetadata, context: PrepareContext) {
    this.#table = table
    this.#context = context
  }

  column(column: ColumnMetadata): Source {
    this.#look(column)
    switch (column.kind) {
      case 'partition_key':
        return { kind: 'partitionKey', position: column.position }
      case 'clustering':
        this.clusteringsUsed = Math.max(this.clusteringsUsed, column.position + 1)
        return { kind: 'clustering', position: column.position }
      case 'static':
        return this.#keepsStatics ? this.#static({ kind: 'cells', column }) : { kind: 'cells', column }
      case 'regular':
        return { kind: 'cells', column }
    }
  }

  #look(column: ColumnMetadata): void {
    if (!this.columns.includes(column)) this.columns.push(column)
  }

  #static(source: Source): Source {
    this.statics.push(source)
    return { kind: 'static', index: this.statics.length - 1 }
  }

  typed(selectable: Selectable): Typed {
    switch (selectable.kind) {
      case 'column': {
        const { column } = selectable
        return { source: this.column(column), type: column.type, name: column.name }
      }
      case 'count':
        this.isAggregate = true
        return { source: { kind: 'count' }, type: native.bigint, name: 'count' }
      case 'timestamp':
        return this.#timestamp(selectable)
      case 'field':
        return this.#field(selectable)
      case 'nested':
        throw invalid(
          `Cannot infer type for term ${selectableText(selectable)} in selection clause (try using a cast to force a type)`,
        )
      case 'call':
        return this.#call(selectable)
      case 'json':
        return this.#json(selectable)
      case 'term':
        throw notYet(`A ${selectable.term.kind === 'literal' ? 'literal' : 'bind marker'}`)
      case 'element': {
        const { of, type, prepare } = this.#collection(selectable.of, 'element')
        return {
          source: { kind: 'element', of, type, key: prepare(selectable.key) },
          type: type.kind === 'map' ? type.values : type.elements,
          name: selectableText(selectable),
        }
      }
      case 'slice': {
        const { of, type, prepare } = this.#collection(selectable.of, 'slice')
        const { from, to } = selectable
        return {
          source: {
            kind: 'slice',
            of,
            type,
            from: from === null ? -1 : prepare(from),
            to: to === null ? -1 : prepare(to),
          },
          type,
          name: selectableText(selectable),
        }
      }
    }
  }

  #timestamp(selectable: Extract<Selectable, { kind: 'timestamp' }>): Typed {
    const { column } = selectable
    if (column.kind === 'partition_key' || column.kind === 'clustering') {
      throw invalid(`Cannot use selection function ${selectable.function} on PRIMARY KEY part ${column.name}`)
    }
    this.#keepsStatics = false
    const of = this.typed(selectable.of)
    this.#keepsStatics = true
    const source: Source = { kind: selectable.function, of: of.source }
    const one = selectable.function === 'ttl' ? native.int : native.bigint
    return {
      source: column.kind === 'static' ? this.#static(source) : source,
      // Every cell has its own.
      type: of.type.multiCell && selectable.function !== 'maxwritetime' ? listType(one, false) : one,
      name: `${selectable.function}(${of.name})`,
    }
  }

  #field(selectable: Extract<Selectable, { kind: 'field' }>): Typed {
    // What stands in one pair of parentheses before a field is no tuple.
    const receiver = selectable.of
    const isInParentheses = receiver.kind === 'nested' && receiver.of.kind !== 'nested'
    const of = this.typed(isInParentheses ? receiver.of : receiver)
    const type = unwrapReversed(of.type)
    if (type.kind !== 'udt') {
      throw invalid(`Invalid field selection: ${of.name} of type ${typeName(type)} is not a user type`)
    }
    const index = type.fieldNames.indexOf(selectable.field)
    if (index < 0) throw invalid(`${of.name} of type ${typeName(type)} has no field ${selectable.field}`)
    return {
      source: { kind: 'field', of: of.source, index },
      type: type.fieldTypes[index],
      name: `${of.name}.${selectable.field}`,
    }
  }

  /** A set or map before brackets, and how terms between them are prepared (`Selectable.specForElementOrSlice`). */
  #collection(
    selectable: Selectable,
    use: 'element' | 'slice',
  ): { of: Source; type: SetType | MapType; prepare: (term: raw.Term) => number } {
    const typed = this.typed(selectable)
    const type = unwrapReversed(typed.type)
    const text = selectableText(selectable)
    if (type.kind === 'list') {
      const selection = use === 'element' ? 'Element' : 'Slice'
      throw invalid(`${selection} selection is only allowed on sets and maps, but ${text} is a list`)
    }
    if (type.kind !== 'set' && type.kind !== 'map') {
      throw invalid(
        use === 'element'
          ? `Invalid element selection: ${text} is of type ${typeName(type)} is not a collection`
          : `Invalid slice selection: ${text} of type ${typeName(type)} is not a collection`,
      )
    }
    const receiver = { keyspace: this.#table.keyspace, table: this.#table.name, name: typed.name, type }
    const specification =
      type.kind === 'map'
        ? part(receiver, `key(${typed.name})`, type.keys)
        : part(receiver, `value(${typed.name})`, type.elements)
    const prepare = (term: raw.Term): number => {
      this.terms.push({
        term: prepareTerm(term, specification, this.#context),
        use,
        subject: typed.name,
      })
      return this.terms.length - 1
    }
    return { of: typed.source, type, prepare }
  }

  #call(selectable: Extract<Selectable, { kind: 'call' }>): Typed {
    this.hasFunctions = true
    if (selectable.function === null) return this.#tokenCall(selectable.args)
    const called = selectable.function
    const args = selectable.args.map((arg, i): Typed => {
      const wanted = called.argTypes[i]
      if (arg.kind === 'term') return this.#termArgument(arg.term, `arg${i}(${called.fullName})`, wanted)
      const typed = this.typed(arg)
      if (
        !sameType(unwrapReversed(typed.type), wanted) &&
        !isValueCompatible(wanted, unwrapReversed(typed.type))
      ) {
        throw notYet(`Function ${called.fullName} of ${typeName(typed.type)}`)
      }
      return typed
    })
    const type = called.resultType(native.blob, this.#table.keyspace)
    if (type === null) throw notYet(`Function ${called.fullName}`)
    return {
      source: { kind: 'function', function: called, args: args.map((arg) => arg.source) },
      type,
      name: `${called.fullName}(${args.map((arg) => arg.name).join(', ')})`,
    }
  }

  #json({ name, of }: Extract<Selectable, { kind: 'json' }>): Typed {
    this.hasFunctions = true
    const arg = of.kind === 'term' ? this.#literalArgument(of.term, name) : this.typed(of)
    const called = toJsonFunction(name, unwrapReversed(arg.type))
    return {
      source: { kind: 'function', function: called, args: [arg.source] },
      type: native.text,
      name: `${called.fullName}(${arg.name})`,
    }
  }

  /** A constant where any type would do. */
  #literalArgument(term: raw.Literal | raw.BindMarker, name: string): Typed {
    const type = term.kind === 'literal' ? preferredType(term) : null
    if (type === null) {
      throw invalid(
        `Cannot infer type of argument ${termText(term)} in call to function system.${name}(any): use type casts to disambiguate`,
      )
    }
    return this.#termArgument(term, `arg0(system.${name})`, type)
  }

  #termArgument(term: raw.Literal | raw.BindMarker, name: string, type: CqlType): Typed {
    const receiver = part({ keyspace: this.#table.keyspace, table: this.#table.name, name, type }, name, type)
    this.terms.push({ term: prepareTerm(term, receiver, this.#context), use: 'argument', subject: name })
    return { source: { kind: 'term', index: this.terms.length - 1 }, type, name: termText(term) }
  }

  #tokenTerm(term: raw.Literal | raw.BindMarker, index: number, wanted: CqlType): Typed {
    const name = `arg${index}(system.token)`
    const receiver = part(
      { keyspace: this.#table.keyspace, table: this.#table.name, name, type: wanted },
      name,
      wanted,
    )
    if (testAssignment(term, receiver, this.#context) === 'NOT')
      throw wrongTokenArgument(termText(term), index, wanted)
    return this.#termArgument(term, name, wanted)
  }

  #tokenArgument(selectable: Selectable, index: number, wanted: CqlType): Typed {
    const typed = this.typed(selectable)
    const type = unwrapReversed(typed.type)
    if (!sameType(type, wanted) && !isValueCompatible(wanted, type)) {
      throw wrongTokenArgument(typed.name, index, wanted)
    }
    return typed
  }

  #tokenCall(selectables: readonly Selectable[]): Typed {
    const local = this.#table.isVirtual ? localTokenFunction(this.#table) : null
    const keys = this.#table.partitionKeys
    if (selectables.length !== keys.length) {
      throw wrongCount('system.token', keys.length, selectables.length)
    }
    const args = selectables.map((selectable, i) =>
      selectable.kind === 'term'
        ? this.#tokenTerm(selectable.term, i, keys[i].type)
        : this.#tokenArgument(selectable, i, keys[i].type),
    )
    const name = `system.token(${args.map((arg) => arg.name).join(', ')})`
    if (local !== null) {
      const type = local.resultType(native.blob, this.#table.keyspace) ?? native.blob
      return {
        source: { kind: 'function', function: local, args: args.map((arg) => arg.source) },
        type,
        name,
      }
    }
    const isOfKey = args.every(({ source }, i) => source.kind === 'partitionKey' && source.position === i)
    return {
      source: { kind: 'token', args: isOfKey ? null : args.map((arg) => arg.source) },
      type: native.bigint,
      name,
    }
  }
}

function wrongTokenArgument(shown: string, index: number, wanted: CqlType): Error {
  return invalid(
    `Type error: ${shown} cannot be passed as argument ${index} of function system.token of type ${typeName(wanted)}`,
  )
}

/** The type of a constant where its form alone says it (`Constants.Type.getPreferedTypeFor`). */
function preferredType({ type, text }: raw.Literal): CqlType | null {
  switch (type) {
    case 'null':
      return null
    case 'string':
      return native.text
    case 'integer': {
      const value = BigInt(text)
      if (value === BigInt.asIntN(32, value)) return native.int
      return value === BigInt.asIntN(64, value) ? native.bigint : native.varint
    }
    case 'float':
      return native.double
    case 'hex':
      return native.blob
    default:
      return native[type]
  }
}

function outputOf(source: Source): Output {
  const output = (kind: number, argument = 0, size = 0): Output => ({ kind, argument, size, source })
  switch (source.kind) {
    case 'partitionKey':
      return output(OUTPUT_PARTITION_KEY, source.position)
    case 'clustering':
      return output(OUTPUT_CLUSTERING, source.position)
    case 'static':
      return output(OUTPUT_STATIC, source.index)
    case 'count':
      return output(OUTPUT_COUNT)
    case 'cells': {
      const { id, type } = source.column
      if (type.kind === 'counter') return output(OUTPUT_COUNTER, id)
      if (!type.multiCell) return output(OUTPUT_SIMPLE, id)
      if (type.kind === 'list') return output(OUTPUT_LIST, id)
      if (type.kind === 'set') return output(OUTPUT_SET, id)
      if (type.kind === 'map') return output(OUTPUT_MAP, id)
      return output(OUTPUT_UDT, id, type.kind === 'udt' ? type.fieldTypes.length : 0)
    }
    default:
      return output(OUTPUT_COMPUTED)
  }
}

/** `ResultSet.computeResultMetadataId`. */
function metadataId(columns: readonly ColumnSpecification[]): Uint8Array {
  const hash = createHash('md5')
  for (const column of columns)
    hash.update(column.name).update('\0').update(column.type.className).update('\0\0')
  return hash.digest()
}

export function resultMetadata(columns: readonly ColumnSpecification[]): ResultMetadata {
  return { columns, id: metadataId(columns) }
}

/** The selection of selectors, or of `*`, with the columns that rows are to be ordered by after they were read. */
export function prepareSelection(
  selectors: raw.Selection,
  orderingColumns: readonly ColumnMetadata[],
  table: TableMetadata,
  context: PrepareContext,
  isJson: boolean,
): Selection {
  const builder = new SelectionBuilder(table, context)
  const columns: ColumnSpecification[] = []
  const outputs: Output[] = []
  if (selectors === '*') {
    for (const column of columnsInSelectOrder(table)) {
      outputs.push(outputOf(builder.column(column)))
      columns.push(columnSpecification(table, column))
    }
  } else {
    const prepared = selectors.map((selector) => prepareSelector(selector, table))
    for (const { selectable, alias } of prepared) {
      const { source, type, name } = builder.typed(selectable)
      outputs.push(outputOf(source))
      columns.push({ keyspace: table.keyspace, table: table.name, name: alias ?? name, type })
    }
  }
  const orderingOutputs = orderingColumns.map((column) => outputOf(builder.column(column)))
  const { keyspace, name } = table
  return {
    metadata: resultMetadata(
      isJson ? [{ keyspace, table: name, name: '[json]', type: native.text }] : columns,
    ),
    json: isJson ? columns : null,
    outputs,
    statics: builder.statics,
    terms: builder.terms,
    columns: builder.columns,
    isWildcard: selectors === '*',
    isAggregate: builder.isAggregate,
    hasFunctions: builder.hasFunctions,
    clusteringsUsed: builder.clusteringsUsed,
    orderingOutputs,
    orderingIndexes: orderingColumns.map((_, i) => (isJson ? 1 : outputs.length) + i),
  }
}
