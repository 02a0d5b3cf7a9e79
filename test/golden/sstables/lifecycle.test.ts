import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import type { Database } from '../../../src/node/database.ts'
import {
  lastGeneration,
  listSSTables,
  listTableDirectories,
  removeTableDirectory,
  tableDirectory,
} from '../../../src/storage/lifecycle/directories.ts'
import {
  clearExpiredSnapshots,
  clearSnapshots,
  listSnapshots,
  takeSnapshot,
} from '../../../src/storage/lifecycle/snapshots.ts'
import {
  IMPORT_DEFAULTS,
  type ImportTarget,
  importSSTables,
  refreshSSTables,
} from '../../../src/storage/lifecycle/sstable-importer.ts'
import { descriptorName } from '../../../src/storage/sstable/descriptor.ts'
import { SSTable } from '../../../src/storage/sstable/sstable.ts'
import { changedStatistics } from '../../../src/storage/sstable/statistics-mutation.ts'
import { formatVersion } from '../../../src/storage/sstable/version.ts'
import { FIXTURES, nodeWith } from './fixtures.ts'

/** Directories, snapshots, import and refresh, with SSTables that Cassandra wrote. */

const disk = createNodeDisk()
const scratch = mkdtempSync(join(tmpdir(), 'sibyl-lifecycle-'))
afterAll(() => rmSync(scratch, { recursive: true }))

function sstableFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => /^(nb|oa)-/.test(name))
}

describe.skipIf(!existsSync(FIXTURES))('of Cassandra', () => {
  let database: Database
  let table: TableMetadata
  let data: string
  let directory: string
  let target: ImportTarget
  let source: string
  let ids = 0

  function newTarget(): void {
    data = mkdtempSync(join(scratch, 'data-'))
    directory = tableDirectory(data, 'fx', 'overlap', table.id)
    disk.mkdirpSync(directory)
    const generations = new SharedArrayBuffer(4)
    const timeUuid = (): string => `4aef0d10-c5f1-11ef-8b0e-${String(++ids).padStart(12, '0')}`
    target = { disk, table, directory, generations, timeUuid }
    source = mkdtempSync(join(scratch, 'source-'))
    copyFixtures('nb', source)
  }

  function copyFixtures(format: string, to: string): void {
    for (const name of sstableFiles(`${FIXTURES}${format}/overlap`)) {
      if (!/json|metadata/.test(name)) cpSync(`${FIXTURES}${format}/overlap/${name}`, join(to, name))
    }
  }

  function setLevel(file: string, level: number): void {
    const bytes = new Uint8Array(readFileSync(file))
    writeFileSync(file, changedStatistics(file, bytes, formatVersion('nb')!, { level }))
  }

  function levels(): number[] {
    return listSSTables(disk, directory).sstables.map(({ descriptor }) => {
      const sstable = SSTable.open(disk, descriptor, table)
      sstable.close()
      return sstable.statistics.stats.level
    })
  }

  beforeAll(async () => {
    const node = await nodeWith('nb', 'overlap')
    database = node.database
    table = node.table
  })
  afterAll(() => database.close())

  test('an import moves, gives new generations and resets levels', () => {
    newTarget()
    const files = sstableFiles(source).length
    const names = listSSTables(disk, source).sstables
    expect(names.length).toBeGreaterThan(1)
    for (const { descriptor } of names) {
      setLevel(join(source, `${descriptorName(descriptor)}-Statistics.db`), 2)
    }
    const { imported, failed, warnings } = importSSTables(target, [source], IMPORT_DEFAULTS)
    expect({ failed, warnings }).toEqual({ failed: [], warnings: [] })
    expect(imported.map(({ id }) => id)).toEqual(names.map((_, i) => String(i + 1)))
    expect(readdirSync(source)).toEqual([])
    expect(readdirSync(directory).length).toBe(files)
    expect(levels()).toEqual(names.map(() => 0))
    expect(lastGeneration(disk, directory)).toBe(names.length)
  })

  test('a copy leaves the originals, and levels where that is wished', () => {
    newTarget()
    const before = sstableFiles(source)
    setLevel(join(source, before.find((name) => name.endsWith('Statistics.db'))!), 2)
    const options = { ...IMPORT_DEFAULTS, copyData: true, keepLevel: true, extendedVerify: true }
    importSSTables(target, [source], options)
    expect(sstableFiles(source)).toEqual(before)
    expect(levels().toSorted()).toEqual([...levels().map(() => 0).slice(1), 2])
    // And once more, under further generations.
    expect(importSSTables(target, [source], options).imported[0]!.id).toBe(String(levels().length / 2 + 1))
  })

  test('of a directory with one that is broken nothing is taken', () => {
    newTarget()
    const other = mkdtempSync(join(scratch, 'source-'))
    copyFixtures('oa', other)
    const data = join(source, sstableFiles(source).find((name) => name.endsWith('Data.db'))!)
    const bytes = readFileSync(data)
    bytes[bytes.length - 3]! ^= 1
    writeFileSync(data, bytes)
    const before = sstableFiles(source)
    const { imported, failed } = importSSTables(target, [source, other], IMPORT_DEFAULTS)
    // The last chunk is looked at when it is opened.
    expect(failed).toEqual([{ directory: source, reason: expect.stringContaining(`${data} at offset`) }])
    expect(imported.every(({ version }) => version === 'oa')).toBe(true)
    expect(imported.length).toBeGreaterThan(0)
    expect(sstableFiles(source)).toEqual(before)
  })

  test('what is not whole, or of another table, is refused', async () => {
    newTarget()
    const missing = sstableFiles(source).find((name) => name.endsWith('Index.db'))!
    rmSync(join(source, missing))
    const options = { ...IMPORT_DEFAULTS, verify: false }
    expect(importSSTables(target, [source], options).failed[0]!.reason).toContain('the file is missing')
    const { sstables, problems } = listSSTables(disk, source)
    expect(problems.map(({ path }) => path)).toEqual([join(source, missing)])
    expect(sstables.length).toBeGreaterThan(0)
    const foreign = mkdtempSync(join(scratch, 'source-'))
    for (const name of sstableFiles(`${FIXTURES}nb/many`)) cpSync(`${FIXTURES}nb/many/${name}`, join(foreign, name))
    const { failed } = importSSTables(target, [foreign], options)
    expect(failed[0]!.reason).toMatch(/Unknown column|of type/)
    const unreadable = mkdtempSync(join(scratch, 'source-'))
    writeFileSync(join(unreadable, 'da-1-bti-Data.db'), 'x')
    expect(importSSTables(target, [unreadable], options).failed[0]!.reason).toContain(
      'SSTables of the format da-bti cannot be read',
    )
    expect(readdirSync(directory)).toEqual([])
    expect(() => importSSTables(target, [join(scratch, 'none')], options)).toThrow('does not exist')
  })

  test('tokens that another node owns are refused', () => {
    newTarget()
    const { failed } = importSSTables(target, [source], { ...IMPORT_DEFAULTS, ownsToken: () => false })
    expect(failed[0]!.reason).toContain('is not contained in the given ranges')
  })

  test('a refresh takes what was put into the directory', () => {
    newTarget()
    const { imported } = importSSTables(target, [source], { ...IMPORT_DEFAULTS, copyData: true })
    for (const name of sstableFiles(source)) cpSync(join(source, name), join(directory, name.replace(/^nb-/, 'nb-9')))
    Atomics.store(new Int32Array(target.generations), 0, lastGeneration(disk, directory))
    const taken = refreshSSTables(target, imported)
    expect(taken.length).toBe(imported.length)
    const { sstables, problems } = listSSTables(disk, directory)
    expect(problems).toEqual([])
    const ids = [...imported, ...taken].map(({ id }) => id).sort()
    expect(sstables.map(({ descriptor }) => descriptor.id).sort()).toEqual(ids)
    expect(refreshSSTables(target, [...imported, ...taken])).toEqual([])
    expect(readdirSync(directory).filter((name) => name.endsWith('.log'))).toEqual([])
  })

  test('snapshots are taken, listed and cleared', () => {
    newTarget()
    importSSTables(target, [source], { ...IMPORT_DEFAULTS, copyData: true })
    const { sstables } = listSSTables(disk, directory)
    const nowMs = Date.UTC(2026, 10, 21, 11, 0, 26, 31)
    const path = takeSnapshot(disk, directory, sstables, { name: 'snap1', nowMs, schema: 'CREATE TABLE;' })
    const names = sstables.map(({ descriptor }) => `"${descriptorName(descriptor)}-Data.db"`)
    // As Cassandra wrote it at that time.
    expect(readFileSync(join(path, 'manifest.json'), 'utf8')).toBe(
      `{\n  "files" : [ ${names.join(', ')} ],\n  "created_at" : "2026-11-21T11:00:26.031Z",\n` +
        '  "expires_at" : null,\n  "ephemeral" : false\n}',
    )
    expect(readFileSync(join(path, 'schema.cql'), 'utf8')).toBe('CREATE TABLE;\n')
    expect(() => takeSnapshot(disk, directory, [], { name: 'snap1', nowMs, schema: null })).toThrow(
      'Snapshot snap1 already exists.',
    )
    takeSnapshot(disk, directory, [], { name: 'short', nowMs, schema: null, ttlSeconds: 60 })
    takeSnapshot(disk, directory, [], { name: 'repair', nowMs, schema: null, ephemeral: true })
    const listed = listSnapshots(disk, data)
    expect(listed.map(({ name, expiresAt, ephemeral }) => [name, expiresAt, ephemeral])).toEqual([
      ['repair', null, true],
      ['short', '2026-11-21T11:01:26.031Z', false],
      ['snap1', null, false],
    ])
    const { trueSize, sizeOnDisk, keyspace, tableId, createdAt } = listed[2]!
    expect({ keyspace, tableId, createdAt }).toEqual({
      keyspace: 'fx',
      tableId: table.id,
      createdAt: '2026-11-21T11:00:26.031Z',
    })
    const own = ['manifest.json', 'schema.cql'].reduce((sum, name) => sum + readFileSync(join(path, name)).length, 0)
    expect(trueSize).toBe(own)
    for (const name of sstableFiles(directory)) rmSync(join(directory, name))
    expect(listSnapshots(disk, data, ['fx'])[2]!.trueSize).toBe(sizeOnDisk)
    expect(removeTableDirectory(disk, directory)).toBe(false)
    expect(clearExpiredSnapshots(disk, data, nowMs + 61_000).map(({ name }) => name)).toEqual(['short'])
    expect(clearSnapshots(disk, data, { name: 'other' })).toEqual([])
    expect(clearSnapshots(disk, data, { keyspaces: ['fx'] }).map(({ name }) => name)).toEqual(['snap1'])
    expect(listSnapshots(disk, data).map(({ name }) => name)).toEqual(['repair'])
    rmSync(join(directory, 'snapshots'), { recursive: true })
    mkdirSync(join(data, 'fx', 'notatable'))
    expect(listTableDirectories(disk, data, 'fx')).toEqual([{ directory, table: 'overlap', id: table.id }])
    expect(removeTableDirectory(disk, directory)).toBe(true)
    expect(existsSync(directory)).toBe(false)
  })
})
