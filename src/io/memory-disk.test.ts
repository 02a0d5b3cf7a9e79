import { expect, it } from 'vitest'
import { createFileSync, readFullySync, writeFileAtomicSync } from './disk.ts'
import { MemoryDisk } from './memory-disk.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

it('keeps files by their paths', () => {
  const disk = new MemoryDisk(() => 7)
  disk.mkdirpSync('/a/b')
  createFileSync(disk, '/a/b/x', Buffer.from('one'))
  writeFileAtomicSync(disk, '/a/b', 'y', Buffer.from('two'))
  expect(disk.readdirSync('/a/b').sort()).toEqual(['x', 'y'])
  expect(disk.readdirSync('/a')).toEqual(['b'])
  expect([
    text(disk.readFileSync('/a/b/y')),
    disk.fileSizeSync('/a/b/x'),
    disk.modifiedMsSync('/a/b/x'),
  ]).toEqual(['two', 3, 7])
  disk.renameSync('/a/b/x', '/a/b/z')
  expect(disk.existsSync('/a/b/x')).toBe(false)
  disk.unlinkSync('/a/b/z')
  expect(() => disk.unlinkSync('/a/b/z')).toThrow('ENOENT')
  disk.removeSync('/a')
  expect(disk.existsSync('/a/b/y')).toBe(false)
})

it('writes and reads at any place, and refuses what is not there or is', () => {
  const disk = new MemoryDisk(() => 0)
  expect(() => disk.openSync('/a/x', 'create')).toThrow('ENOENT')
  disk.mkdirpSync('/a')
  const file = disk.openSync('/a/x', 'create')
  expect(() => disk.openSync('/a/x', 'create')).toThrow('EEXIST')
  expect(() => disk.openSync('/a/y', 'read')).toThrow('ENOENT')
  file.writeSync(Buffer.from('abc'), 0, 3, 2000)
  file.truncateSync(2001)
  file.writeSync(Buffer.from('z'), 0, 1, 2004)
  const bytes = new Uint8Array(10)
  expect(readFullySync(file, bytes, 0, 10, 1999)).toBe(6)
  expect([...bytes.subarray(0, 6)]).toEqual([0, 97, 0, 0, 0, 122])
})
