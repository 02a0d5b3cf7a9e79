/** Programs that tests run: what they need is installed once, and kept in the user's cache. */

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { sleep } from './harness.ts'

const lockStaleMs = 5 * 60_000

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** What went wrong when a command was run, or nothing. */
export function fails(
  command: string,
  args: readonly string[],
  { cwd, env }: RunOptions = {},
): string | undefined {
  const options = { cwd, env: { ...process.env, ...env }, encoding: 'utf8', timeout: 240_000 } as const
  const { status, error, stdout, stderr } = spawnSync(command, args, options)
  if (status === 0) return undefined
  if (error !== undefined) return error.message
  const said = stripVTControlCharacters(`${stdout}\n${stderr}`).split('\n')
  const lines = said.map((line) => line.trim()).filter((line) => line !== '')
  // Maven says first what is wrong and then how to ask it; the others end with it.
  return lines.find((line) => line.startsWith('[ERROR]')) ?? lines.at(-1) ?? `exit status ${status}`
}

/** Runs a command to its end. The output is that of stdout and stderr, as it came. */
export async function run(
  command: string,
  args: readonly string[],
  { cwd, env }: RunOptions = {},
): Promise<{ status: number | null; output: string }> {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const status = await new Promise<number | null>((fulfil, reject) => {
    child.once('error', reject)
    child.once('close', fulfil)
  })
  return { status, output }
}

/**
 * A folder in the user's cache that `install` has filled; it says what went wrong, or nothing. Another `contents` makes
 * another folder. Several test files may ask at once: a directory is the lock, and its maker installs.
 */
export async function installedOnce(
  name: string,
  contents: string,
  install: (path: string) => string | undefined,
): Promise<{ readonly path: string } | { readonly why: string }> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const hash = createHash('sha256').update(contents).digest('hex').slice(0, 12)
  const path = join(cache, 'sibyl-compat-tests', `${name}-${hash}`)
  const done = join(path, 'installed')
  const lock = `${path}.lock`
  mkdirSync(join(path, '..'), { recursive: true })
  while (!existsSync(done)) {
    try {
      mkdirSync(lock)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
      if (made !== undefined && Date.now() - made > lockStaleMs)
        rmSync(lock, { recursive: true, force: true })
      await sleep(500)
      continue
    }
    try {
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path)
      const why = install(path)
      if (why !== undefined) return { why }
      writeFileSync(done, contents)
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
  }
  return { path }
}
