import type { Disk } from '../../../src/io/disk.ts'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import { lowerThreadPriority, nodeWorkerParent } from '../../../src/io/node-workers.ts'
import { serveTasks } from '../../../src/storage/tasks/worker-main.ts'
import { FakeTask } from './fake-tasks.ts'

/** The program of a worker thread whose jobs are fakes. */
lowerThreadPriority()
const said: string[] = []
serveTasks(nodeWorkerParent(), {
  disk: null as unknown as Disk,
  clock: nodeClock,
  timers: nodeTimers,
  loadTasks: () => (_, job) => new FakeTask(job, said),
})
