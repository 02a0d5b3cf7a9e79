/**
 * From spawn to the first answered query, and memory after it.
 *
 *   node bench/start.js [--runs 11] [--dir PATH | :memory:]
 *
 * Without --dir each run has a fresh durable directory, and a second row starts again on one that holds
 * 200,000 rows. A bare `node -e 0` stands beside them.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { headerBytes, opcode, query, startup } from './frames.js'
import { load, median, rssMegabytes, sibylIsBuilt, startSibyl, table, temporaryDirectory } from './servers.js'

const { values: args } = parseArgs({
  options: { runs: { type: 'string', default: '11' }, dir: { type: 'string' } },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

/** @param {{ host: string, port: number }} server */
async function firstAnswer(server) {
  const socket = connect({ host: server.host, port: server.port, noDelay: true })
  const ask = async (/** @type {Buffer} */ request) => {
    socket.write(request)
    let answer = Buffer.alloc(0)
    do {
      const [chunk] = await once(socket, 'data')
      answer = Buffer.concat([answer, chunk])
    } while (answer.length < headerBytes || answer.length < headerBytes + answer.readUInt32BE(5))
    return answer[4]
  }
  await once(socket, 'connect')
  if ((await ask(startup())) !== opcode.ready) throw new Error('STARTUP was not answered READY')
  const code = await ask(query("SELECT key, release_version FROM system.local WHERE key = 'local'"))
  if (code !== opcode.result) throw new Error(`the first query was answered with opcode ${code}`)
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

/** @param {string} label @param {string | undefined} dir */
async function measure(label, dir) {
  const results = []
  for (let run = 0; run < Number(args.runs); run++) results.push(await startOnce(dir))
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

const rows = [['', 'listening ms', 'first answer ms', 'least', 'most', 'VmRSS MB']]
rows.push(await measure(args.dir ?? 'a fresh directory', args.dir))
if (args.dir === undefined) {
  rows.push(await measure(':memory:', ':memory:'))
  const directory = temporaryDirectory()
  const server = await startSibyl({ dir: directory.path })
  await load(server, ['--setup'])
  await server.stop()
  rows.push(await measure('with 200,000 rows', directory.path))
  directory.remove()
}
rows.push(await bareNode())
console.log(table(rows))
