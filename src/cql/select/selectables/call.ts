import { ServerError } from '../../../common/errors.ts'
import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, nativeByName, sameType } from '../../../types/index.ts'
import type { Assignment, CqlFunction } from '../../functions/function.ts'
import { castFunctionName, resolveFunction } from '../../functions/resolve.ts'
import type * as raw from '../../raw/index.ts'
import { invalid } from '../../restrictions/index.ts'
import { type Selectable, type SelectionScope, type SelectorFactory, testExactType } from '../selectable.ts'
import { hasAggregate, isConstant, type Source } from '../source.ts'
import { TermSelectable } from './term.ts'

/** A call of a function (`Selectable.WithFunction`), also what an operator stands for. */
export class CallSelectable implements Selectable {
  readonly function: CqlFunction
  readonly args: readonly Selectable[]

  constructor(called: CqlFunction, args: readonly Selectable[]) {
    this.function = called
    this.args = args
  }

  get text(): string {
    return this.function.columnName(this.args.map((arg) => arg.text))
  }

  get exactType(): CqlType {
    return this.function.returnType
  }

  get knownType(): CqlType {
    return this.function.returnType
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.exactType, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.args.some((arg) => arg.selects(predicate))
  }

  select(scope: SelectionScope): SelectorFactory {
    const { argTypes } = this.function
    const args = this.args.map((arg, i) => arg.select(scope, argTypes[i]))
    return callOf(this.function, args, scope)
  }
}

/** The function's name without its keyspace. */
function plainName({ fullName }: CqlFunction): string {
  return fullName.slice(fullName.indexOf('.') + 1)
}

/** A function over selected arguments; of constants alone it is a constant too (`createScalarSelector`). */
function callOf(
  called: CqlFunction,
  args: readonly SelectorFactory[],
  scope: SelectionScope,
): SelectorFactory {
  scope.hasFunctions = true
  const sources = args.map((arg) => arg.source)
  return {
    source: callSource(called, sources, scope),
    type: called.returnType,
    name: called.columnName(args.map((arg) => arg.name)),
  }
}

function callSource(called: CqlFunction, args: readonly Source[], scope: SelectionScope): Source {
  if (called.kind === 'aggregate') {
    // An aggregate takes values of rows, so that one inside of it has none.
    if (args.some(hasAggregate))
      throw invalid('aggregate functions cannot be used as arguments of aggregate functions')
    return { kind: 'aggregate', function: called, args, index: scope.aggregateCount++ }
  }
  if (called.fullName === 'system.token' && !scope.table.isVirtual && isPartitionKey(args, scope)) {
    return { kind: 'token' }
  }
  for (const arg of args) {
    if (arg.kind !== 'constant') continue
    scope.constant({ kind: 'argument', index: arg.index, subject: plainName(called) })
  }
  const source: Source = { kind: 'function', function: called, args }
  if (args.length === 0 || !args.every(isConstant)) return source
  return { kind: 'constant', index: scope.constant({ kind: 'computed', source }) }
}

function isPartitionKey(args: readonly Source[], { table }: SelectionScope): boolean {
  return (
    args.length === table.partitionKeys.length &&
    args.every((source, i) => source.kind === 'partitionKey' && source.position === i)
  )
}

/** Finds the function of a call (`WithFunction.Raw.prepare`). */
export function prepareCall(
  name: raw.FunctionName,
  args: readonly Selectable[],
  table: ColumnTable,
): CallSelectable {
  const isNative = name.keyspace === null || name.keyspace === 'system'
  // Of a constant, all rows are counted.
  if (isNative && name.name === 'count' && args.length === 1 && isLiteral(args[0])) {
    return prepareCall({ keyspace: 'system', name: 'count_rows' }, [], table)
  }
  const found = resolveFunction(name, args, { table, type: null })
  if (found === null) {
    const shown = name.keyspace === null ? name.name : `${name.keyspace}.${name.name}`
    throw invalid(`Unknown function '${shown}'`)
  }
  return new CallSelectable(found, args)
}

type ColumnTable = SelectionScope['table']

function isLiteral(selectable: Selectable): boolean {
  return (
    selectable instanceof TermSelectable &&
    selectable.term.kind === 'literal' &&
    selectable.term.type !== 'null'
  )
}

/** `CAST(s AS type)` (`Selectable.WithCast`). */
export class CastSelectable implements Selectable {
  readonly #arg: Selectable
  readonly #typeName: raw.NativeTypeName

  constructor(arg: Selectable, type: raw.NativeTypeName) {
    this.#arg = arg
    this.#typeName = type
  }

  get text(): string {
    return `cast(${this.#arg.text} as ${this.#typeName})`
  }

  get exactType(): CqlType {
    const type = nativeByName(this.#typeName)
    if (type === undefined) throw invalid(`Unknown type ${this.#typeName}`)
    return type
  }

  get knownType(): CqlType {
    return this.exactType
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.exactType, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#arg.selects(predicate)
  }

  select(scope: SelectionScope): SelectorFactory {
    const arg = this.#arg.select(scope, null)
    // A cast of a value to its own type is none.
    if (sameType(this.exactType, arg.type)) return arg
    const found = resolveFunction(castFunctionName(this.#typeName), [this.#arg], {
      table: scope.table,
      type: null,
    })
    if (found === null) {
      const [first] = scope.columns
      // Cassandra names the first of the selected columns, and stumbles where there is none.
      if (first === undefined) {
        throw new ServerError('java.lang.IndexOutOfBoundsException: Index 0 out of bounds for length 0')
      }
      throw invalid(`${first.name} cannot be cast to ${this.#typeName}`)
    }
    return callOf(found, [arg], scope)
  }
}
