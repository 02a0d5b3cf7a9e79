import type { WorkerParent } from '../../io/workers.ts'
import { InlineRunner, type InlineRunnerPorts } from './inline-runner.ts'
import type { WrittenSSTable } from './storage-task.ts'
import { sendError, type TaskReply, type TaskRequest } from './task-messages.ts'
import { TaskHandle } from './task-runner.ts'

/** Less is copied. Node keeps what is small together with other things. */
const TRANSFERRED_BYTES = 64 * 1024

/** Memory of an SSTable's components that the parent takes over. */
function buffersOf({ components }: WrittenSSTable): readonly ArrayBuffer[] {
  const { summary, filter, compression, checksums, indexChecksums } = components
  const all = [
    summary,
    filter?.bytes,
    compression?.chunkOffsets,
    checksums?.checksums,
    indexChecksums?.checksums,
  ].map((array) => array?.buffer)
  return all.filter(
    (buffer): buffer is ArrayBuffer =>
      buffer instanceof ArrayBuffer && buffer.byteLength >= TRANSFERRED_BYTES,
  )
}

/** Does the work that the parent thread asks for, until the thread is ended. */
export function serveTasks(parent: WorkerParent, ports: InlineRunnerPorts): void {
  const runner = new InlineRunner(ports, { concurrentCompactors: 1, compactionThroughputBytes: 0 })
  const handles = new Map<number, TaskHandle>()
  const reply = (message: TaskReply): void => {
    parent.post(message, message.kind === 'done' ? message.written.flatMap(buffersOf) : [])
  }
  const run = ({ id, job, progress }: Extract<TaskRequest, { kind: 'run' }>): void => {
    const handle = new TaskHandle(progress)
    handles.set(id, handle)
    runner
      .run(job, handle)
      .then(
        (written) => reply({ kind: 'done', id, written }),
        (error: unknown) => reply({ kind: 'failed', id, error: sendError(error) }),
      )
      .finally(() => handles.delete(id))
  }
  parent.onMessage((message) => {
    const request = message as TaskRequest
    if (request.kind === 'run') {
      run(request)
    } else if (request.kind === 'stop') {
      handles.get(request.id)?.stop()
    } else {
      runner.setConcurrentCompactors(request.config.concurrentCompactors)
      runner.setCompactionThroughput(request.config.compactionThroughputBytes)
    }
  })
  reply({ kind: 'ready' })
}
