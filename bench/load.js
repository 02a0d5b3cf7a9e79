/**
 * The load generator: a process of its own, plain sockets, requests that were encoded before.
 *
 *   node bench/load.js --host 127.0.0.1 --port 9042 --workload reads[,writes...] [--seconds 3 | --ops N]
 *     [--connections 4] [--in-flight 32] [--rate OPS_PER_SECOND] [--first N] [--setup]
 *     [--level ONE] [--replication-factor 1]
 *
 * --setup makes the tables and fills them, and measures nothing. Otherwise each answer lets the next
 * request go (or, with --rate, the clock does), keys come uniformly at random (in order with --ops),
 * and one line of JSON says how it went. --first is the number of the first request, where each has its own.
 * An answer of the wrong opcode or size is counted as wrong. Several workloads share the connections, each with as many of them.
 */

import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import {
  errorText,
  executeTemplate,
  headerBytes,
  levels,
  opcode,
  prepare,
  query,
  queryTemplate,
  startup,
} from './frames.js'
import { schemaOf, workloads } from './workloads.js'

const { values: args } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '9042' },
    workload: { type: 'string', default: 'writes' },
    seconds: { type: 'string', default: '3' },
    ops: { type: 'string' },
    connections: { type: 'string', default: '4' },
    'in-flight': { type: 'string', default: '32' },
    rate: { type: 'string' },
    first: { type: 'string', default: '0' },
    setup: { type: 'boolean', default: false },
    level: { type: 'string', default: 'ONE' },
    'replication-factor': { type: 'string', default: '1' },
  },
})
const level = /** @type {Record<string, number>} */ (levels)[args.level]
if (level === undefined) throw new Error(`--level is one of ${Object.keys(levels).join(', ')}`)

/** Latencies in buckets of about 1.6 %: 64 to each doubling, from 1 us on. */
class Histogram {
  counts = new Uint32Array(64 * 32)
  total = 0

  /** @param {number} us */
  add(us) {
    const bucket = us <= 1 ? 0 : Math.min(this.counts.length - 1, Math.floor(Math.log2(us) * 64))
    this.counts[bucket]++
    this.total++
  }

  /** @param {number} share */
  quantile(share) {
    let left = Math.ceil(this.total * share)
    for (let bucket = 0; bucket < this.counts.length; bucket++) {
      left -= this.counts[bucket]
      if (left <= 0) return Math.round(2 ** ((bucket + 1) / 64))
    }
    return 0
  }
}

/** One request, one answer: for what comes before the measurement. */
class Talk {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    this.pending = Buffer.alloc(0)
    /** @type {((answer: { code: number, body: Buffer }) => void) | undefined} */
    this.wanted = undefined
    this.listener = (/** @type {Buffer} */ chunk) => {
      this.pending = Buffer.concat([this.pending, chunk])
      if (this.pending.length < headerBytes) return
      const end = headerBytes + this.pending.readUInt32BE(5)
      if (this.pending.length < end) return
      const answer = { code: this.pending[4], body: this.pending.subarray(headerBytes, end) }
      this.pending = this.pending.subarray(end)
      this.wanted?.(answer)
    }
    socket.on('data', this.listener)
  }

  /** @param {Buffer} request @returns {Promise<Buffer>} */
  ask(request) {
    return new Promise((fulfil, reject) => {
      this.wanted = ({ code, body }) => {
        if (code === opcode.error) reject(new Error(errorText(body)))
        else fulfil(body)
      }
      this.socket.write(request)
    })
  }

  end() {
    this.socket.off('data', this.listener)
  }
}

/** @returns {Promise<import('node:net').Socket>} */
function open() {
  return new Promise((fulfil, reject) => {
    const socket = connect({ host: args.host, port: Number(args.port), noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => fulfil(socket))
  })
}

/** @param {string} name @param {Buffer} id the prepared statement's */
function encodeAll(name, id) {
  const workload = workloads[name]
  const { bytes: template, offsets } = workload.isUnprepared
    ? queryTemplate(workload.statement, workload.sizes, level)
    : executeTemplate(id, workload.sizes, level)
  // The text begins behind its length.
  if (workload.literalAt !== undefined) offsets.push(headerBytes + 4 + workload.literalAt)
  const size = template.length
  const all = Buffer.alloc(size * workload.requests)
  for (let n = 0; n < workload.requests; n++) {
    const request = all.subarray(n * size, (n + 1) * size)
    template.copy(request)
    workload.fill(request, offsets, n)
  }
  return { name, workload, all, size, offsets, sent: 0, answered: 0, wrong: 0, histogram: new Histogram() }
}

/**
 * @param {string} names of workloads, by commas
 * @param {{ ops?: number, seconds?: number, rate?: number }} until
 */
async function run(names, until) {
  const connections = Number(args.connections)
  const inFlight = Number(args['in-flight'])
  const sockets = await Promise.all(Array.from({ length: connections }, open))
  const ways = []
  for (const name of names.split(',')) {
    let id = Buffer.alloc(0)
    for (const socket of sockets) {
      const talk = new Talk(socket)
      if (ways.length === 0) await talk.ask(startup())
      const body = await talk.ask(prepare(workloads[name].statement))
      // kind (4), then the id as short bytes
      id = Buffer.from(body.subarray(6, 6 + body.readUInt16BE(4)))
      talk.end()
    }
    ways.push(encodeAll(name, id))
  }

  const first = Number(args.first)
  const inOrder = until.ops !== undefined
  const limit = until.ops ?? Number.POSITIVE_INFINITY
  let sent = 0
  let answered = 0
  let firstError = ''
  let random = 0x2545f491 ^ process.pid
  let stopping = false
  const cpuBefore = process.cpuUsage()
  const started = performance.now()
  const endsAt = started + (until.seconds ?? Number.POSITIVE_INFINITY) * 1000

  /** With a rate, what is due is sent when answers come too: the timer alone ticks once a millisecond.
   * @type {(now: number) => void} */
  let onAnswers = () => {}
  /** @type {() => void} */
  let finish = () => {}
  const finished = new Promise((fulfil) => {
    finish = () => fulfil(undefined)
  })

  const pipes = sockets.map((socket, nth) => {
    const way = ways[nth % ways.length]
    const { all, size, offsets } = way
    const { requests, stamp, answerBytes } = way.workload
    const startedAt = new Float64Array(inFlight)
    // Streams that are free, as a stack
    const free = Array.from({ length: inFlight }, (_, stream) => stream)
    const head = Buffer.alloc(headerBytes)
    let headBytes = 0
    let skip = 0

    /** Sends as many requests as may go now, in one write. @param {number} most @param {number} now */
    const send = (most, now) => {
      const count = Math.min(most, free.length, limit - sent)
      if (count <= 0) return 0
      const out = Buffer.allocUnsafe(count * size)
      for (let n = 0; n < count; n++) {
        let which = way.sent % requests
        if (!inOrder && requests > 1) {
          random ^= random << 13
          random ^= random >>> 17
          random ^= random << 5
          which = (random >>> 0) % requests
        }
        const at = n * size
        all.copy(out, at, which * size, which * size + size)
        const stream = /** @type {number} */ (free.pop())
        out[at + 2] = stream >> 8
        out[at + 3] = stream & 0xff
        stamp?.(out, at, offsets, first + way.sent)
        startedAt[stream] = now
        way.sent++
        sent++
      }
      socket.write(out)
      return count
    }

    /** @param {Buffer} from @param {number} at @param {number} now @returns {number} the body's length */
    const answer = (from, at, now) => {
      const length = from.readUInt32BE(at + 5)
      const stream = (from[at + 2] << 8) | from[at + 3]
      free.push(stream)
      answered++
      way.answered++
      way.histogram.add((now - startedAt[stream]) * 1000)
      if (from[at + 4] !== opcode.result || length !== answerBytes) {
        way.wrong++
        if (firstError === '' && from === head) firstError = `opcode ${from[at + 4]}, ${length} bytes`
        else if (firstError === '') {
          const body = from.subarray(at + headerBytes, at + headerBytes + length)
          firstError =
            from[at + 4] === opcode.error && body.length === length
              ? errorText(body)
              : `${length} bytes for ${answerBytes}`
        }
      }
      return length
    }

    socket.on('data', (chunk) => {
      const now = performance.now()
      let at = 0
      while (at < chunk.length) {
        if (skip > 0) {
          const step = Math.min(skip, chunk.length - at)
          at += step
          skip -= step
          continue
        }
        if (headBytes === 0 && chunk.length - at >= headerBytes) {
          skip = answer(chunk, at, now)
          at += headerBytes
          continue
        }
        const step = Math.min(headerBytes - headBytes, chunk.length - at)
        chunk.copy(head, headBytes, at, at + step)
        headBytes += step
        at += step
        if (headBytes === headerBytes) {
          headBytes = 0
          skip = answer(head, 0, now)
        }
      }
      if (now >= endsAt || sent >= limit) stopping = true
      if (stopping) {
        if (answered >= sent) finish()
      } else if (until.rate === undefined) send(inFlight, now)
      else onAnswers(now)
    })
    socket.on('error', (error) => {
      if (stopping) return
      console.error(`connection: ${error.message}`)
      process.exit(1)
    })
    socket.on('close', () => {
      if (answered >= sent && stopping) return
      console.error('the server closed a connection')
      process.exit(1)
    })
    return { send }
  })

  const rate = until.rate
  if (rate === undefined) for (const { send } of pipes) send(inFlight, performance.now())
  else {
    let turn = 0
    const dispatch = (/** @type {number} */ now) => {
      let due = Math.floor(((now - started) / 1000) * rate) - sent
      for (let tries = 0; tries < pipes.length && due > 0; tries++) {
        due -= pipes[turn++ % pipes.length].send(Math.ceil(due / (pipes.length - tries)), now)
      }
    }
    const tick = () => {
      const now = performance.now()
      if (now >= endsAt) {
        stopping = true
        if (answered >= sent) finish()
        return
      }
      dispatch(now)
      setTimeout(tick, 1)
    }
    onAnswers = dispatch
    tick()
  }
  await finished
  const elapsed = (performance.now() - started) / 1000
  const cpu = process.cpuUsage(cpuBefore)
  for (const socket of sockets) socket.destroy()
  const wrong = ways.reduce((sum, way) => sum + way.wrong, 0)
  const parts = ways.map(({ name, answered: ops, histogram }) => ({
    workload: name,
    ops,
    opsPerSecond: Math.round(ops / elapsed),
    p50Us: histogram.quantile(0.5),
    p99Us: histogram.quantile(0.99),
    p999Us: histogram.quantile(0.999),
  }))
  return {
    ...(ways.length === 1 ? parts[0] : { workload: names, ops: answered, parts }),
    opsPerSecond: Math.round(answered / elapsed),
    // At 1 the client's own core is what is measured.
    clientCpu: Math.round((cpu.user + cpu.system) / elapsed / 10_000) / 100,
    wrong,
    ...(wrong > 0 && { firstError }),
  }
}

async function setUp() {
  const socket = await open()
  const talk = new Talk(socket)
  await talk.ask(startup())
  for (const statement of schemaOf(Number(args['replication-factor']))) await talk.ask(query(statement))
  socket.destroy()
  for (const [name, ops] of /** @type {const} */ ([
    ['writes', workloads['writes'].requests],
    ['wideRows', workloads['wideRows'].requests],
  ])) {
    const result = await run(name, { ops })
    if (result.wrong > 0)
      throw new Error(`${name}: ${result.wrong} wrong answers, the first: ${result.firstError}`)
  }
}

if (args.setup) await setUp()
else {
  const { ops, seconds, rate } = args
  const until = ops !== undefined ? { ops: Number(ops) } : { seconds: Number(seconds) }
  console.log(
    JSON.stringify(await run(args.workload, { ...until, ...(rate !== undefined && { rate: Number(rate) }) })),
  )
}
