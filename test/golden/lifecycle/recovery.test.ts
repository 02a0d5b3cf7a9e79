import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { listSSTables } from '../../../src/storage/lifecycle/directories.ts'
import { recoverTransactions, WrongDiskStateError } from '../../../src/storage/lifecycle/recovery.ts'
import { descriptorName } from '../../../src/storage/sstable/descriptor.ts'

/** Directories with transaction logs by Cassandra's own LogRecord, and what its LogTransaction made of them: record.js. */

interface Recorded {
  /** Name of the log, and its bytes. */
  readonly log: string
  readonly text: string
  readonly files: readonly (readonly [name: string, modifiedMs: number])[]
  /** Of each file its `FileType` and its name, or "error". */
  readonly listed: string
  readonly isRecovered: boolean
  readonly left: readonly string[]
}

const path = new URL('recorded.json.gz', import.meta.url)
const recorded = JSON.parse(gunzipSync(readFileSync(path)).toString()) as readonly Recorded[]
const scratch = mkdtempSync(join(tmpdir(), 'sibyl-recovery-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const disk = createNodeDisk()

function laidOut({ log, text, files }: Recorded): string {
  const directory = mkdtempSync(join(scratch, 'case-'))
  for (const [name, modifiedMs] of files) {
    writeFileSync(join(directory, name), 'x')
    utimesSync(join(directory, name), modifiedMs / 1000, modifiedMs / 1000)
  }
  writeFileSync(join(directory, log), text, 'latin1')
  return directory
}

function recovers(directory: string): boolean {
  try {
    recoverTransactions(disk, directory)
    return true
  } catch (error) {
    if (!(error instanceof WrongDiskStateError)) throw error
    expect(error.logs[0]!.reason).not.toBe('')
    return false
  }
}

/** Temporary files go too, which Cassandra's start removes in its next step. */
function withoutTemporary(names: readonly string[]): string[] {
  return names.filter((name) => !name.endsWith('.tmp')).sort()
}

test(`${recorded.length} directories are recovered or refused as by Cassandra`, { timeout: 300_000 }, () => {
  const wrong: unknown[] = []
  let refused = 0
  for (const [number, each] of recorded.entries()) {
    const directory = laidOut(each)
    const isRecovered = recovers(directory)
    if (!isRecovered) refused++
    const left = withoutTemporary(readdirSync(directory))
    const expected = withoutTemporary(each.left)
    if (isRecovered !== each.isRecovered || String(left) !== String(expected)) {
      wrong.push({ number, isRecovered, left, text: each.text, expected })
    }
  }
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(50)
})

test('files of transactions that go on are hidden as by Cassandra', { timeout: 300_000 }, () => {
  let hidden = 0
  for (const each of recorded) {
    if (!each.isRecovered || each.listed === 'error') continue
    const { temporary } = listSSTables(disk, laidOut(each))
    const names = temporary.flatMap(({ descriptor, components }) =>
      components.map((component) => `${descriptorName(descriptor)}-${component}`),
    )
    hidden += names.length
    const expected = each.listed.split(' ').flatMap((file) => file.match(/^temporary:(.*)$/)?.[1] ?? [])
    expect(names.sort()).toEqual(withoutTemporary(expected))
  }
  expect(hidden).toBeGreaterThan(1000)
})
