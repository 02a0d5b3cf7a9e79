import type { KeyspaceMetadata } from '../keyspace.ts'
import { LOCATOR_PACKAGE } from '../table-params.ts'
import { CqlBuilder } from './cql-builder.ts'

/** CREATE KEYSPACE, or a comment where it is a virtual one (`KeyspaceMetadata.toCqlString`). */
export function keyspaceCql({ name, params, isVirtual }: KeyspaceMetadata): string {
  const builder = new CqlBuilder()
  if (isVirtual) {
    return builder
      .append('/*')
      .newLine()
      .append('Warning: Keyspace ')
      .appendName(name)
      .append(' is a virtual keyspace and cannot be recreated with CQL.')
      .newLine()
      .append('Structure, for reference:')
      .newLine()
      .append('VIRTUAL KEYSPACE ')
      .appendName(name)
      .append(';')
      .newLine()
      .append('*/')
      .toString()
  }
  builder.append('CREATE KEYSPACE ').appendName(name).append(' WITH replication = ')
  appendReplication(builder, params.replication)
  return builder.append(`  AND durable_writes = ${params.durableWrites};`).toString()
}

/** The class first, then the options in their own order (`ReplicationParams.appendCqlTo`). */
function appendReplication(builder: CqlBuilder, replication: ReadonlyMap<string, string>): void {
  builder.append("{'class': ").appendWithSingleQuotes(strategyName(replication.get('class') ?? ''))
  for (const [option, value] of replication) {
    if (option === 'class') continue
    builder.append(', ').appendWithSingleQuotes(option).append(': ').appendWithSingleQuotes(value)
  }
  builder.append('}')
}

function strategyName(className: string): string {
  const name = className.slice(LOCATOR_PACKAGE.length)
  return className.startsWith(LOCATOR_PACKAGE) && !name.includes('.') ? name : className
}
