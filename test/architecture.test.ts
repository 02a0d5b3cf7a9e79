import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

/** The rooms of the house and what each may import, as docs/architecture says. Arrows go one way. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  common: [],
  io: ['common'],
  types: ['common'],
  model: ['common', 'types'],
  schema: ['common', 'types', 'model'],
  protocol: ['common', 'types', 'model'],
  cql: ['common', 'types', 'model', 'schema'],
  storage: ['common', 'io', 'types', 'model'],
  cluster: ['common', 'io', 'types', 'model', 'schema', 'storage'],
  auth: ['common', 'types', 'model', 'schema'],
  query: ['common', 'io', 'types', 'model', 'schema', 'cql', 'storage', 'cluster', 'auth'],
  server: ['common', 'io', 'types', 'model', 'protocol', 'auth', 'query'],
  node: [
    'common',
    'io',
    'types',
    'model',
    'schema',
    'protocol',
    'cql',
    'storage',
    'cluster',
    'auth',
    'query',
    'server',
    'admin',
  ],
  admin: ['common', 'io', 'types', 'model', 'schema', 'cql', 'storage', 'cluster', 'auth', 'query'],
  cli: ['io', 'node', 'admin'],
}

/** Node's modules that touch the world are for io and for the rooms that wire the process. */
const WORLD = [
  'fs',
  'net',
  'tls',
  'dgram',
  'worker_threads',
  'timers',
  'child_process',
  'http',
  'https',
  'dns',
]
const MAY_TOUCH_THE_WORLD = ['io', 'node', 'cli']

const source = fileURLToPath(new URL('../src', import.meta.url))

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return files(path)
    return path.endsWith('.ts') && !path.endsWith('.test.ts') ? [path] : []
  })
}

function imports(path: string): string[] {
  const text = readFileSync(path, 'utf8')
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g,
  )
  return [...found].map((match) => (match[1] ?? match[2])!)
}

function roomOf(path: string): string {
  return relative(source, path).split('/')[0]!
}

describe('the house', () => {
  const all = files(source)

  it('knows every room', () => {
    const rooms = new Set(all.map(roomOf).filter((room) => !room.endsWith('.ts')))
    expect([...rooms].filter((room) => !(room in MAY_IMPORT))).toEqual([])
  })

  it('has arrows that go one way only', () => {
    const wrong: string[] = []
    for (const path of all) {
      const from = roomOf(path)
      if (from.endsWith('.ts')) continue
      for (const target of imports(path)) {
        if (!target.startsWith('.')) continue
        const to = roomOf(resolve(dirname(path), target))
        if (to !== from && !MAY_IMPORT[from]!.includes(to))
          wrong.push(`${relative(source, path)} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('touches the world through the ports only', () => {
    const wrong: string[] = []
    for (const path of all) {
      if (MAY_TOUCH_THE_WORLD.includes(roomOf(path))) continue
      for (const target of imports(path)) {
        if (
          WORLD.some(
            (name) => target === `node:${name}` || target.startsWith(`node:${name}/`) || target === name,
          )
        ) {
          wrong.push(`${relative(source, path)} imports ${target}`)
        }
      }
      const text = readFileSync(path, 'utf8')
        .replaceAll(/\/\*[\s\S]*?\*\//g, '')
        .replaceAll(/\/\/.*$/gm, '')
      for (const call of [
        'Date.now(',
        'new Date()',
        'Math.random(',
        'performance.now(',
        'setTimeout(',
        'setImmediate(',
        'process.hrtime',
      ]) {
        const at = text.indexOf(call)
        if (at >= 0 && text[at - 1] !== '.' && !/\b(timers)\.$/.test(text.slice(0, at))) {
          wrong.push(`${relative(source, path)} calls ${call}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })
})
