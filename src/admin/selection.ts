import type { TableMetadata } from '../model/table.ts'
import type { ColumnFamilyStore } from '../storage/column-family-store.ts'
import { type AdminNode, type Arguments, BadUseError, textOf, textsOf } from './admin-node.ts'

/** Keyspaces with data (`StorageServiceMBean.getKeyspaces`). */
export function keyspacesOf({ schema }: AdminNode): string[] {
  return [...schema.current.keyspaces.values()].filter(({ isVirtual }) => !isVirtual).map(({ name }) => name)
}

/** Refuses a keyspace that there is not (`NodeTool.parseOptionalKeyspace`). */
export function checkKeyspace(node: AdminNode, keyspace: string): void {
  if (!keyspacesOf(node).includes(keyspace)) throw new BadUseError(`Keyspace [${keyspace}] does not exist.`)
}

export function tableOf({ schema }: AdminNode, keyspace: string, name: string): TableMetadata {
  const table = schema.current.table(keyspace, name)
  if (table === null || table.isVirtual) throw new Error(`Unknown keyspace/cf pair (${keyspace}.${name})`)
  return table
}

export function storeOf(node: AdminNode, keyspace: string, name: string): ColumnFamilyStore {
  return node.engine.storeOf(tableOf(node, keyspace, name))
}

/** The tables that `keyspace` and `tables` name; all of the keyspace, or of the node, where they are not given. */
export function storesOf(node: AdminNode, args: Arguments): readonly ColumnFamilyStore[] {
  const keyspace = textOf(args, 'keyspace')
  if (keyspace === null) return node.engine.stores
  checkKeyspace(node, keyspace)
  const names = textsOf(args, 'tables')
  if (names.length === 0) return node.engine.stores.filter(({ table }) => table.keyspace === keyspace)
  return [...new Set(names)].map((name) => storeOf(node, keyspace, name))
}
