import type { UserType } from '../../types/index.ts'
import { CqlBuilder } from './cql-builder.ts'

/** CREATE TYPE (`UserType.toCqlString`). */
export function userTypeCql(type: UserType): string {
  const builder = new CqlBuilder()
  builder.append('CREATE TYPE ').appendName(type.keyspace).append('.').appendName(type.name)
  builder.append(' (').newLine().increaseIndent()
  type.fieldNames.forEach((name, i) => {
    if (i > 0) builder.append(',').newLine()
    builder.appendName(name).append(` ${type.fieldTypes[i]!.cqlName}`)
  })
  return builder.newLine().decreaseIndent().append(');').toString()
}
