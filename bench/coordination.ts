/**
 * Point writes and reads at QUORUM in a ring of three nodes, a process each, over loopback: how many a second one coordinator
 * makes without its clients' sockets, and the CPU that they cost it and each of the others. Bundle it and run it:
 * rolldown bench/coordination.ts --platform node --file FILE, node FILE. OPEN, SECONDS, KINDS and LEVEL change what is asked.
 */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DEFAULT_REQUEST_TIMEOUTS } from '../src/cluster/coordinator/cluster-view.ts'
import { Coordinator } from '../src/cluster/coordinator/coordinator.ts'
import { parseEndpoint } from '../src/cluster/endpoint.ts'
import { InternodeMessaging } from '../src/cluster/messaging/internode-messaging.ts'
import { LocalCommits } from '../src/cluster/replica/local-commits.ts'
import { NO_READ_THRESHOLDS } from '../src/cluster/replica/read-thresholds.ts'
import { Replica } from '../src/cluster/replica/replica.ts'
import { Ring, type RingMember } from '../src/cluster/ring/ring.ts'
import { ConsistencyLevel } from '../src/common/errors.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { createNodeDisk } from '../src/io/node-disk.ts'
import { NodeNetwork } from '../src/io/node-network.ts'
import { nodeRandom } from '../src/io/node-random.ts'
import { nodeTimers } from '../src/io/node-timers.ts'
import { DEFAULT_QUERY_OPTIONS, type PreparedRef, type QueryOptions } from '../src/model/query-options.ts'
import { openDatabase } from '../src/node/database.ts'
import { createLogger } from '../src/node/logger.ts'
import { settingsOf } from '../src/node/settings.ts'
import type { QueryProcessor } from '../src/query/query-processor.ts'

const SECONDS = Number(process.env['SECONDS'] ?? 4)
const OPEN = (process.env['OPEN'] ?? '1,32,256').split(',').map(Number)
const LEVEL = ConsistencyLevel[(process.env['LEVEL'] ?? 'QUORUM') as keyof typeof ConsistencyLevel]
const KINDS = (process.env['KINDS'] ?? 'writes,reads').split(',')
const KEYS = 10_000
const members = [1, 2, 3].map(
  (n): RingMember => ({
    node: {
      hostId: `00000000-0000-4000-8000-00000000000${n}`,
      endpoint: parseEndpoint(`127.0.0.${n}:17100`)!,
      dataCenter: 'datacenter1',
      rack: 'rack1',
    },
    tokens: [BigInt(n - 2) * 6_000_000_000_000_000_000n],
  }),
)
const STATE = {
  keyspace: null,
  user: null,
  remoteAddress: '127.0.0.1',
  remotePort: 0,
  protocolVersion: 4,
  startupOptions: new Map<string, string>(),
}
const FLAGS = { tracing: false, customPayload: null }
const NONE = { buffer: new Uint8Array(0), count: 0, offsets: [], lengths: [] }

function optionsOf(values: QueryOptions['values']): QueryOptions {
  return {
    ...DEFAULT_QUERY_OPTIONS,
    consistency: LEVEL,
    values,
    skipMetadata: true,
    pageSize: 5000,
    protocolVersion: 4,
  }
}

async function startNode(number: number): Promise<QueryProcessor> {
  const { node } = members[number]!
  const ports = { disk: createNodeDisk(), clock: nodeClock, timers: nodeTimers, random: nodeRandom }
  const { engine, schema, processor } = await openDatabase(
    {},
    settingsOf({}),
    ports,
    createLogger('silent'),
    () => {},
  )
  const messaging = new InternodeMessaging({ self: node.endpoint, network: new NodeNetwork(), ...ports })
  await messaging.listen()
  const ring = Ring.of(members)
  const tableById = (id: string) => schema.current.tableById(id)
  const parts = {
    ...ports,
    messaging,
    engine,
    commits: new LocalCommits(engine, nodeTimers),
    thresholds: NO_READ_THRESHOLDS,
    logger: { warn: (text: string) => console.error(text), error: (text: string) => console.error(text) },
  }
  const coordinator = new Coordinator({
    ...parts,
    view: {
      localNode: node,
      epoch: 1,
      ring: () => ring,
      isAlive: () => true,
      isRpcReady: () => true,
      sortedByProximity: (nodes) => [...nodes].sort((a, b) => Number(b === node) - Number(a === node)),
      isWorthMerging: () => true,
    },
    timeouts: DEFAULT_REQUEST_TIMEOUTS,
    counterId: new Uint8Array(16),
    schema: {
      replicationOf: (name) => schema.current.keyspaces.get(name)?.params.replication ?? null,
      tableById,
      tableByHandle: (handle) => schema.current.tableByHandle(handle)!,
    },
  })
  new Replica({ ...parts, tableById }).listen()
  processor.useCluster(coordinator)
  for (const cql of [
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
    'CREATE TABLE ks.t (k int PRIMARY KEY, v text) WITH id = 11111111-1111-4111-8111-111111111111',
  ]) {
    await processor.query(cql, optionsOf(NONE), STATE, FLAGS)
  }
  return processor
}

/** Keeps so many statements open; returns how many were answered in a second and what CPU each took, microseconds. */
async function measure(
  processor: QueryProcessor,
  ref: PreparedRef,
  values: (key: number) => QueryOptions['values'],
  open: number,
  seconds: number,
): Promise<{ perSecond: number; cpuMicros: number }> {
  let answered = 0
  const startedMs = performance.now()
  const endMs = startedMs + seconds * 1000
  const before = process.cpuUsage()
  await new Promise<void>((resolve, reject) => {
    let left = open
    let key = 0
    let ready = 0
    // As a server does: what has been answered in a turn is asked for again in the next, and committed in its end.
    const turn = (): void => {
      const count = ready
      ready = 0
      const isOver = performance.now() > endMs
      for (let i = 0; i < count; i++) {
        if (isOver) {
          if (--left === 0) resolve()
          continue
        }
        key = (key + 7919) % KEYS
        const answer = processor.execute(ref, optionsOf(values(key)), STATE, FLAGS)
        Promise.resolve(answer).then(done, reject)
      }
      processor.commit()
    }
    const done = (): void => {
      answered++
      if (ready++ === 0) setImmediate(turn)
    }
    ready = open
    turn()
  })
  const cpu = process.cpuUsage(before)
  const perSecond = Math.round((answered * 1000) / (performance.now() - startedMs))
  return { perSecond, cpuMicros: (cpu.user + cpu.system) / answered }
}

function intValue(key: number, text: Uint8Array | null): QueryOptions['values'] {
  const buffer = new Uint8Array(4 + (text?.length ?? 0))
  new DataView(buffer.buffer).setInt32(0, key)
  if (text === null) return { buffer, count: 1, offsets: [0], lengths: [4] }
  buffer.set(text, 4)
  return { buffer, count: 2, offsets: [0, 4], lengths: [4, text.length] }
}

async function prepare(processor: QueryProcessor, cql: string): Promise<PreparedRef> {
  const prepared = await processor.prepare(cql, null, STATE, FLAGS)
  if (prepared.kind !== 'prepared') throw new Error('not prepared')
  const { id } = prepared
  return { buffer: id, idOffset: 0, idLength: id.length, resultIdOffset: 0, resultIdLength: -1 }
}

async function main(): Promise<void> {
  const others = [1, 2].map((number) => {
    const child = fork(fileURLToPath(import.meta.url), [String(number)])
    return { child, ready: new Promise((resolve) => child.once('message', resolve)) }
  })
  await Promise.all(others.map(({ ready }) => ready))
  const processor = await startNode(0)
  const cpuOf = (child: (typeof others)[number]['child']) =>
    new Promise<number>((resolve) => {
      child.once('message', (micros) => resolve(micros as number))
      child.send('cpu')
    })
  const insert = await prepare(processor, 'INSERT INTO ks.t (k, v) VALUES (?, ?)')
  const select = await prepare(processor, 'SELECT v FROM ks.t WHERE k = ?')
  const text = new Uint8Array(100).fill(0x61)
  for (const [name, ref, values] of [
    ['writes', insert, (key: number) => intValue(key, text)],
    ['reads', select, (key: number) => intValue(key, null)],
  ] as const) {
    if (!KINDS.includes(name)) continue
    await measure(processor, ref, values, 64, 2)
    for (const open of OPEN) {
      await Promise.all(others.map(({ child }) => cpuOf(child)))
      const { perSecond, cpuMicros } = await measure(processor, ref, values, open, SECONDS)
      const cpus = await Promise.all(others.map(({ child }) => cpuOf(child)))
      const each = cpus.map((micros) => (micros / (perSecond * SECONDS)).toFixed(1))
      console.log(
        `${name}, ${open} open: ${perSecond} a second, ${cpuMicros.toFixed(1)} us of the coordinator, ${each.join(' and ')} us of the others`,
      )
    }
  }
  for (const { child } of others) child.disconnect()
  process.exit()
}

if (process.argv[2] === undefined) await main()
else {
  await startNode(Number(process.argv[2]))
  let before = process.cpuUsage()
  process.on('message', () => {
    const { user, system } = process.cpuUsage(before)
    before = process.cpuUsage()
    process.send!(user + system)
  })
  process.on('disconnect', () => process.exit())
  process.send!('ready')
}
