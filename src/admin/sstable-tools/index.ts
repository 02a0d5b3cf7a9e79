import { nodeClock } from '../../io/node-clock.ts'
import { createNodeDisk } from '../../io/node-disk.ts'
import { sstableCommand } from './command.ts'

/** A stream of the process, as far as it is needed. */
interface Output {
  write(text: string): boolean
  on(event: 'drain' | 'error' | 'close', listener: () => void): unknown
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
  let wake = (): void => {}
  for (const stream of [stdout, stderr]) {
    stream.on('drain', () => wake())
    for (const event of ['error', 'close'] as const) {
      stream.on(event, () => {
        isGone = true
        wake()
      })
    }
  }
  for (let step = run.next(); ; step = run.next()) {
    if (step.done) return step.value
    if (isGone) return 0
    const stream = step.value.to === 'stdout' ? stdout : stderr
    if (stream.write(step.value.text)) continue
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}
