import { expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'

function parsed(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { readonly options: object; readonly warnings: readonly string[] } {
  const answer = parseArguments(args, env, (path) => ({
    options: { numTokens: 16, clusterName: path, settings: { a: '1', b: '1' }, port: 1 },
    warnings: ['w'],
  }))
  if (answer.kind !== 'options') throw new Error(JSON.stringify(answer))
  return answer
}

it('flags make a server a node of a ring', () => {
  const args = [
    '--seeds',
    '10.0.0.1,10.0.0.2',
    '--listen',
    'auto',
    '--storage-port',
    '7100',
    '--quick-gossip',
  ]
  expect(
    parsed([...args, '--initial-token', '1,2', '--endpoint-snitch', 'SimpleSnitch']).options,
  ).toMatchObject({
    seeds: '10.0.0.1,10.0.0.2',
    listenAddress: 'auto',
    storagePort: 7100,
    quickGossip: true,
    initialToken: '1,2',
    endpointSnitch: 'SimpleSnitch',
  })
  expect(parsed([]).options).not.toHaveProperty('seeds')
})

it("names of Cassandra's image are read behind Sibyl's own", () => {
  const env = {
    CASSANDRA_SEEDS: 'cassandra1',
    CASSANDRA_LISTEN_ADDRESS: 'auto',
    CASSANDRA_RPC_ADDRESS: '0.0.0.0',
    CASSANDRA_BROADCAST_ADDRESS: '1.1.1.1',
    CASSANDRA_BROADCAST_RPC_ADDRESS: '2.2.2.2',
    CASSANDRA_CLUSTER_NAME: 'theirs',
    CASSANDRA_ENDPOINT_SNITCH: 'GossipingPropertyFileSnitch',
    CASSANDRA_NUM_TOKENS: '16',
    CASSANDRA_DC: 'dc1',
    CASSANDRA_RACK: 'r1',
    SIBYL_CLUSTER_NAME: 'ours',
  }
  expect(parsed([], env).options).toMatchObject({
    seeds: 'cassandra1',
    listenAddress: 'auto',
    host: '0.0.0.0',
    broadcastAddress: '1.1.1.1',
    broadcastRpcAddress: '2.2.2.2',
    clusterName: 'ours',
    endpointSnitch: 'GossipingPropertyFileSnitch',
    numTokens: 16,
    dataCenter: 'dc1',
    rack: 'r1',
  })
})

it('what is said otherwise goes before a cassandra.yaml', () => {
  const { options, warnings } = parsed(['--config', 'x.yaml', '--port', '2', '--set', 'b=2'])
  expect(options).toMatchObject({
    clusterName: 'x.yaml',
    numTokens: 16,
    port: 2,
    settings: { a: '1', b: '2' },
  })
  expect(warnings).toEqual(['w'])
})
