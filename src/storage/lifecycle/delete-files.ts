import { type Disk, isDiskError } from '../../io/disk.ts'
import type { Component } from '../sstable/descriptor.ts'
import { filesOf, secondsOf } from './log-record.ts'

/** In which order files of the same second go (`BigFormat.delete`): what is not named here between the two. */
const FIRST: Component = 'Data.db'
const LAST: Component = 'Summary.db'

function rank(name: string): number {
  return name.endsWith(`-${FIRST}`) ? 0 : name.endsWith(`-${LAST}`) ? 2 : 1
}

/** Removes a file; none there is as good. */
export function unlinkIfThere(disk: Disk, path: string): void {
  try {
    disk.unlinkSync(path)
  } catch (error) {
    if (!isDiskError(error) || error.code !== 'ENOENT') throw error
  }
}

/** What is done to a directory, one after another: a file is removed, or what was removed becomes durable. */
export type RemovalStep = { readonly unlink: string } | { readonly syncDirectory: string }

/** Does the steps, and returns what they come to. Throws a DiskError. */
export function removeNow<T>(disk: Disk, steps: Generator<RemovalStep, T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    if ('unlink' in value) unlinkIfThere(disk, value.unlink)
    else disk.fsyncDirectorySync(value.syncDirectory)
  }
}

/** The same without keeping the thread: a large file takes its time to go. */
export async function remove<T>(disk: Disk, steps: Generator<RemovalStep, T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    if ('syncDirectory' in value) await disk.fsyncDirectory(value.syncDirectory)
    else {
      try {
        await disk.unlink(value.unlink)
      } catch (error) {
        if (!isDiskError(error) || error.code !== 'ENOENT') throw error
      }
    }
  }
}

/**
 * Removes all files whose names begin with `prefix` (`nb-1-big-`) and returns their names. The newest go last
 * (`LogFile.deleteRecordFiles`): a REMOVE of the transaction log names the time of the newest, so a log is right as long as
 * one of those of its second is there, and also when none is there at all. Others are gone durably before. The caller makes
 * the removal of the last ones durable.
 */
export function* sstableRemoval(
  disk: Disk,
  directory: string,
  prefix: string,
): Generator<RemovalStep, string[]> {
  const files = filesOf(disk.readdirSync(directory), prefix).map((name) => ({
    name,
    seconds: secondsOf(disk.modifiedMsSync(`${directory}/${name}`)),
  }))
  files.sort((a, b) => a.seconds - b.seconds || rank(a.name) - rank(b.name))
  // The times of temporary files and of Statistics.db stand in no log, so these are no newest ones.
  const counted = files.filter(({ name }) => !name.endsWith('.tmp') && !name.endsWith('-Statistics.db'))
  const newest = counted.at(-1)?.seconds ?? 0
  const last = new Set(counted.filter(({ seconds }) => seconds === newest))
  const first = files.filter((file) => !last.has(file))
  for (const { name } of first) yield { unlink: `${directory}/${name}` }
  if (first.length > 0) yield { syncDirectory: directory }
  for (const { name } of last) yield { unlink: `${directory}/${name}` }
  return [...first, ...last].map(({ name }) => name)
}

/** Removes the files of an SSTable at once; see `sstableRemoval`. */
export function deleteSSTableFiles(disk: Disk, directory: string, prefix: string): string[] {
  return removeNow(disk, sstableRemoval(disk, directory, prefix))
}
