import type { Endpoint } from '../../cluster/endpoint.ts'
import type { EndpointStateView } from '../../cluster/gossip/endpoint-state.ts'
import { internalValue } from '../../query/internal-rows.ts'
import { RELEASE_VERSION } from '../version.ts'
import type { Observed, Row } from './index.ts'

/**
 * What this node would say of itself in gossip (`GossipInfoTable`). It is alone and tells nobody: its states have
 * been as they are since it started, their versions count them in Cassandra's order, and a heartbeat is a second.
 * Where Cassandra's states are about SSTables or the internode protocol there is nothing to say.
 */
export function gossipRows({ schema, transport, clock, ring }: Observed): Row[] {
  if (ring !== null) return ring.gossip.gossiper.endpoints.map(rowOf)
  const table = schema.system.table('local')
  const local = schema.system.readLocal()
  if (local === null) return []
  const value = (column: string): unknown => internalValue(table, local, column)
  const tokens = [...((value('tokens') as Iterable<string> | null) ?? [])].map((token) => BigInt(token))
  const first = tokens.reduce((least, token) => (token < least ? token : least), tokens[0] ?? 0n)
  const status = `NORMAL,${first}`
  const generation = value('gossip_generation') as number
  const states: readonly (readonly [string, string])[] = [
    ['host_id', String(value('host_id'))],
    ['native_address_and_port', `${transport.address.host}:${transport.address.port}`],
    ['rpc_address', transport.address.host],
    ['release_version', RELEASE_VERSION],
    ['dc', String(value('data_center'))],
    ['rack', String(value('rack'))],
    ['schema', schema.current.version],
    ['tokens', ''],
    ['status_with_port', status],
    ['status', status],
    ['rpc_ready', 'true'],
    // Of SSTables, which there are none of.
    ['load', '0.0'],
  ]
  const row: Record<string, unknown> = {
    address: schema.system.listenAddress,
    port: 7000,
    hostname: schema.system.listenAddress,
    generation,
    heartbeat: states.length + Math.max(0, Math.floor(clock.nowMs() / 1000) - generation),
  }
  states.forEach(([name, text], index) => {
    // There is no column for the tokens themselves.
    if (name !== 'tokens') row[name] = text
    row[`${name}_version`] = index + 1
  })
  return [row]
}

function rowOf({ endpoint, state }: { readonly endpoint: Endpoint; readonly state: EndpointStateView }): Row {
  const { generation, version } = state.heartbeat
  const row: Record<string, unknown> = {
    address: endpoint.host,
    port: endpoint.port,
    hostname: endpoint.host,
    generation,
    heartbeat: version,
  }
  for (const [name, said] of state.states) {
    const column = name.toLowerCase()
    if (name !== 'TOKENS') row[column] = said.value
    row[`${column}_version`] = said.version
  }
  return row
}
