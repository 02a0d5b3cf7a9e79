import { nodeTimers } from '../../../src/io/node-timers.ts'
import { createNodeWorkers } from '../../../src/io/node-workers.ts'
import { WorkerRunner } from '../../../src/storage/tasks/worker-runner.ts'
import { fakeJob } from './fake-tasks.ts'

/** A process that begins a job, and then has nothing else to do, or waits for the runner's end. */
const [program, kind, what] = process.argv.slice(2)
const makeInline = (): never => {
  throw new Error('there should be a thread')
}
const runner = new WorkerRunner(
  { workers: createNodeWorkers(program), timers: nodeTimers, makeInline },
  { concurrentCompactors: 1, compactionThroughputBytes: 0 },
)
const say = (text: string): void => void process.stdout.write(`${text}\n`)
const job = fakeJob(kind === 'flush' ? 'flush' : 'compaction', { name: 'f', steps: 100, stepMs: 5 })
runner.run(job).then(() => say('written'))
say('begun')
if (what === 'close') runner.close().then(() => say('closed'))
