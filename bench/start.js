/**
 * From spawn to the first answered query, and memory after it.
 *
 *   node bench/start.js [--runs 11] [--dir PATH | :memory:] [--ring]
 *
 * Without --dir each run has a fresh durable directory, and a second row starts again on one that holds
 * 200,000 rows. A bare `node -e 0` stands beside them. With --ring it is three nodes: as processes by `sibyl cluster`, and in one
 * process by `Sibyl.start({ nodes: 3 })`; then the query that is answered first is a write at QUORUM.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { Sibyl } from '../dist/index.js'
import { errorText, headerBytes, levels, opcode, query, startup } from './frames.js'
import { load, median, rssMegabytes, sibylIsBuilt, startSibyl, table, temporaryDirectory } from './servers.js'

const { values: args } = parseArgs({
  options: {
    runs: { type: 'string', default: '11' },
    dir: { type: 'string' },
    ring: { type: 'boolean', default: false },
  },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

/**
 * @param {{ host: string, port: number }} server
 * @param {readonly Buffer[]} requests
 */
async function firstAnswer(
  server,
  requests = [query("SELECT key, release_version FROM system.local WHERE key = 'local'")],
) {
  const socket = connect({ host: server.host, port: server.port, noDelay: true })
  const ask = async (/** @type {Buffer} */ request) => {
    socket.write(request)
    let answer = Buffer.alloc(0)
    do {
      const [chunk] = await once(socket, 'data')
      answer = Buffer.concat([answer, chunk])
    } while (answer.length < headerBytes || answer.length < headerBytes + answer.readUInt32BE(5))
    if (answer[4] === opcode.error) throw new Error(errorText(answer.subarray(headerBytes)))
    return answer[4]
  }
  await once(socket, 'connect')
  if ((await ask(startup())) !== opcode.ready) throw new Error('STARTUP was not answered READY')
  for (const request of requests) {
    const code = await ask(request)
    if (code !== opcode.result) throw new Error(`the first query was answered with opcode ${code}`)
  }
  socket.destroy()
}

/** @param {string | undefined} dir */
async function startOnce(dir) {
  const started = performance.now()
  const server = await startSibyl(dir === undefined ? {} : { dir })
  const listening = performance.now() - started
  await firstAnswer(server)
  const answered = performance.now() - started
  const rss = rssMegabytes(server.child?.pid)
  await server.stop()
  return { listening, answered, rss }
}

/** @param {string} label @param {() => ReturnType<typeof startOnce>} start */
async function measure(label, start) {
  const results = []
  for (let run = 0; run < Number(args.runs); run++) results.push(await start())
  const answered = results.map((result) => result.answered)
  return [
    label,
    median(results.map((result) => result.listening)).toFixed(1),
    median(answered).toFixed(1),
    Math.min(...answered).toFixed(1),
    Math.max(...answered).toFixed(1),
    median(results.map((result) => result.rss)).toFixed(1),
  ]
}

async function bareNode() {
  const times = []
  for (let run = 0; run < Number(args.runs); run++) {
    const started = performance.now()
    await once(spawn(process.execPath, ['-e', '0']), 'exit')
    times.push(performance.now() - started)
  }
  return [
    'node -e 0, to its end',
    '',
    median(times).toFixed(1),
    Math.min(...times).toFixed(1),
    Math.max(...times).toFixed(1),
    '',
  ]
}

const REPLICATED = [
  query("CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"),
  query('CREATE TABLE bench.t (k int PRIMARY KEY, v int)'),
  query('INSERT INTO bench.t (k, v) VALUES (1, 2)', levels.QUORUM),
]

/** `sibyl cluster`: to a write at QUORUM; how much memory the three have. */
async function clusterOnce() {
  const directory = temporaryDirectory()
  const started = performance.now()
  const program = ['bin/sibyl.js', 'cluster', '--nodes', '3', '--port', '9142', '--dir', directory.path]
  const child = spawn(process.execPath, [...program, '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  while (!/A ring of 3 nodes/.test(text)) text += (await once(child.stdout, 'data'))[0]
  const listening = performance.now() - started
  await firstAnswer({ host: '127.0.0.1', port: 9142 }, REPLICATED)
  const answered = performance.now() - started
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  const rss = children.reduce((sum, pid) => sum + rssMegabytes(Number(pid)), 0)
  child.kill('SIGTERM')
  await once(child, 'exit')
  directory.remove()
  return { listening, answered, rss }
}

/** `Sibyl.start({ nodes: 3 })` in this process, which has done it before. */
async function embeddedOnce() {
  const started = performance.now()
  const ring = await Sibyl.start({ nodes: 3, logLevel: 'silent' })
  const listening = performance.now() - started
  await firstAnswer(ring, REPLICATED)
  const answered = performance.now() - started
  const rss = rssMegabytes(process.pid)
  await ring.stop()
  return { listening, answered, rss }
}

const rows = [['', 'listening ms', 'first answer ms', 'least', 'most', 'VmRSS MB']]
if (args.ring) {
  rows.push(await measure('three nodes in this process', embeddedOnce))
  rows.push(await measure('three processes', clusterOnce))
} else rows.push(await measure(args.dir ?? 'a fresh directory', () => startOnce(args.dir)))
if (args.dir === undefined && !args.ring) {
  rows.push(await measure(':memory:', () => startOnce(':memory:')))
  const directory = temporaryDirectory()
  const server = await startSibyl({ dir: directory.path })
  await load(server, ['--setup'])
  await server.stop()
  rows.push(await measure('with 200,000 rows', () => startOnce(directory.path)))
  directory.remove()
}
rows.push(await bareNode())
console.log(table(rows))
