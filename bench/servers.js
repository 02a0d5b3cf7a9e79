/** Starts what is measured, and runs the load generator against it. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const here = import.meta.dirname
/** SIBYL_PROGRAM names another build to measure. */
const program = process.env['SIBYL_PROGRAM'] ?? resolve(here, '../bin/sibyl.js')

/**
 * @typedef {object} Server
 * @property {string} name
 * @property {string} host
 * @property {number} port
 * @property {import('node:child_process').ChildProcess=} child
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a Node program and waits until it says where it listens.
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Record<string, string>} env
 * @param {() => void} after
 * @returns {Promise<Server>}
 */
async function startNode(name, args, env, after) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const port = await new Promise((fulfil, reject) => {
    child.stdout.on('data', (chunk) => {
      text += chunk
      const match = /listening for CQL clients on \S+?:(\d+)/.exec(text)
      if (match !== null) fulfil(Number(match[1]))
    })
    child.once('exit', (code) => reject(new Error(`${name} exited with ${code}: ${text}`)))
  })
  return {
    name,
    host: '127.0.0.1',
    port,
    child,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        child.kill('SIGTERM')
        await gone
      }
      after()
    },
  }
}

export function sibylIsBuilt() {
  return (
    existsSync(program) &&
    (process.env['SIBYL_PROGRAM'] !== undefined || existsSync(resolve(here, '../dist')))
  )
}

export function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'sibyl-bench-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/**
 * @param {{ name?: string, tree?: string, dir?: string, port?: number, env?: Record<string, string>,
 *   nodeArgs?: readonly string[], args?: readonly string[] }} options
 *   without a dir: a durable one of its own, removed at the end; `tree` is a clone of another commit that was built
 */
export async function startSibyl(options = {}) {
  const own = options.dir === undefined ? temporaryDirectory() : undefined
  const dir = options.dir ?? own?.path ?? ''
  const { name = 'sibyl', tree } = options
  const path = tree === undefined ? program : join(tree, 'bin/sibyl.js')
  const args = [...(options.nodeArgs ?? []), path, '--port', String(options.port ?? 0), '--dir', dir]
  args.push(...(options.args ?? []))
  return startNode(name, args, options.env ?? {}, () => own?.remove())
}

/** @param {number} executeBytes */
export async function startFloor(executeBytes) {
  const args = [join(here, 'floor.js'), '--port', '0', '--execute-bytes', String(executeBytes)]
  return startNode('floor', args, {}, () => {})
}

/**
 * The Cassandra that CASSANDRA_CONTACT_POINTS names, if it answers.
 * @returns {Promise<Server | string>} or why there is none
 */
export async function findCassandra() {
  const named = process.env['CASSANDRA_CONTACT_POINTS']
  if (named === undefined || named === '') return 'CASSANDRA_CONTACT_POINTS names no server'
  const [host, port = '9042'] = named.split(',')[0].split(':')
  const socket = connect({ host, port: Number(port) })
  try {
    await once(socket, 'connect')
  } catch (error) {
    return `nothing answers at ${host}:${port} (${/** @type {Error} */ (error).message})`
  } finally {
    socket.destroy()
  }
  return { name: 'cassandra', host, port: Number(port), stop: async () => {} }
}

/**
 * @typedef {object} Run
 * @property {string} workload
 * @property {number} ops
 * @property {number} opsPerSecond
 * @property {number} p50Us
 * @property {number} p99Us
 * @property {number} p999Us
 * @property {number} clientCpu
 * @property {number} wrong
 * @property {string=} firstError
 */

/**
 * @param {Server} server
 * @param {readonly string[]} args
 * @returns {Promise<Run>}
 */
export async function load(server, args) {
  const child = spawn(
    process.execPath,
    [join(here, 'load.js'), '--host', server.host, '--port', String(server.port), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the load against ${server.name} failed (${args.join(' ')})`)
  const result = text === '' ? {} : JSON.parse(text)
  if (result.wrong > 0) {
    throw new Error(
      `${server.name}, ${result.workload}: ${result.wrong} of ${result.ops} answers are wrong: ${result.firstError}`,
    )
  }
  return result
}

/** @param {number | undefined} pid */
export function rssMegabytes(pid) {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return match === null ? Number.NaN : Number(match[1]) / 1024
}

/** @param {readonly number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** @param {readonly (readonly string[])[]} rows the first is the header */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  '),
    )
    .join('\n')
}

/**
 * Asks a server that was started with SIBYL_LOOP_DELAY=1 for its event loop's delay since it was last asked.
 * @param {Server} server
 * @returns {Promise<{ p999Ms: number, maxMs: number }>}
 */
export function loopDelay(server) {
  return new Promise((fulfil, reject) => {
    const { child } = server
    if (child?.stdout == null) throw new Error('only a server of our own can be asked')
    const out = child.stdout
    let text = ''
    const timer = setTimeout(() => reject(new Error('no loop-delay line within 10 s of SIGUSR2')), 10_000)
    const listen = (/** @type {Buffer} */ chunk) => {
      text += chunk
      const match = /loop-delay p99\.9 ([\d.]+) ms max ([\d.]+) ms/.exec(text)
      if (match === null) return
      clearTimeout(timer)
      out.off('data', listen)
      fulfil({ p999Ms: Number(match[1]), maxMs: Number(match[2]) })
    }
    out.on('data', listen)
    child.kill('SIGUSR2')
  })
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((fulfil) => setTimeout(fulfil, ms))
}
