import type { Clock } from '../../io/clock.ts'
import type { Disk } from '../../io/disk.ts'
import type { Timers } from '../../io/timers.ts'
import type { Workers } from '../../io/workers.ts'
import { InlineRunner } from './inline-runner.ts'
import type { CreateTask, TaskRunner, TaskRunnerConfig } from './task-runner.ts'
import { type TaskLogger, WorkerRunner } from './worker-runner.ts'

/** What long work reaches the machine by. */
export interface TaskRunnerPorts {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  /**
   * Where there are some, a worker thread does the work, and reaches the machine's files by itself; else it is done on the
   * event loop, through `disk`.
   */
  readonly workers?: Workers | null
  readonly logger?: TaskLogger
  /** What begins jobs on the event loop. Without it the code of the tasks is loaded with the first job. */
  readonly createTask?: CreateTask
}

async function loadTasks(): Promise<CreateTask> {
  const { createTask } = await import('./create-task.ts')
  return createTask
}

/** The runner for these ports. Nothing is started before there is a job. */
export function createTaskRunner(ports: TaskRunnerPorts, config: TaskRunnerConfig): TaskRunner {
  const { disk, clock, timers, workers, logger, createTask } = ports
  const load = createTask === undefined ? loadTasks : () => createTask
  const makeInline = (current: TaskRunnerConfig): TaskRunner =>
    new InlineRunner({ disk, clock, timers, loadTasks: load }, current)
  if (workers == null) return makeInline(config)
  return new WorkerRunner({ workers, timers, logger, makeInline }, config)
}
