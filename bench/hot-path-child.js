/** One version of the program in a process of its own, for hot-path.js: feeds it frames and says what they cost. */

import {
  errorText,
  executeTemplate,
  headerBytes,
  opcode,
  prepare,
  query,
  queryTemplate,
  startup,
} from './frames.js'
import { schemaOf, workloads } from './workloads.js'

/** Frames that come in one chunk. */
const chunkFrames = 32
/** Different requests of a workload: few enough that the processor's caches matter little. */
const requestsMax = 10_016
/** CPU that is spent on a workload before it is measured, in microseconds. */
const warmMicros = 1_000_000

const { startNode, createNodeDisk, nodeClock, nodeRandom } = await import(process.argv[2])

/** Work put off to the end of the turn, which here is whenever a chunk has been handed over. @type {(() => void)[]} */
let later = []
let isSynchronous = false
const timers = {
  setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ ms) =>
    setTimeout(callback, ms).unref(),
  clearTimeout: (/** @type {NodeJS.Timeout} */ handle) => clearTimeout(handle),
  setImmediate: (/** @type {() => void} */ callback) => {
    later.push(callback)
    if (!isSynchronous) setImmediate(endTurn)
  },
}

function endTurn() {
  while (later.length > 0) {
    const now = later
    later = []
    for (const callback of now) callback()
  }
}

/** @type {(chunk: Buffer) => void} */
let deliver = () => {}
let answered = 0
let answerBytes = -1
/** @type {Buffer} */
let lastBody = Buffer.alloc(0)
let wrong = ''

/** @param {Buffer} bytes whole answers */
function received(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 5)
    const start = at + headerBytes
    at = start + length
    answered++
    if (answerBytes < 0) lastBody = Buffer.from(bytes.subarray(start, at))
    else if (length === answerBytes && bytes[start - 5] === opcode.result) continue
    if (bytes[start - 5] === opcode.error) wrong = errorText(bytes.subarray(start, at))
    else if (answerBytes >= 0) wrong = `${length} bytes for ${answerBytes}`
  }
}

const network = {
  listen: async (
    /** @type {{ host: string, port: number }} */ { host, port },
    /** @type {(connection: object) => void} */ onConnection,
  ) => {
    setImmediate(() =>
      onConnection({
        remoteAddress: '127.0.0.1',
        remotePort: 1,
        localAddress: host,
        localPort: port,
        tls: null,
        unsentBytes: 0,
        write: (/** @type {Buffer} */ bytes) => {
          received(bytes)
          return true
        },
        pause() {},
        resume() {},
        end() {},
        destroy() {},
        onData: (/** @type {(chunk: Buffer) => void} */ listener) => {
          deliver = listener
        },
        onDrain() {},
        onClose() {},
      }),
    )
    return { host, port, close: async () => {} }
  },
}

/** @param {Buffer} frame @returns {Promise<Buffer>} the answer's body */
async function talk(frame) {
  answerBytes = -1
  answered = 0
  deliver(frame)
  while (answered === 0) await new Promise((fulfil) => setImmediate(fulfil))
  if (wrong !== '') throw new Error(wrong)
  return lastBody
}

/** Requests of a workload in a row, all of one size. */
class Requests {
  /** @param {string} name @param {Buffer} id @param {number} count */
  constructor(name, id, count) {
    const workload = workloads[name]
    const { bytes, offsets } = workload.isUnprepared
      ? queryTemplate(workload.statement, workload.sizes)
      : executeTemplate(id, workload.sizes)
    if (workload.literalAt !== undefined) offsets.push(headerBytes + 4 + workload.literalAt)
    this.workload = workload
    this.offsets = offsets
    this.size = bytes.length
    this.count = count
    this.all = Buffer.alloc(count * this.size)
    for (let n = 0; n < count; n++) {
      const request = this.all.subarray(n * this.size, (n + 1) * this.size)
      bytes.copy(request)
      // In no order that a table could know.
      workload.fill(request, offsets, ((n * 7919) % count) % workload.requests)
    }
    this.next = 0
    this.stamped = 0
  }

  /** Sends `ops` requests. @param {number} ops @returns {Promise<number>} microseconds of CPU */
  async run(ops) {
    const { all, size, count, workload } = this
    answerBytes = workload.answerBytes
    answered = 0
    const before = process.cpuUsage()
    isSynchronous = true
    let sent = 0
    while (sent < ops) {
      if (this.next === count) this.next = 0
      const frames = Math.min(chunkFrames, count - this.next, ops - sent)
      const chunk = all.subarray(this.next * size, (this.next + frames) * size)
      if (workload.stamp !== undefined) {
        for (let n = 0; n < frames; n++) workload.stamp(chunk, n * size, this.offsets, this.stamped++)
      }
      this.next += frames
      sent += frames
      deliver(chunk)
      endTurn()
      while (answered < sent) {
        await null
        endTurn()
      }
    }
    isSynchronous = false
    // Together they are exact; how they are divided is guessed by the kernel.
    const { user, system } = process.cpuUsage(before)
    if (wrong !== '') throw new Error(`${workload.statement}: ${wrong}`)
    return user + system
  }
}

/** @type {Map<string, Requests>} */
const made = new Map()

/** @param {string} name @returns {Promise<Requests>} */
async function requestsOf(name) {
  const found = made.get(name)
  if (found !== undefined) return found
  const { populate, statement, requests } = workloads[name]
  const body = await talk(prepare(statement))
  const id = Buffer.from(body.subarray(6, 6 + body.readUInt16BE(4)))
  const all = new Requests(name, id, name === 'wideRows' ? requests : requestsMax)
  made.set(name, all)
  if (populate !== undefined) {
    const before = await requestsOf(populate)
    await before.run(before.count)
  }
  return all
}

await startNode(
  { dir: ':memory:', port: 9042 },
  { disk: createNodeDisk(), network, clock: nodeClock, timers, random: nodeRandom, exit: process.exit },
)
await new Promise((fulfil) => setImmediate(fulfil))
await talk(startup())
for (const statement of schemaOf(1)) await talk(query(statement))

process.on('message', async (/** @type {{ warm?: string, run?: string, ops?: number }} */ message) => {
  try {
    let micros = 0
    if (message.warm !== undefined) {
      const requests = await requestsOf(message.warm)
      for (let spent = 0; spent < warmMicros; ) spent += await requests.run(500)
    } else if (message.run !== undefined) {
      micros = await (await requestsOf(message.run)).run(message.ops ?? 0)
    }
    process.send?.({ micros })
  } catch (error) {
    process.send?.({ error: /** @type {Error} */ (error).stack })
  }
})
