/**
 * CPU that requests cost in two versions of the program, or more, in turns.
 *
 *   node bench/hot-path.js TREE [TREE ...] [--workloads reads,writes] [--rounds 30] [--processes 3] [--ops 10000]
 *     [--cpu-prof DIR]
 *
 * A tree is a directory with the program's source and its dependencies, `.` or a clone of another commit; the first is
 * what the others are compared with. Each runs from memory in a process of its own (hot-path-child.js), which feeds
 * itself frames without a socket and counts the CPU that it
 * takes. For each workload all are warmed, then take turns, and the minimum of all rounds counts: what other programs do on the machine only adds. Processes are started afresh several
 * times, as the compiler does not always decide alike. With --cpu-prof each leaves a profile of its rounds.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { table, temporaryDirectory } from './servers.js'
import { workloads } from './workloads.js'

const { values: args, positionals: trees } = parseArgs({
  allowPositionals: true,
  options: {
    workloads: { type: 'string', default: 'reads,writes,slices,longSlices,series,counts' },
    rounds: { type: 'string', default: '30' },
    processes: { type: 'string', default: '3' },
    ops: { type: 'string', default: '10000' },
    'cpu-prof': { type: 'string' },
  },
})
/** Requests that take so many times as long as others, of which fewer make a round. @type {Record<string, number>} */
const slow = { slices: 4, longSlices: 20, counts: 100, literalReads: 10, literalWrites: 10 }
const names = args.workloads.split(',')
const unknown = names.filter((name) => workloads[name] === undefined)
if (trees.length === 0 || unknown.length > 0) {
  console.error(
    `node bench/hot-path.js TREE [TREE ...] [--workloads LIST] [--rounds N] [--processes N] [--ops N] [--cpu-prof DIR]
workloads: ${Object.keys(workloads).join(', ')}`,
  )
  process.exit(1)
}

/** One file with what the child needs of a tree. @param {string} tree @param {string} dir @param {number} n */
async function bundle(tree, dir, n) {
  const parts = {
    startNode: 'node/node.ts',
    createNodeDisk: 'io/node-disk.ts',
    nodeClock: 'io/node-clock.ts',
    nodeRandom: 'io/node-random.ts',
  }
  const entry = '\0entry'
  const build = await rolldown({
    input: entry,
    cwd: resolve(tree),
    platform: 'node',
    external: [/^node:/, 'pino', 'lz4-wasm-nodejs', 'snappyjs', /^@foxglove\/wasm-zstd/],
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) =>
          id === entry
            ? Object.entries(parts)
                .map(
                  ([name, path]) => `export { ${name} } from ${JSON.stringify(resolve(tree, 'src', path))}`,
                )
                .join('\n')
            : null,
      },
    ],
  })
  const file = join(dir, `tree-${n}.mjs`)
  await build.write({ file, format: 'esm', codeSplitting: false, sourcemap: false })
  await build.close()
  return file
}

/** @param {string} file @param {string} tree */
async function startChild(file, tree) {
  const child = fork(join(import.meta.dirname, 'hot-path-child.js'), [file], {
    execArgv: args['cpu-prof'] === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', args['cpu-prof']],
  })
  child.once('exit', (code) => {
    if (code !== 0) throw new Error(`the process of ${tree} ended with ${code}`)
  })
  /** @param {object} message @returns {Promise<number>} microseconds */
  const ask = async (message) => {
    child.send(message)
    const [answer] = await once(child, 'message')
    if (answer.error !== undefined) throw new Error(`${tree}: ${answer.error}`)
    return answer.micros
  }
  return { ask, stop: () => child.disconnect() }
}

const dir = temporaryDirectory()
/** Minima, by workload and tree. @type {Record<string, number[]>} */
const minima = Object.fromEntries(names.map((name) => [name, trees.map(() => Number.POSITIVE_INFINITY)]))
try {
  const files = await Promise.all(trees.map((tree, n) => bundle(tree, dir.path, n)))
  for (let n = 0; n < Number(args.processes); n++) {
    const children = await Promise.all(files.map((file, i) => startChild(file, trees[i])))
    for (const name of names) {
      await Promise.all(children.map(({ ask }) => ask({ warm: name })))
      const ops = Math.ceil(Number(args.ops) / (slow[name] ?? 1))
      for (let round = 0; round < Number(args.rounds); round++) {
        for (const [i, { ask }] of children.entries()) {
          const micros = (await ask({ run: name, ops })) / ops
          if (micros < minima[name][i]) minima[name][i] = micros
        }
      }
    }
    for (const { stop } of children) stop()
  }
} finally {
  dir.remove()
}
const rows = [['us of CPU a request', ...trees.map((tree, i) => (i === 0 ? tree : `${tree}    ratio`))]]
for (const name of names) {
  const [base] = minima[name]
  const cell = (/** @type {number} */ micros, /** @type {number} */ i) =>
    i === 0 ? micros.toFixed(3) : `${micros.toFixed(3)}    ${(micros / base).toFixed(3)}`
  rows.push([name, ...minima[name].map(cell)])
}
console.log(table(rows))
