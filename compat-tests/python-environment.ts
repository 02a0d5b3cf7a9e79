/**
 * A Python of the tests' own with the DataStax driver and cqlsh, made once and kept in the user's cache.
 * `SIBYL_COMPAT_PYTHON` names another interpreter that has them.
 */

import { join } from 'node:path'
import { fails, installedOnce } from './toolchain.ts'

const packages = ['cassandra-driver==3.30.1', 'cqlsh==6.2.2', 'lz4==4.4.5', 'python-snappy==0.7.3']

export type PythonEnvironment =
  | { readonly kind: 'ready'; readonly python: string; readonly cqlsh: string }
  | { readonly kind: 'absent'; readonly why: string }

function environmentAt(bin: string): PythonEnvironment {
  return { kind: 'ready', python: join(bin, 'python'), cqlsh: join(bin, 'cqlsh') }
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

export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const given = process.env['SIBYL_COMPAT_PYTHON']
  if (given !== undefined) return environmentAt(join(given, '..'))
  const without = fails('python3', ['-c', 'import venv, ensurepip'])
  if (without !== undefined) return { kind: 'absent', why: `there is no Python 3 with venv (${without})` }
  const installed = await installedOnce('python', packages.join(' '), install)
  if ('why' in installed)
    return { kind: 'absent', why: `the Python packages could not be installed (${installed.why})` }
  return environmentAt(join(installed.path, 'bin'))
}
