import { nodeClock } from '../../io/node-clock.ts'
import { createNodeDisk } from '../../io/node-disk.ts'
import { sstableCommand } from './command.ts'

/** A stream of the process, as far as it is needed. */
interface Output {
  write(text: string): boolean
  on(event: 'error', listener: () => void): unknown
  once(event: 'drain' | 'error' | 'close', listener: () => void): unknown
}

/** Runs `sibyl sstable ...` over the real disk and clock; resolves to the exit code when all has been taken. */
export async function runSSTableCommand(
  args: readonly string[],
  stdout: Output,
  stderr: Output,
): Promise<number> {
  const run = sstableCommand(args, createNodeDisk(), Math.floor(nodeClock.nowMs() / 1000))
  // Whoever reads may have seen enough and gone: that is no error.
  let isGone = false
  for (const stream of [stdout, stderr]) {
    stream.on('error', () => {
      isGone = true
    })
  }
  for (let step = run.next(); ; step = run.next()) {
    if (step.done) return step.value
    if (isGone) return 0
    const stream = step.value.to === 'stdout' ? stdout : stderr
    if (!stream.write(step.value.text)) await drained(stream)
  }
}

/** Resolves when the stream takes more, or nothing any more. */
function drained(stream: Output): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['drain', 'error', 'close'] as const) stream.once(event, resolve)
  })
}
