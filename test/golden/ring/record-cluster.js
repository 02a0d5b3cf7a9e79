/**
 * Records what nodetool of a ring of Apache Cassandra says of placement into cluster.json: `node test/golden/ring/record-cluster.js`.
 * Starts three nodes by the oracle kit and stops and wipes them afterwards.
 */

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const KIT = fileURLToPath(new URL('../../../../shared/oracle/cassandra', import.meta.url))
const SHAPE = ['--nodes', '3', '--vnodes', '8', '--ip-prefix', '127.0.20.', '--topology', 'dc1:r1,dc1:r2,dc2:r1']
const KEYSPACES = {
  ring_simple: "{'class': 'SimpleStrategy', 'replication_factor': 2}",
  ring_same: "{'class': 'SimpleStrategy', 'replication_factor': 2}",
  ring_network: "{'class': 'NetworkTopologyStrategy', 'dc1': 2, 'dc2': 1}",
  ring_one: "{'class': 'NetworkTopologyStrategy', 'dc2': 1}",
}

/** Runs a command of the kit; gives what it wrote, and its status where that is not 0. */
function kit(...args) {
  const { stdout, stderr, status } = spawnSync(KIT, ['--name', 'ring', ...args], { encoding: 'utf8' })
  return status === 0 ? stdout : `${stdout}${stderr.replace(/-- StackTrace --[\s\S]*/, '')}exit ${status}\n`
}

function rows(query, node) {
  const out = kit('cqlsh', ...(node === undefined ? [] : ['--node', String(node)]), '-e', query)
  return out
    .split('\n')
    .filter((line) => line.trim().startsWith('{'))
    .map((line) => JSON.parse(line))
}

const nodetool = (...args) => kit('nodetool', ...args)

const recorded = { nodes: [], keyspaces: KEYSPACES, endpoints: {}, describering: {}, status: [], ring: [] }
kit('start', '--fresh', ...SHAPE)
try {
  for (const node of [1, 2, 3]) {
    const columns = 'broadcast_address, host_id, data_center, rack, tokens'
    const [row] = rows(`SELECT JSON ${columns} FROM system.local`, node)
    row.tokens.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    recorded.nodes.push(row)
  }
  const status = (known, ...args) => {
    recorded.status.push({ keyspaces: known, keyspace: args[0] ?? null, text: nodetool('status', ...args) })
  }
  const known = []
  status([...known])
  for (const [name, replication] of Object.entries(KEYSPACES)) {
    kit('cqlsh', '-e', `CREATE KEYSPACE ${name} WITH replication = ${replication}; CREATE TABLE ${name}.t (id int PRIMARY KEY)`)
    known.push(name)
    status([...known])
  }
  for (const name of [...known, 'system', 'no_such']) status([...known], name)
  for (const name of known) {
    recorded.describering[name] = nodetool('describering', name)
    recorded.endpoints[name] = Object.fromEntries(
      [0, 1, 2, 3, 4, 5].map((key) => [key, nodetool('getendpoints', name, 't', String(key)).trim().split('\n')]),
    )
  }
  recorded.describering['-pp ring_network'] = nodetool('-pp', 'describering', 'ring_network')
  for (const name of ['system', 'no_such']) recorded.describering[name] = nodetool('describering', name)
  for (const args of [[], ['ring_network'], ['no_such']]) {
    recorded.ring.push({ keyspace: args[0] ?? null, text: nodetool('ring', ...args) })
  }
} finally {
  kit('stop', '--wipe')
}
writeFileSync(new URL('cluster.json', import.meta.url), `${JSON.stringify(recorded, null, 1)}\n`)
