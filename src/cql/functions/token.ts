import { int64Bytes } from '../../common/bytes.ts'
import { InvalidRequestError } from '../../common/errors.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import type { TableMetadata } from '../../model/table.ts'
import { compositeType, native, packComposite } from '../../types/index.ts'
import type { CqlType } from '../../types/type.ts'
import { type FunctionFactory, scalar } from './definition.ts'
import type { ScalarFunction } from './function.ts'

/** token() of a table's partition key (`TokenFct`). */

const functions = new WeakMap<TableMetadata, ScalarFunction>()

/** token() of a table, the same at each call. The token of a virtual table's partition is its key (`LocalPartitioner`). */
export function tokenFunction(table: TableMetadata): ScalarFunction {
  let known = functions.get(table)
  if (known === undefined) functions.set(table, (known = makeTokenFunction(table)))
  return known
}

/** The type of a table's tokens. */
function tokenType(table: TableMetadata): CqlType {
  if (!table.isVirtual) return native.bigint
  const types = table.partitionKeys.map((column) => column.type)
  return types.length === 1 ? types[0]! : compositeType(types)
}

function makeTokenFunction(table: TableMetadata): ScalarFunction {
  const argTypes = table.partitionKeys.map((column) => column.type)
  return scalar('token', argTypes, tokenType(table), (args) => {
    const values = args.filter((value) => value !== null)
    if (values.length < args.length) return null
    const key = values.length === 1 ? values[0]! : packComposite(values)
    if (table.isVirtual) return key
    const token = new Int32Array(2)
    murmur3Token(key, 0, key.length, token)
    return int64Bytes((BigInt(token[0]!) << 32n) | BigInt(token[1]! >>> 0))
  })
}

export const tokenFactory: FunctionFactory = {
  kind: 'factory',
  name: 'token',
  create: (_, { table }) => {
    if (table === null) {
      throw new InvalidRequestError('No receiver keyspace has been specified for function system.token')
    }
    return tokenFunction(table)
  },
}
