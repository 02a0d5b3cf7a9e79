import { expect, test } from 'vitest'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { uuidText } from '../../src/common/uuid.ts'
import { DEFAULT_QUERY_OPTIONS } from '../../src/model/query-options.ts'
import { startKeptRing } from './kept-ring.ts'
import { SimRing } from './sim-ring.ts'

/** What nodes do for a request that is traced stands in system_traces, whoever is asked for it. */

const ID = '11111111-1111-4111-8111-111111111111'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]

/** A table with three replicas; nodes are named in traces by their addresses. */
async function prepare(ring: SimRing): Promise<void> {
  await ring.schema(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
    `CREATE TABLE ks.t (p int PRIMARY KEY, v int) WITH id = ${ID}`,
  )
  for (const { database, node } of ring.nodes) database.schema.system.listenAddress = node.endpoint.host
}

async function traced(ring: SimRing, cql: string): Promise<Map<string, string[]>> {
  const options = { ...DEFAULT_QUERY_OPTIONS, consistency: Level.QUORUM, protocolVersion: 4 }
  const state = {
    keyspace: null,
    user: null,
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    protocolVersion: 4,
    startupOptions: new Map<string, string>(),
  }
  const { processor } = ring.nodes[0]!.database
  const flags = { tracing: true, customPayload: null }
  const result = await ring.sim.timers.run(Promise.resolve(processor.query(cql, options, state, flags)))
  await ring.sim.run(200)
  const session = uuidText(result.tracingId!)
  const found = new Map<string, string[]>()
  const select = `SELECT source_port, activity, source FROM system_traces.events WHERE session_id = ${session}`
  for (const [, activity, source] of await ring.rows(2, select, Level.TWO)) {
    const ofNode = found.get(String(source)) ?? []
    ofNode.push(String(activity))
    found.set(String(source), ofNode)
  }
  const sessions = `SELECT request FROM system_traces.sessions WHERE session_id = ${session}`
  expect(await ring.rows(1, sessions, Level.ONE)).toEqual([['Execute CQL3 query']])
  return found
}

test('writes and reads are traced through the nodes', async () => {
  const ring = await SimRing.start({ places: THREE })
  await prepare(ring)
  const write = await traced(ring, 'INSERT INTO ks.t (p, v) VALUES (1, 2)')
  expect([...write.keys()].sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  const atCoordinator = write.get('10.0.0.1')!
  expect(atCoordinator).toContain('Determining replicas for mutation')
  expect(atCoordinator).toContain('Adding to t memtable')
  expect(atCoordinator).toContainEqual(
    expect.stringMatching(/^Sending MUTATION_REQ message to \/10\.0\.0\.2:7000 message size \d+ bytes$/),
  )
  expect(write.get('10.0.0.2')).toEqual([
    'MUTATION_REQ message received from /10.0.0.1:7000',
    'Adding to t memtable',
    'Enqueuing response to /10.0.0.1:7000',
    'Sending MUTATION_RSP message to /10.0.0.1:7000 message size 0 bytes',
  ])

  const read = await traced(ring, 'SELECT * FROM ks.t WHERE p = 1')
  expect(read.get('10.0.0.1')).toContain('reading digest from /10.0.0.2:7000')
  expect(read.get('10.0.0.1')).toContain('READ_RSP message received from /10.0.0.2:7000')
  expect(read.get('10.0.0.2')).toEqual([
    'READ_REQ message received from /10.0.0.1:7000',
    'Executing single-partition query on t',
    'Read 1 live rows and 0 tombstone cells',
    'Enqueuing response to /10.0.0.1:7000',
    'Sending READ_RSP message to /10.0.0.1:7000 message size 16 bytes',
  ])

  await ring.nodes[1]!.alone.query('INSERT INTO ks.t (p, v) VALUES (1, 3)')
  const repaired = await traced(ring, 'SELECT * FROM ks.t WHERE p = 1')
  expect(repaired.get('10.0.0.1')).toContain(
    'Digest mismatch: Mismatch for key DecoratedKey(-4069959284402364209, 00000001)',
  )
})

test('what a read repairs, truncation, and the work of a leader of counters are traced too', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await ring.schema(
    "CREATE KEYSPACE far WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    `CREATE TABLE far.c (p int PRIMARY KEY, n counter) WITH id = ${ID.replaceAll('1', '2')}`,
  )
  await prepare(ring)
  await ring.nodes[0]!.alone.query('INSERT INTO ks.t (p, v) VALUES (1, 3)')
  const repaired = await traced(ring, 'SELECT * FROM ks.t WHERE p = 1')
  const lacked = ['10.0.0.2', '10.0.0.3'].filter((host) =>
    repaired.get(host)?.includes('READ_REPAIR_REQ message received from /10.0.0.1:7000'),
  )
  expect(lacked).toHaveLength(1)
  expect(repaired.get(lacked[0]!)).toContain('Adding to t memtable')
  expect(repaired.get('10.0.0.1')).toContain(`READ_REPAIR_RSP message received from /${lacked[0]}:7000`)

  const truncated = await traced(ring, 'TRUNCATE ks.t')
  expect(truncated.get('10.0.0.3')).toEqual([
    'TRUNCATE_REQ message received from /10.0.0.1:7000',
    'Applying truncation of ks.t',
    'Enqueuing response to truncate operation to /10.0.0.1:7000',
    'Sending TRUNCATE_RSP message to /10.0.0.1:7000 message size 0 bytes',
  ])

  const added = await traced(ring, 'UPDATE far.c SET n = n + 1 WHERE p = 4')
  const leaders = [...added].filter(([host, activities]) => host !== '10.0.0.1' && activities.length > 0)
  expect(leaders.map(([, activities]) => activities)).toEqual([
    [
      'COUNTER_MUTATION_REQ message received from /10.0.0.1:7000',
      'Adding to c memtable',
      'Sending COUNTER_MUTATION_RSP message to /10.0.0.1:7000 message size 0 bytes',
    ],
  ])
})

test('a logged batch is traced through those that keep it and those that it is for', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await prepare(ring)
  const cql =
    'BEGIN BATCH INSERT INTO ks.t (p, v) VALUES (1, 1); INSERT INTO ks.t (p, v) VALUES (2, 2); APPLY BATCH'
  const trace = await traced(ring, cql)
  expect(trace.get('10.0.0.1')).toContain('Adding to t memtable')
  for (const host of ['10.0.0.2', '10.0.0.3']) {
    const activities = trace.get(host)!
    expect(activities).toContain('BATCH_STORE_REQ message received from /10.0.0.1:7000')
    expect(
      activities.filter((activity) => activity.startsWith('MUTATION_REQ message received')),
    ).toHaveLength(2)
    expect(activities.filter((activity) => activity === 'Adding to t memtable')).toHaveLength(2)
    expect(trace.get('10.0.0.1')).toContain(`BATCH_STORE_RSP message received from /${host}:7000`)
  }
})

test('the rounds of a conditional statement are traced through the nodes', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await prepare(ring)
  const trace = await traced(ring, 'INSERT INTO ks.t (p, v) VALUES (1, 2) IF NOT EXISTS')
  const own = trace.get('10.0.0.1')!.map((activity) => activity.replace(/[0-9a-f-]{36}/g, 'BALLOT'))
  for (const expected of [
    'Preparing BALLOT',
    'Promising ballot BALLOT',
    'Reading existing values for CAS precondition',
    'CAS precondition is met; proposing client-requested updates for BALLOT',
    'CAS applied successfully',
  ]) {
    expect(own).toContain(expected)
  }
  expect(own.some((activity) => activity.includes('message received from /10.0.0.1'))).toBe(false)
  const other = trace
    .get('10.0.0.2')!
    .map((activity) => activity.replace(/[0-9]+:[0-9a-f-]{36}|[0-9a-f-]{36}/g, 'B'))
  for (const expected of [
    'PAXOS_PREPARE_REQ message received from /10.0.0.1:7000',
    'Promising ballot B',
    'Accepting proposal Commit(B)',
    'PAXOS_COMMIT_REQ message received from /10.0.0.1:7000',
    'Committing proposal Commit(B)',
  ]) {
    expect(other).toContain(expected)
  }
})
