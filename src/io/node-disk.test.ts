import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isDiskError, readFully, readFullySync, writeFileAtomicSync, writeFullySync } from './disk.ts'
import { createNodeDisk } from './node-disk.ts'

const disk = createNodeDisk()
let directory: string

beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'sibyl-disk-'))
})

afterAll(() => fs.rmSync(directory, { recursive: true, force: true }))

test('writes, reads, syncs and truncates at positions', async () => {
  const nested = `${directory}/a/b/c`
  disk.mkdirpSync(nested)
  disk.mkdirpSync(nested)
  const file = disk.openSync(`${nested}/file`, 'create')
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i)
  writeFullySync(file, bytes, 10, 900, 5)
  expect(await file.write(bytes, 0, 5, 0)).toBe(5)
  await file.fsync()
  file.fsyncSync()
  await disk.fsyncDirectory(nested)
  disk.fsyncDirectorySync(nested)
  expect(file.sizeSync()).toBe(905)
  const read = new Uint8Array(1000)
  expect(readFullySync(file, read, 0, 1000, 5)).toBe(900)
  expect(read.subarray(0, 900)).toEqual(bytes.subarray(10, 910))
  expect(await readFully(file, read, 0, 10, 900)).toBe(5)
  file.truncateSync(3)
  file.closeSync()
  file.closeSync()
  expect(disk.fileSizeSync(`${nested}/file`)).toBe(3)
  expect([...(await disk.readFile(`${nested}/file`))]).toEqual([0, 1, 2])
  disk.renameSync(`${nested}/file`, `${nested}/other`)
  expect(disk.readdirSync(nested)).toEqual(['other'])
  await disk.unlink(`${nested}/other`)
  expect(await disk.readdir(nested)).toEqual([])
  disk.removeSync(`${directory}/a`)
  disk.removeSync(`${directory}/a`)
  expect(disk.existsSync(`${directory}/a`)).toBe(false)
})

test('modes and error codes', () => {
  const target = `${directory}/modes`
  const codeOf = (call: () => unknown): string | undefined => {
    try {
      call()
    } catch (error) {
      if (isDiskError(error)) return error.code
    }
    return undefined
  }
  expect(codeOf(() => disk.openSync(target, 'read'))).toBe('ENOENT')
  expect(codeOf(() => disk.openSync(target, 'update'))).toBe('ENOENT')
  disk.openSync(target, 'create').closeSync()
  expect(codeOf(() => disk.openSync(target, 'create'))).toBe('EEXIST')
  disk.openSync(target, 'truncate').closeSync()
})

test('a file is replaced whole', () => {
  writeFileAtomicSync(disk, directory, 'settings', new TextEncoder().encode('old'))
  writeFileAtomicSync(disk, directory, 'settings', new TextEncoder().encode('new and longer'))
  expect(new TextDecoder().decode(disk.readFileSync(`${directory}/settings`))).toBe('new and longer')
  expect(disk.existsSync(`${directory}/settings.tmp`)).toBe(false)
})

test('links, times and kinds of what is there', () => {
  const target = `${directory}/links`
  disk.mkdirpSync(target)
  const before = Date.now()
  writeFileAtomicSync(disk, target, 'first', new TextEncoder().encode('content'))
  disk.linkSync(`${target}/first`, `${target}/second`)
  disk.unlinkSync(`${target}/first`)
  expect(new TextDecoder().decode(disk.readFileSync(`${target}/second`))).toBe('content')
  let code: string | undefined
  try {
    disk.linkSync(`${target}/second`, `${target}/second`)
  } catch (error) {
    code = isDiskError(error) ? error.code : undefined
  }
  expect(code).toBe('EEXIST')
  const modified = disk.modifiedMsSync(`${target}/second`)
  expect(Number.isInteger(modified)).toBe(true)
  expect(Math.abs(modified - before)).toBeLessThan(60_000)
  expect(disk.modifiedMsSync(`${target}/first`)).toBe(0)
  expect(disk.isDirectorySync(target)).toBe(true)
  expect(disk.isDirectorySync(`${target}/second`)).toBe(false)
  expect(disk.isDirectorySync(`${target}/none`)).toBe(false)
  fs.symlinkSync(target, `${directory}/symbolic`)
  expect(disk.realPathSync(`${directory}/symbolic`)).toBe(fs.realpathSync(target))
})
