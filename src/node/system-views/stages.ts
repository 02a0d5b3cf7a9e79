import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { Observed, RegisterView, Row } from './index.ts'

/**
 * What is being executed, and how much has been (`QueriesTable`, `ThreadPoolsTable`). There are no threads: the event
 * loop works on one request at a time, so each stage has room for one, and what has given way waits. The other pools
 * of Cassandra have no counterpart.
 */
export function registerStages(view: RegisterView, { engine, processor, transport, clock }: Observed): void {
  const { running, metrics } = processor
  view('queries', () => {
    const nowMs = clock.monotonicMs()
    return running.list().map(({ number, times: { receivedMs, startedMs }, task }) => ({
      thread_id: `Native-Transport-Requests-${number}`,
      queued_micros: micros(startedMs - receivedMs),
      running_micros: micros(nowMs - startedMs),
      task,
    }))
  })
  view('thread_pools', () => {
    const waiting = running.suspendedCount
    const active = running.list().length - waiting
    const { requests, authRequests } = transport.handled
    const { reads, writes } = metrics.completed()
    return [
      pool('MutationStage', { completed: writes }),
      pool('Native-Transport-Auth-Requests', { completed: authRequests }),
      pool('Native-Transport-Requests', {
        active,
        pending: waiting,
        completed: requests - authRequests - active - waiting,
      }),
      ...longWork(engine),
      pool('ReadStage', { pending: waiting, completed: Math.max(0, reads - waiting) }),
    ]
  })
}

/** What one thread does beside the event loop; without files there is none of it. */
function longWork({ compactions, pendingFlushes, completedFlushes }: StorageEngine): Row[] {
  if (compactions === null) return []
  const running = compactions.running.length
  const flushing = Math.min(1, pendingFlushes)
  return [
    pool('CompactionExecutor', {
      active: running,
      pending: compactions.pendingTasks - running,
      completed: compactions.completed,
      limit: compactions.concurrentCompactors,
    }),
    pool('MemtableFlushWriter', {
      active: flushing,
      pending: pendingFlushes - flushing,
      completed: completedFlushes,
    }),
  ]
}

function micros(ms: number): bigint {
  return BigInt(Math.max(0, Math.round(ms * 1000)))
}

function pool(
  name: string,
  {
    active = 0,
    pending = 0,
    completed,
    limit = 1,
  }: { active?: number; pending?: number; completed: number; limit?: number },
): Row {
  return {
    name,
    active_tasks: active,
    active_tasks_limit: limit,
    blocked_tasks: 0n,
    blocked_tasks_all_time: 0n,
    completed_tasks: BigInt(completed),
    pending_tasks: pending,
  }
}
