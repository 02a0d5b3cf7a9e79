import { once } from 'node:events'
import { nodeClock } from '../../io/node-clock.ts'
import { createNodeDisk } from '../../io/node-disk.ts'
import { sstableCommand } from './command.ts'

/** A stream of the process, as far as it is needed. */
interface Output {
  write(text: string): boolean
  once(event: 'drain' | 'error' | 'close', listener: () => void): unknown
}

/** Runs `sibyl sstable ...` over the real disk and clock; resolves to the exit code when all has been written. */
export async function runSSTableCommand(
  args: readonly string[],
  stdout: Output & NodeJS.EventEmitter,
  stderr: Output & NodeJS.EventEmitter,
): Promise<number> {
  const run = sstableCommand(args, createNodeDisk(), Math.floor(nodeClock.nowMs() / 1000))
  let isClosed = false
  // Whoever reads may have seen enough.
  stdout.on('error', () => {
    isClosed = true
  })
  for (let step = run.next(); ; step = run.next()) {
    if (step.done) return step.value
    if (isClosed) return 0
    const stream = step.value.to === 'stdout' ? stdout : stderr
    if (!stream.write(step.value.text))
      await Promise.race([once(stream, 'drain').catch(() => {}), once(stream, 'close')])
  }
}
