/**
 * A Python of the tests' own with the DataStax driver and cqlsh, made once and kept in the user's cache.
 * `SIBYL_COMPAT_PYTHON` names another interpreter that has them.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sleep } from './harness.ts'

const packages = ['cassandra-driver==3.30.1', 'cqlsh==6.2.2', 'lz4==4.4.5', 'python-snappy==0.7.3']

const lockStaleMs = 5 * 60_000

export type PythonEnvironment =
  | { readonly kind: 'ready'; readonly python: string; readonly cqlsh: string }
  | { readonly kind: 'absent'; readonly why: string }

function home(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  return join(cache, 'sibyl-compat-tests', `python-${name}`)
}

function environmentAt(bin: string): PythonEnvironment {
  return { kind: 'ready', python: join(bin, 'python'), cqlsh: join(bin, 'cqlsh') }
}

/** What went wrong, or nothing. */
function fails(command: string, args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 240_000 })
  if (status === 0) return undefined
  return error?.message ?? stderr.trim().split('\n').slice(-1)[0] ?? `exit status ${status}`
}

function install(path: string): string | undefined {
  const bin = join(path, 'bin')
  return (
    fails('python3', ['-m', 'venv', path]) ??
    fails(join(bin, 'python'), [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      '--only-binary',
      ':all:',
      ...packages.slice(0, 1),
    ]) ??
    fails(join(bin, 'python'), ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...packages])
  )
}

/** Two test files may ask at once: a directory is the lock, and its maker installs. */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const given = process.env['SIBYL_COMPAT_PYTHON']
  if (given !== undefined) return environmentAt(join(given, '..'))
  const without = fails('python3', ['-c', 'import venv, ensurepip'])
  if (without !== undefined) return { kind: 'absent', why: `there is no Python 3 with venv (${without})` }
  const path = home()
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
      const why = install(path)
      if (why !== undefined)
        return { kind: 'absent', why: `the Python packages could not be installed (${why})` }
      writeFileSync(done, packages.join('\n'))
    } finally {
      rmSync(lock, { recursive: true, force: true })
    }
  }
  return environmentAt(join(path, 'bin'))
}
