/**
 * One process a directory. Node has no flock, so the lock is a file that says who holds it, `lock.<generation>`:
 *
 * - The greatest generation counts. A starter reads it; if its holder lives, the directory is taken. If the holder is
 *   gone or has released it (an empty file), the starter writes its claim to a file of its own and links that to
 *   the next generation. A link is atomic, whole and exclusive, so of two starters one wins and the other looks again.
 * - The winner looks once more: if a greater generation has come up, its view was old, and it steps back. Then it
 *   removes the older generations. The greatest is never removed, not even on release, so generations only grow and
 *   a starter that slept in the middle cannot take an old number for a new one.
 *
 * A holder is named by pid, start time of that process and boot of the machine, so a killed process's lock is no
 * obstacle even if its pid is in use again.
 */
import fs from 'node:fs'
import path from 'node:path'
import type { DirectoryLock } from './disk.ts'
import { DirectoryLockedError, isDiskError } from './disk.ts'

interface Claim {
  readonly pid: number
  /** Clock ticks since boot at which the process started (/proc/<pid>/stat, field 22), or empty where unknown. */
  readonly startTime: string
  readonly bootId: string
}

const LOCK_NAME = /^lock\.(\d+)$/

/** Directories held by this process; two servers in one process on one directory are refused as well. */
const heldHere = new Set<string>()

let claims = 0

/** The kernel's name for this boot, or empty where it has none. */
export function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return '' // Not Linux: unknown.
  }
}

/** Start time of a process, empty where /proc is missing, undefined if there is no such process. */
function startTimeOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!isDiskError(error) || error.code !== 'EPERM') return undefined
  }
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field, the command in parentheses, may hold anything; the third field follows the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return fields[19] ?? ''
  } catch {
    return ''
  }
}

function parseClaim(content: string): Claim | undefined {
  const match = /^pid (\d+)\nstart (\d*)\nboot ([0-9a-f-]*)\n$/.exec(content)
  return match ? { pid: Number(match[1]), startTime: match[2], bootId: match[3] } : undefined
}

/** Whether the process that wrote `claim` still runs. */
function holderLives(claim: Claim, thisBoot: string): boolean {
  if (claim.bootId !== thisBoot) return false
  const startTime = startTimeOf(claim.pid)
  if (startTime === undefined) return false
  // Without start times, a claim of our own pid that this process does not hold is a former process's.
  if (startTime === '' || claim.startTime === '') return claim.pid !== process.pid
  return startTime === claim.startTime
}

function generations(directory: string): number[] {
  const found: number[] = []
  for (const name of fs.readdirSync(directory)) {
    const match = LOCK_NAME.exec(name)
    if (match) found.push(Number(match[1]))
  }
  return found.sort((a, b) => b - a)
}

/** Puts the claim at `target`; false if that exists. */
function putClaim(target: string, content: string): boolean {
  const own = `${target}.${process.pid}.${claims++}.tmp`
  try {
    fs.writeFileSync(own, content)
    fs.linkSync(own, target)
    return true
  } catch (error) {
    if (!isDiskError(error)) throw error
    if (error.code === 'EEXIST') return false
    if (error.code !== 'EPERM' && error.code !== 'ENOTSUP' && error.code !== 'ENOSYS') throw error
  } finally {
    fs.rmSync(own, { force: true })
  }
  // A file system without hard links: exclusive creation, with a moment in which the claim is not yet readable.
  try {
    fs.writeFileSync(target, content, { flag: 'wx' })
    return true
  } catch (error) {
    if (isDiskError(error) && error.code === 'EEXIST') return false
    throw error
  }
}

/** Takes `directory` for this process or throws a DirectoryLockedError naming the directory and its holder. */
export function lockDirectory(directory: string): DirectoryLock {
  fs.mkdirSync(directory, { recursive: true })
  const real = fs.realpathSync(directory)
  if (heldHere.has(real)) throw new DirectoryLockedError(directory, process.pid)
  const thisBoot = bootId()
  const content = `pid ${process.pid}\nstart ${startTimeOf(process.pid) ?? ''}\nboot ${thisBoot}\n`
  for (;;) {
    const newest = generations(real)[0] ?? 0
    if (newest > 0) {
      let claim: Claim | undefined
      try {
        claim = parseClaim(fs.readFileSync(path.join(real, `lock.${newest}`), 'latin1'))
      } catch (error) {
        if (isDiskError(error) && error.code === 'ENOENT') continue
        throw error
      }
      if (claim !== undefined && holderLives(claim, thisBoot)) {
        throw new DirectoryLockedError(directory, claim.pid)
      }
    }
    const mine = path.join(real, `lock.${newest + 1}`)
    if (!putClaim(mine, content)) continue
    const found = generations(real)
    if (found[0] > newest + 1) {
      fs.rmSync(mine, { force: true })
      continue
    }
    for (const generation of found) {
      if (generation <= newest) fs.rmSync(path.join(real, `lock.${generation}`), { force: true })
    }
    heldHere.add(real)
    let released = false
    return {
      release(): void {
        if (released) return
        released = true
        heldHere.delete(real)
        try {
          fs.truncateSync(mine, 0)
        } catch (error) {
          // The directory may be gone with all in it; then there is nothing left to give free.
          if (!isDiskError(error) || error.code !== 'ENOENT') throw error
        }
      },
    }
  }
}
