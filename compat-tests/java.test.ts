/**
 * Compiles and runs java/, the Java driver's tests. Its libraries are installed once and kept in the user's cache; what
 * is compiled goes into a temporary directory.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DriverTargets, startDriverTargets } from './driver-targets.ts'
import { temporaryDirectory } from './harness.ts'
import { fails, installedOnce, run } from './toolchain.ts'

const folder = join(import.meta.dirname, 'java')

/** Where the libraries are. */
async function libraries(): Promise<{ readonly path: string } | { readonly why: string }> {
  for (const [name, command, version] of [
    ['Java compiler', 'javac', '-version'],
    ['Maven', 'mvn', '-version'],
  ] as const) {
    const without = fails(command, [version])
    if (without !== undefined) return { why: `there is no ${name} (${without})` }
  }
  const project = join(folder, 'pom.xml')
  const installed = await installedOnce('java', readFileSync(project, 'utf8'), (path) =>
    fails('mvn', ['-q', '-B', '-f', project, 'dependency:copy-dependencies', `-DoutputDirectory=${path}`]),
  )
  return 'why' in installed ? { why: `its libraries could not be had (${installed.why})` } : installed
}

const found = await libraries()
if ('why' in found) console.log(`The Java driver's tests are skipped: ${found.why}`)

let targets: DriverTargets | undefined
const output = temporaryDirectory('compat-java')
beforeAll(async () => {
  if ('path' in found) targets = await startDriverTargets()
}, 120_000)
afterAll(async () => {
  output.remove()
  await targets?.stop()
})

describe.skipIf('why' in found)('the Java driver', () => {
  test('in protocol versions 3, 4 and 5', async () => {
    if ('why' in found) return
    const jars = join(found.path, '*')
    const sources = readdirSync(join(folder, 'src')).map((file) => join(folder, 'src', file))
    const compiled = await run('javac', [
      '-encoding',
      'UTF-8',
      '-d',
      output.path,
      '-classpath',
      jars,
      ...sources,
    ])
    expect(compiled.status, compiled.output).toBe(0)
    // A program of seconds: the quickest start, and not the best code in the end.
    const quick = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dfile.encoding=UTF-8']
    const classpath = [output.path, jars].join(delimiter)
    const { status, output: printed } = await run(
      'java',
      [...quick, '-classpath', classpath, 'Compat'],
      targets,
    )
    if (status !== 0) console.log(printed)
    expect(status, 'see the output above').toBe(0)
    expect(printed.match(/^passed /gm)?.length ?? 0).toBeGreaterThanOrEqual(69)
  }, 600_000)
})
