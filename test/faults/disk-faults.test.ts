import { expect, test } from 'vitest'
import type { Fault } from '../sim/sim-disk.ts'
import { FaultyNode, KEYSPACE } from './faulty-node.ts'

/**
 * Calls of the disk fail in flushes, compactions and truncations: reads go on and answer what was written, nothing
 * acknowledged is lost, and when the disk is well again the node is, by itself. FAULT_SEEDS says how many seeds are tried.
 */

const SEEDS = Number(process.env['FAULT_SEEDS'] ?? 25)
const FIRST = Number(process.env['FAULT_SEED'] ?? 1)
const ALL = 'SELECT * FROM ks.t'

async function oneSeed(seed: number, coverage: Map<string, number>): Promise<void> {
  // Of other policies the transport would stop, which is tested below.
  const node = new FaultyNode(seed, { diskFailurePolicy: 'ignore' })
  const { random, disk } = node
  await node.open()
  await node.run(KEYSPACE)
  await node.run('CREATE TABLE ks.t (k int, c int, v text, PRIMARY KEY (k, c))')
  let next = 0
  const write = async (): Promise<void> => {
    for (let i = 1 + random.below(8); i > 0; i--) {
      const cql =
        random.chance(0.85) || next === 0
          ? `INSERT INTO ks.t (k, c, v) VALUES (${random.below(9)}, ${random.below(5)}, '${next++}')`
          : `DELETE FROM ks.t WHERE k = ${random.below(9)}`
      await node.run(cql)
    }
  }
  for (let i = 0; i < 3; i++) {
    await write()
    await node.flush()
  }
  for (let round = 0; round < 6; round++) {
    await write()
    let expected = await node.rows(ALL)
    const operation = random.pick(['write', 'fsync', 'read', 'create', 'fsyncDirectory', 'unlink'] as const)
    const fault: Fault = {
      operation,
      code:
        operation === 'write'
          ? random.pick(['EIO', 'ENOSPC', 'SHORT'] as const)
          : random.pick(['EIO', 'ENOSPC'] as const),
      path: '/data/data/',
      after: random.below(random.pick([3, 12])),
      ...(random.chance(0.5) ? { times: 1 + random.below(3) } : {}),
    }
    disk.faults.push(fault)
    const what = random.pick(['flush', 'compact', 'truncate'] as const)
    let failed = false
    const table = node.database.schema.current.table('ks', 't')!
    const { engine } = node.database
    try {
      if (what === 'flush') await node.flush()
      else if (what === 'compact') await node.timers.run(engine.compactions!.major(engine.storeOf(table)))
      else {
        await node.run('TRUNCATE ks.t')
        expected = await node.rows(ALL)
      }
    } catch {
      failed = true
    }
    const name = `${what} ${fault.operation} ${fault.code} ${failed ? 'failed' : 'went on'}`
    coverage.set(name, (coverage.get(name) ?? 0) + 1)
    const where = `seed ${seed}, round ${round}: ${name}`
    // Reading is what fails, where that is the fault.
    if (fault.operation !== 'read' && what !== 'truncate') expect(await node.rows(ALL), where).toBe(expected)
    disk.faults.length = 0
    if (what !== 'truncate') expect(await node.rows(ALL), where).toBe(expected)
    else expected = await node.rows(ALL)
    await node.timers.advance(15_000)
    expect(await node.rows(ALL), `${where}, later`).toBe(expected)
    if (random.chance(0.3)) {
      const before = expected
      node.kill()
      await node.open()
      expect(await node.rows(ALL), `${where}, after a kill`).toBe(before)
    }
  }
  const expected = await node.rows(ALL)
  // What is in the middle of a transaction is not flushed before the next start, be it a table of the system.
  if (!node.database.engine.stores.some(({ isUnknown }) => isUnknown)) await node.flush()
  expect(await node.rows(ALL), `seed ${seed}, flushed`).toBe(expected)
  node.kill()
  await node.open()
  expect(await node.rows(ALL), `seed ${seed}, opened again`).toBe(expected)
  await node.timers.run(node.database.close())
}

test(`calls of the disk fail, in ${SEEDS} seeds`, async () => {
  const coverage = new Map<string, number>()
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      await oneSeed(seed, coverage)
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
  const failures = [...coverage].filter(([name]) => name.endsWith('failed'))
  expect(failures.length).toBeGreaterThan(3)
  if (process.env['FAULT_SEEDS'] !== undefined) console.log(Object.fromEntries([...coverage].sort()))
}, 3_600_000)

test('a full disk: reads and writes go on, and the flush is done when there is room', async () => {
  const node = new FaultyNode(1)
  await node.open()
  await node.run(KEYSPACE)
  await node.run('CREATE TABLE ks.t (k int PRIMARY KEY, v text)')
  await node.run("INSERT INTO ks.t (k, v) VALUES (1, 'a')")
  node.disk.faults.push({ operation: 'write', code: 'ENOSPC', path: '/data/data/', after: 0 })
  await expect(node.flush()).rejects.toThrow(/ENOSPC/)
  const before = await node.rows('SELECT * FROM ks.t')
  expect(before).toMatch(/^1:/)
  await node.run("INSERT INTO ks.t (k, v) VALUES (2, 'b')")
  await node.timers.advance(30_000)
  expect(await node.rows('SELECT * FROM ks.t')).toMatch(/^2:/)
  expect(node.actions).toEqual([])
  expect(node.logged.join('\n')).toMatch(/Flushing ks\.t failed: ENOSPC: write '\/data\/data\/ks\/t-/)
  node.disk.faults.length = 0
  const flushes = node.database.engine.completedFlushes
  await node.timers.advance(30_000)
  expect(node.database.engine.completedFlushes).toBeGreaterThan(flushes)
  expect(node.files('t', 'Data.db').length).toBe(1)
  await node.timers.run(node.database.close())
})

test('a full disk: writes are refused when memory is full, and deletions are not', async () => {
  const node = new FaultyNode(1, { memtableSpaceMiB: 1 })
  await node.open()
  await node.run(KEYSPACE)
  await node.run('CREATE TABLE ks.t (k int PRIMARY KEY, v text)')
  node.disk.faults.push({ operation: 'write', code: 'ENOSPC', path: '/data/data/', after: 0 })
  let refused: unknown = null
  let written = 0
  for (; written < 4000 && refused === null; written++) {
    await node
      .run(`INSERT INTO ks.t (k, v) VALUES (${written}, '${'x'.repeat(1000)}')`)
      .catch((error: unknown) => {
        refused = error
      })
  }
  expect(refused).toMatchObject({ code: 0x1001 })
  const count = written - 1
  expect(await node.rows('SELECT k FROM ks.t WHERE k = 0')).toMatch(/^1:/)
  await node.run('DELETE FROM ks.t WHERE k = 0')
  node.disk.faults.length = 0
  await node.timers.advance(60_000)
  await node.run("INSERT INTO ks.t (k, v) VALUES (-1, 'there is room')")
  expect(await node.rows('SELECT k FROM ks.t')).toMatch(new RegExp(`^${count}:`))
  await node.timers.run(node.database.close())
})

/** What each policy does about each fault. */
const POLICIES = {
  stop: { corrupt: [], read: ['stop'], write: ['stop'], full: [] },
  stop_paranoid: { corrupt: ['stop'], read: ['stop'], write: ['stop'], full: ['stop'] },
  best_effort: { corrupt: [], read: [], write: [], full: [] },
  ignore: { corrupt: [], read: [], write: [], full: [] },
  die: { corrupt: ['die'], read: ['die'], write: ['die'], full: ['die'] },
} as const

async function withTwoSSTables(policy: keyof typeof POLICIES): Promise<FaultyNode> {
  const node = new FaultyNode(3, {
    diskFailurePolicy: policy,
    settings: { file_cache_size: '0B', key_cache_size: '0B' },
  })
  await node.open()
  await node.run(KEYSPACE)
  await node.run('CREATE TABLE ks.t (k int PRIMARY KEY, v text)')
  for (const k of [1, 2]) {
    await node.run(`INSERT INTO ks.t (k, v) VALUES (${k}, 'v${k}')`)
    await node.flush()
  }
  return node
}

test.each(Object.keys(POLICIES) as (keyof typeof POLICIES)[])('%s', async (policy) => {
  const expected = POLICIES[policy]
  const corrupt = await withTwoSSTables(policy)
  const [data] = corrupt.files('t', 'nb-1-big-Data.db')
  corrupt.disk.bytes(data!)[3]! ^= 4
  const failure = {
    code: 0x1300,
    message: 'Operation failed - received 0 responses and 1 failures: UNKNOWN from /127.0.0.1:7000',
  }
  await expect(corrupt.run('SELECT * FROM ks.t')).rejects.toMatchObject(failure)
  expect(corrupt.actions).toEqual(expected.corrupt)
  expect(corrupt.logged.join('\n')).toMatch(
    /Reading ks\.t failed: Corrupt SSTable file .*nb-1-big-Data\.db at offset 0: /,
  )
  expect(await corrupt.rows('SELECT * FROM ks.t WHERE k = 2')).toMatch(/^1:/)

  const unreadable = await withTwoSSTables(policy)
  unreadable.disk.faults.push({ operation: 'read', code: 'EIO', path: 'nb-1-big-Data.db', after: 0 })
  await expect(unreadable.run('SELECT * FROM ks.t')).rejects.toMatchObject(failure)
  expect(unreadable.actions).toEqual(expected.read)
  const again = unreadable.rows('SELECT * FROM ks.t')
  // What cannot be read is left out from now on.
  if (policy === 'best_effort') expect(await again).toMatch(/^1:/)
  else await expect(again).rejects.toMatchObject(failure)
  expect(unreadable.files('t', 'nb-1-big-Data.db').length).toBe(1)

  for (const [kind, code] of [
    ['write', 'EIO'],
    ['full', 'ENOSPC'],
  ] as const) {
    const node = await withTwoSSTables(policy)
    await node.run("INSERT INTO ks.t (k, v) VALUES (3, 'c')")
    node.disk.faults.push({ operation: 'write', code, path: '/data/data/', after: 0 })
    await expect(node.flush()).rejects.toThrow(code)
    expect(node.actions).toEqual(expected[kind])
    expect(await node.rows('SELECT * FROM ks.t')).toMatch(/^3:/)
    await node.timers.advance(30_000)
    // Nothing else is left to write to.
    if (policy === 'best_effort' && kind === 'write') expect(node.actions).toEqual(['stop'])
  }
})

const STARTS: readonly [component: string, change: 'missing' | 'broken', opens: 'whole' | 'without'][] = [
  ['Summary.db', 'missing', 'whole'],
  ['Summary.db', 'broken', 'whole'],
  ['Filter.db', 'missing', 'whole'],
  ['Filter.db', 'broken', 'whole'],
  ['Digest.crc32', 'missing', 'whole'],
  ['TOC.txt', 'missing', 'whole'],
  ['Statistics.db', 'missing', 'without'],
  ['Statistics.db', 'broken', 'without'],
  ['CompressionInfo.db', 'missing', 'without'],
  ['CompressionInfo.db', 'broken', 'without'],
  ['Index.db', 'missing', 'without'],
  ['Data.db', 'missing', 'without'],
]

test.each(STARTS)('a start with %s %s', async (component, change, opens) => {
  const node = await withTwoSSTables('stop')
  const before = await node.rows('SELECT * FROM ks.t')
  // What is still in the commit log would come back from there.
  await node.timers.run(node.database.engine.drain())
  node.kill()
  const [path] = node.files('t', `nb-1-big-${component}`)
  if (change === 'missing') node.disk.attach(node.timers).unlinkSync(path!)
  else node.disk.bytes(path!)[4]! ^= 0x40
  if (opens === 'whole') {
    await node.open()
    expect(await node.rows('SELECT * FROM ks.t')).toBe(before)
    for (const k of [1, 2]) expect(await node.rows(`SELECT * FROM ks.t WHERE k = ${k}`)).toMatch(/^1:/)
    if (component === 'Summary.db' || component === 'Filter.db') {
      expect(node.files('t', `nb-1-big-${component}`).length).toBe(1)
      expect(node.logged.join('\n')).toContain(`nb-1-big-${component}`)
    }
    return
  }
  await expect(node.open()).rejects.toThrow(change === 'missing' ? `nb-1-big-${component}` : 'nb-1-big-')
  expect(node.logged.join('\n')).toMatch(/The server does not start: disk_failure_policy is stop/)
  node.kill()
  await node.open({ diskFailurePolicy: 'best_effort' })
  expect(await node.rows('SELECT * FROM ks.t')).toMatch(/^1:/)
  expect(node.logged.join('\n')).toMatch(/The SSTable is skipped, .*disk_failure_policy is best_effort/)
})
