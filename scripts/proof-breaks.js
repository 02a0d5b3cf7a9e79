// Shows that the simulator of clusters finds each of the deliberate breaks of test/sim/breaks, one after another: `proof-breaks.js
// [NAME...]`, `SEEDS=n` for how many seeds it has for each. Sources stay as they are: a break is put in while they are bundled.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BREAKS } from '../test/sim/breaks/breaks.js'
import { bundle } from './bundle.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const seeds = Number(process.env['SEEDS'] ?? 300)
const wanted = process.argv.slice(2)
const folder = mkdtempSync(join(process.env['PROOF_FOLDER'] ?? root, '.proof-'))

/** Puts a break into its file. */
function breaking({ file, search, replace }) {
  return {
    name: 'break',
    transform(code, id) {
      if (id !== join(root, file)) return null
      if (code.split(search).length !== 2) throw new Error(`${file} has not once: ${search}`)
      return { code: code.replace(search, () => replace), map: null }
    },
  }
}

let missed = 0
try {
  for (const one of BREAKS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
    await bundle({ 'cluster-main': 'test/sim/cluster-main.ts' }, folder, 'esm', 'js', [breaking(one)])
    const started = Date.now()
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [join(folder, 'cluster-main.js'), '1', String(seeds)],
      {
        encoding: 'utf8',
        env: { ...process.env, STOP: '1' },
        maxBuffer: 1 << 28,
      },
    )
    const found = stdout
      .split('\n')
      .filter((line) => line.startsWith('{"seed"'))
      .map((line) => JSON.parse(line))[0]
    const seconds = Math.round((Date.now() - started) / 1000)
    if (found === undefined) {
      missed++
      console.log(
        `NOT FOUND ${one.name} in ${seeds} seeds, ${seconds} s: ${one.rule}\n${stderr.slice(0, 2000)}`,
      )
    } else
      console.log(
        `${one.name}: seed ${found.seed}, ${seconds} s: ${found.error.split('\n')[0].slice(0, 160)}`,
      )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(missed === 0 ? 'Each break was found.' : `${missed} breaks were not found.`)
process.exit(missed === 0 ? 0 : 1)
