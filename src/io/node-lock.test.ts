import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DirectoryLockedError } from './disk.ts'
import { bootId, lockDirectory } from './node-lock.ts'

let directory: string
let script: string

/** Takes the lock when told to, says how it went, and holds on until it is killed or told to release. */
const STARTER = `
  process.stdin.on('data', (line) => {
    if (String(line).includes('release')) { held.release(); process.exit() }
    try { held = lockDirectory(process.argv[2]); console.log('held') } catch (error) { console.log(error.message) }
  })
  let held
  console.log('ready')
`

beforeAll(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sibyl-lock-'))
  script = path.join(directory, 'starter.mjs')
  const source = path.join(import.meta.dirname, 'node-lock.ts')
  const bundle = await rolldown({
    input: 'starter',
    platform: 'node',
    plugins: [
      {
        name: 'starter',
        resolveId: (id: string) => (id === 'starter' ? id : null),
        load: (id: string) =>
          id === 'starter' ? `import { lockDirectory } from ${JSON.stringify(source)}\n${STARTER}` : null,
      },
    ],
  })
  await bundle.write({ file: script, format: 'esm' })
})

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

class Starter {
  readonly child: ChildProcess
  readonly #lines: string[] = []
  #wake: () => void = () => undefined

  constructor(target: string) {
    this.child = spawn(process.execPath, [script, target], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdout?.on('data', (data) => {
      this.#lines.push(...String(data).split('\n').filter(Boolean))
      this.#wake()
    })
  }

  async line(): Promise<string> {
    while (this.#lines.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#lines.shift() as string
  }

  tell(what: string): void {
    this.child.stdin?.write(`${what}\n`)
  }

  async end(signal?: NodeJS.Signals): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve))
    if (signal) this.child.kill(signal)
    else this.tell('release')
    await ended
  }
}

function fresh(name: string): string {
  const target = path.join(directory, name)
  fs.mkdirSync(target)
  return target
}

test('a second server is refused, naming directory and process, until the first has released', () => {
  const target = fresh('in-process')
  const lock = lockDirectory(target)
  expect(() => lockDirectory(target)).toThrow(DirectoryLockedError)
  expect(() => lockDirectory(`${target}/../in-process`)).toThrow(`process ${process.pid}`)
  lock.release()
  lock.release()
  lockDirectory(target).release()
  expect(fs.readdirSync(target).length).toBe(1)
})

test('another process is refused; a killed one is no obstacle', async () => {
  const target = fresh('processes')
  const first = new Starter(target)
  await first.line()
  first.tell('lock')
  expect(await first.line()).toBe('held')
  expect(() => lockDirectory(target)).toThrow(
    `${target} is in use by another Sibyl server (process ${first.child.pid})`,
  )
  await first.end('SIGKILL')
  const lock = lockDirectory(target)
  const second = new Starter(target)
  await second.line()
  second.tell('lock')
  expect(await second.line()).toContain(`process ${process.pid}`)
  lock.release()
  second.tell('lock')
  expect(await second.line()).toBe('held')
  await second.end()
  lockDirectory(target).release()
})

test('of many that start at once on a stale lock, one wins', async () => {
  const target = fresh('race')
  for (let round = 0; round < 4; round++) {
    const starters = Array.from({ length: 8 }, () => new Starter(target))
    await Promise.all(starters.map((starter) => starter.line()))
    for (const starter of starters) starter.tell('lock')
    const answers = await Promise.all(starters.map((starter) => starter.line()))
    expect(answers.filter((answer) => answer === 'held').length).toBe(1)
    await Promise.all(starters.map((starter) => starter.end('SIGKILL')))
  }
})

test('a lock whose pid is in use by another process, of another boot, or unreadable, is stale', () => {
  const target = fresh('stale')
  const claims = [
    `pid ${process.ppid}\nstart 1\nboot ${bootId()}\n`,
    `pid ${process.ppid}\nstart 1\nboot 00000000-0000-0000-0000-000000000000\n`,
    'no claim at all',
    '',
  ]
  for (const claim of claims) {
    const [newest] = fs.readdirSync(target)
    fs.writeFileSync(path.join(target, newest ?? 'lock.1'), claim)
    if (bootId() === '') continue
    lockDirectory(target).release()
  }
})
