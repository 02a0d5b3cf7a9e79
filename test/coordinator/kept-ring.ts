import { DEFAULT_BATCHLOG_SETTINGS } from '../../src/cluster/batchlog/index.ts'
import { DEFAULT_HINTS_SETTINGS } from '../../src/cluster/hints/index.ts'
import { LocalCommits } from '../../src/cluster/replica/local-commits.ts'
import { strategyOf } from '../../src/cluster/ring/strategy.ts'
import type { RingView } from '../../src/cluster/ring-view.ts'
import { WriteKeeping } from '../../src/cluster/write-keeping.ts'
import { TimestampSource } from '../../src/io/clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { type SimNode, SimRing, type SimRingOptions } from './sim-ring.ts'

/** A ring whose nodes keep hints and batches for each other, and agree on conditional statements. */
export interface KeptRing {
  readonly ring: SimRing
  readonly kept: readonly WriteKeeping[]
}

function viewOf(ring: SimRing, { node, view, database }: SimNode): RingView {
  const deadSince = new Map<string, number>()
  const { schema } = database
  return {
    local: node,
    isJoined: true,
    get memberCount() {
      return view.ring().nodes.length
    },
    endpointOf: (hostId) => view.ring().nodes.find((one) => one.hostId === hostId)?.endpoint,
    isAlive: ({ text }) => {
      const other = view.ring().nodes.find(({ endpoint }) => endpoint.text === text)
      const isAlive = other !== undefined && view.isAlive(other)
      if (isAlive) deadSince.delete(text)
      else if (!deadSince.has(text)) deadSince.set(text, ring.sim.clock.nowMs())
      return isAlive
    },
    downtimeMs: ({ text }) => ring.sim.clock.nowMs() - (deadSince.get(text) ?? ring.sim.clock.nowMs()),
    replicas: (keyspace, hi, lo) => {
      const replication = schema.current.keyspaces.get(keyspace)?.params.replication
      return replication === undefined ? [] : view.ring().replicas(strategyOf(replication, node), hi, lo)
    },
  }
}

export async function startKeptRing(options: SimRingOptions): Promise<KeptRing> {
  const ring = await SimRing.start(options)
  const { clock, timers, random } = ring.sim
  const kept = ring.nodes.map((one, i) => {
    const { messaging, coordinator, database } = one
    const { engine, schema } = database
    const logger = {
      info: () => undefined,
      warn: (text: string) => void ring.sim.log.push(`${i + 1}: ${text}`),
      error: (text: string) => void ring.sim.log.push(`${i + 1}: ${text}`),
    }
    const keeping = new WriteKeeping(
      {
        hints: { ...DEFAULT_HINTS_SETTINGS, directory: '/hints' },
        batchlog: DEFAULT_BATCHLOG_SETTINGS,
        casContentionTimeoutMs: 1_800,
      },
      {
        messaging,
        engine,
        coordinator,
        clock,
        timers,
        random,
        logger,
        commits: new LocalCommits(engine, timers),
        ring: viewOf(ring, one),
        disk: new SimDisk(random).attach(timers),
        timestamps: new TimestampSource(clock),
        system: { batches: schema.system.table('batches'), paxos: schema.system.table('paxos') },
        tableById: (id) => schema.current.tableById(id),
        largestGcGraceSeconds: () => 864_000,
        truncatedAtMs: () => 0,
        ...(coordinator.traces === null ? {} : { traces: coordinator.traces }),
      },
    )
    keeping.listen()
    keeping.start()
    return keeping
  })
  return { ring, kept }
}
