import type { Observed, Row } from './index.ts'

/** The nodes that files of hints wait for (`PendingHintsTable`); none where the node is alone. */
export function pendingHintRows({ ring }: Observed): Row[] {
  if (ring === null) return []
  const { membership, keeping } = ring
  return keeping.hints.pendingHints().map(({ hostId, files, newestMs, oldestMs }) => {
    const row = { host_id: hostId, files, newest: newestMs, oldest: oldestMs }
    const endpoint = membership.endpointOf(hostId)
    if (endpoint === undefined) return { ...row, rack: 'Unknown', dc: 'Unknown', status: 'Unknown' }
    const { dataCenter, rack } = membership.place(endpoint)
    const status = membership.isAlive(endpoint) ? 'UP' : 'DOWN'
    return { ...row, address: endpoint.host, port: endpoint.port, rack, dc: dataCenter, status }
  })
}
