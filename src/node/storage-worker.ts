import { nodeClock } from '../io/node-clock.ts'
import { createNodeDisk } from '../io/node-disk.ts'
import { nodeTimers } from '../io/node-timers.ts'
import { lowerThreadPriority, nodeWorkerParent, restForAMoment } from '../io/node-workers.ts'
import { createTask } from '../storage/tasks/create-task.ts'
import { serveTasks } from '../storage/tasks/worker-main.ts'

// The program of the worker thread that flushes and compacts; see io/node-workers.ts.
lowerThreadPriority()
serveTasks(nodeWorkerParent(), {
  disk: createNodeDisk(),
  clock: nodeClock,
  timers: nodeTimers,
  rest: restForAMoment,
  loadTasks: () => createTask,
})
