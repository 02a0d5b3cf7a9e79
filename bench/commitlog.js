/**
 * Cost of the commit log: records of 250 bytes in turns of 32, on the file system of --dir.
 *
 *   node bench/commitlog.js [--dir DIR] [--turns 20000] [--sync periodic|batch|group]
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'

const { values: args } = parseArgs({
  options: {
    dir: { type: 'string', default: tmpdir() },
    turns: { type: 'string', default: '20000' },
    sync: { type: 'string', default: 'periodic' },
    bytes: { type: 'string', default: '250' },
  },
})

const RECORDS_PER_TURN = 32
const turns = Number(args.turns)
const directory = mkdtempSync(path.join(args.dir, 'sibyl-bench-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const source = path.resolve(import.meta.dirname, '../src')
const entry = path.join(directory, 'entry.js')
const bundle = await rolldown({
  input: 'bench',
  platform: 'node',
  plugins: [
    {
      name: 'entry',
      resolveId: (id) => (id === 'bench' ? id : null),
      load: (id) =>
        id === 'bench'
          ? `export { CommitLog } from ${JSON.stringify(`${source}/storage/commitlog/commit-log.ts`)}
             export { DEFAULT_COMMIT_LOG_CONFIG } from ${JSON.stringify(`${source}/storage/commitlog/config.ts`)}
             export { createNodeDisk } from ${JSON.stringify(`${source}/io/node-disk.ts`)}
             export { nodeClock } from ${JSON.stringify(`${source}/io/node-clock.ts`)}
             export { nodeTimers } from ${JSON.stringify(`${source}/io/node-timers.ts`)}
             export { nodeRandom } from ${JSON.stringify(`${source}/io/node-random.ts`)}`
          : null,
    },
  ],
})
await bundle.write({ file: entry, format: 'esm' })
const io = await import(entry)

const open = () =>
  io.CommitLog.open({
    disk: io.createNodeDisk(),
    clock: io.nodeClock,
    timers: io.nodeTimers,
    random: io.nodeRandom,
    directory: path.join(directory, 'commitlog'),
    config: { ...io.DEFAULT_COMMIT_LOG_CONFIG, sync: args.sync },
  })

const payload = new Uint8Array(Number(args.bytes) + 64).map(() => Math.random() * 256)
const length = Number(args.bytes)
const log = await open()
await log.replay(() => {})

let appendNs = 0n
let flushNs = 0n
let slowest = 0n
const started = process.hrtime.bigint()
for (let turn = 0; turn < turns; turn++) {
  const before = process.hrtime.bigint()
  for (let i = 0; i < RECORDS_PER_TURN; i++) log.append(payload, i, length)
  const appended = process.hrtime.bigint()
  const synced = log.flush()
  const flushed = process.hrtime.bigint()
  if (turn === turns >> 2) appendNs = flushNs = slowest = 0n // warm
  appendNs += appended - before
  flushNs += flushed - appended
  if (flushed - before > slowest) slowest = flushed - before
  if (synced !== null) await synced
  else if ((turn & 15) === 0) await new Promise((resolve) => setImmediate(resolve))
}
const seconds = Number(process.hrtime.bigint() - started) / 1e9
const measured = turns - (turns >> 2)
const appended = Number(appendNs) / (measured * RECORDS_PER_TURN)
const flushed = Number(flushNs) / measured
console.log(
  `${args.sync}: ${Math.round((turns * RECORDS_PER_TURN) / seconds)} records/s in turns of ${RECORDS_PER_TURN}`,
)
console.log(
  `append ${appended.toFixed(0)} ns a record, flush ${(flushed / 1000).toFixed(1)} us a turn, together ${Math.round(appended + flushed / RECORDS_PER_TURN)} ns a record`,
)
console.log(`slowest turn ${(Number(slowest) / 1e6).toFixed(2)} ms`)
await log.close()

const again = await open()
const replayStarted = process.hrtime.bigint()
const { records, bytes } = await again.replay(() => {})
const replaySeconds = Number(process.hrtime.bigint() - replayStarted) / 1e9
console.log(
  `replay ${records} records, ${(bytes / 1e6 / replaySeconds).toFixed(0)} MB/s, ${Math.round(records / replaySeconds)} records/s`,
)
await again.close()
