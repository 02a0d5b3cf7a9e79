/**
 * Reading the log back: which files it consists of, their records in order, and the judgement over the first place
 * that does not hold a whole entry. Such a place is one of two things:
 *
 * - a torn tail: what was being written when the machine stopped. Replay ends there and says so.
 * - corruption: the place had been whole once, and what follows it must not be lost. The start is stopped.
 *
 * It is corruption if one of these says that the place had been whole:
 *
 * - a `sync` entry after it, which says that all before some later position was on stable storage; or
 * - the segment was written since the machine last started, so nothing that reached the operating system is lost with
 *   the process, and a whole entry follows.
 *
 * Otherwise the machine has lost power, and of what had not been fsynced any part may be missing, with whole entries
 * after it: the log ends at the first gap.
 */
import { CorruptionError } from '../../common/errors.ts'
import type { Clock } from '../../io/clock.ts'
import { type Disk, type DiskFile, readFully, readFullySync } from '../../io/disk.ts'
import { nextTurn, type Timers } from '../../io/timers.ts'
import { checkForeignSegments, isForeignSegment } from './foreign-segments.ts'
import {
  type CommitLogPosition,
  checkEntry,
  decodePositions,
  decodeSegmentHeader,
  ENTRY_HEADER_BYTES,
  EntryKind,
  INVALID_ENTRY,
  parseSegmentFileName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentFileName,
} from './format.ts'
import { GUARD_ID } from './guard.ts'

/** A record during replay. One object for all of them: valid until the handler returns, as are its bytes. */
export interface ReplayedRecord {
  readonly buffer: Uint8Array
  readonly offset: number
  readonly length: number
  readonly segmentId: number
  /** Offset of the record's entry in the segment. */
  readonly position: number
}

/** May answer with a promise that has to be waited for before the next record. */
export type ReplayHandler = (record: ReplayedRecord) => Promise<void> | null | undefined

/** Where a torn tail began, and what whole records were found and given up behind it. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly recordsBehind: number
}

export interface ReplayResult {
  readonly segments: number
  readonly records: number
  readonly bytes: number
  readonly tornTail: TornTail | undefined
}

/** A segment file of a former session. */
export interface SegmentFile {
  readonly id: number
  readonly path: string
  readonly sizeBytes: number
}

/** A file that the log consists of; `end` where a later segment's history says it ends. */
export interface PlannedSegment extends SegmentFile {
  readonly end: number | undefined
}

/** What the files in the directory amount to. */
export interface ReplayPlan {
  /** In the order of the log. */
  readonly segments: readonly PlannedSegment[]
  /** Files that were made ahead of time and never used. */
  readonly unused: readonly SegmentFile[]
  /** Files that the newest history leaves out: no longer part of the log. */
  readonly leftOut: readonly SegmentFile[]
  /** The greatest id of any file, 0 without one. */
  readonly idMax: number
}

/** What reading takes from its surroundings. */
export interface ReplayContext {
  readonly disk: Disk
  readonly clock: Clock
  readonly timers: Timers
  /** Of the running machine, as a segment header keeps it. */
  readonly bootId: string
  readonly sliceMs: number
}

const WINDOW_BYTES = 1024 * 1024
const HISTORY_READ_BYTES = 16 * 1024

/** Gives the loop a turn when a slice is over. Asked now and then only: asking costs more than a small record. */
class Slices {
  readonly #context: ReplayContext
  #started: number
  #asked = 0

  constructor(context: ReplayContext) {
    this.#context = context
    this.#started = context.clock.monotonicMs()
  }

  isOver(): boolean {
    if ((++this.#asked & 15) !== 0) return false
    return this.#context.clock.monotonicMs() - this.#started >= this.#context.sliceMs
  }

  async pause(): Promise<void> {
    await nextTurn(this.#context.timers)
    this.restart()
  }

  /** After any wait: the turn is a fresh one. */
  restart(): void {
    this.#started = this.#context.clock.monotonicMs()
  }
}

/** Looks at the directory and finds out what the log consists of, from the newest segment that says so. */
export function planReplay(disk: Disk, directory: string): ReplayPlan {
  checkForeignSegments(disk, directory)
  const files: SegmentFile[] = []
  for (const name of disk.readdirSync(directory)) {
    const parsed = parseSegmentFileName(name)
    // Cassandra's are empty, and stay where they are.
    if (parsed === undefined || parsed.id === GUARD_ID || isForeignSegment(parsed.version)) continue
    const path = `${directory}/${name}`
    if (name !== segmentFileName(parsed.id)) {
      throw new CorruptionError(`Commit log version ${parsed.version} is not supported`, path, 0)
    }
    files.push({ id: parsed.id, path, sizeBytes: disk.fileSizeSync(path) })
  }
  files.sort((a, b) => a.id - b.id)
  const idMax = files.length === 0 ? 0 : files[files.length - 1].id

  const segments: PlannedSegment[] = []
  let history: CommitLogPosition[] | undefined
  for (let i = files.length - 1; i >= 0 && history === undefined; i--) {
    // Nothing is written to a segment before its header is on stable storage, so a short file was never used.
    if (files[i].sizeBytes <= SEGMENT_HEADER_BYTES) continue
    segments.push({ ...files[i], end: undefined })
    history = readHistory(disk, files[i])
  }
  for (const { segmentId, offset } of history ?? []) {
    const file = files.find(({ id }) => id === segmentId)
    if (file === undefined) {
      const path = `${directory}/${segmentFileName(segmentId)}`
      throw new CorruptionError('A segment of the commit log is missing', path, 0)
    }
    segments.push({ ...file, end: offset })
  }
  segments.sort((a, b) => a.id - b.id)
  const used = new Set(segments.map(({ id }) => id))
  const others = files.filter(({ id }) => !used.has(id))
  // One that lies before a used one may stand in a history, and only its bytes be lost: its name must stay for now.
  const usedIdMax = segments.length === 0 ? 0 : segments[segments.length - 1].id
  return {
    segments,
    unused: others.filter(({ id }) => id > usedIdMax),
    leftOut: others.filter(({ id }) => id < usedIdMax),
    idMax,
  }
}

function readHeader(file: DiskFile, id: number): SegmentHeader {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const read = readFullySync(file, bytes, 0, bytes.length, 0)
  const header = decodeSegmentHeader(bytes.subarray(0, read))
  if (header === undefined) throw new CorruptionError('Invalid commit log segment header', file.path, 0)
  if (header.id !== id) {
    throw new CorruptionError(`Commit log segment has the id ${header.id} of another`, file.path, 12)
  }
  return header
}

/** The history at the front of a segment, undefined if it is not whole. */
function readHistory(disk: Disk, segment: SegmentFile): CommitLogPosition[] | undefined {
  const file = disk.openSync(segment.path, 'read')
  try {
    const { seed } = readHeader(file, segment.id)
    const remaining = segment.sizeBytes - SEGMENT_HEADER_BYTES
    for (let wanted = HISTORY_READ_BYTES; ; ) {
      const bytes = new Uint8Array(Math.min(wanted, remaining))
      const read = readFullySync(file, bytes, 0, bytes.length, SEGMENT_HEADER_BYTES)
      const needed = checkEntry(bytes, 0, read, SEGMENT_HEADER_BYTES, remaining, seed)
      if (needed === INVALID_ENTRY || bytes[0] !== EntryKind.history) return undefined
      if (needed <= read) return decodePositions(bytes, ENTRY_HEADER_BYTES, needed - ENTRY_HEADER_BYTES)
      if (needed <= wanted) return undefined
      wanted = needed
    }
  } finally {
    file.closeSync()
  }
}

/** What one segment gave. */
export interface SegmentReplay {
  readonly header: SegmentHeader
  /** Where the last whole entry ends. */
  readonly end: number
  readonly records: number
}

/**
 * Hands every record of the plan to `handler`, in order. Returns the result, and what each segment gave, by
 * its id; those behind a torn tail are not among them.
 */
export async function replaySegments(
  plan: ReplayPlan,
  handler: ReplayHandler,
  context: ReplayContext,
): Promise<{ result: ReplayResult; replayed: Map<number, SegmentReplay> }> {
  const bySegment = new Map<number, SegmentReplay>()
  let records = 0
  let bytes = 0
  let tornTail: TornTail | undefined
  const slices = new Slices(context)
  for (let i = 0; i < plan.segments.length && tornTail === undefined; i++) {
    const segment = plan.segments[i]
    const limit = segment.end === undefined ? segment.sizeBytes : Math.min(segment.end, segment.sizeBytes)
    const replayed = await replaySegment(segment, limit, handler, context, slices)
    bySegment.set(segment.id, replayed)
    records += replayed.records
    bytes += replayed.end
    if (replayed.end !== (segment.end ?? segment.sizeBytes)) {
      tornTail = await judge(plan, i, replayed.header, replayed.end, context, slices)
    }
  }
  return { result: { segments: bySegment.size, records, bytes, tornTail }, replayed: bySegment }
}

async function replaySegment(
  segment: PlannedSegment,
  limit: number,
  handler: ReplayHandler,
  context: ReplayContext,
  slices: Slices,
): Promise<SegmentReplay> {
  const file = context.disk.openSync(segment.path, 'read')
  try {
    const header = readHeader(file, segment.id)
    let window = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(limit - SEGMENT_HEADER_BYTES, 0)))
    let windowOffset = SEGMENT_HEADER_BYTES // of the file
    let filled = 0
    let cursor = 0 // in the window
    let records = 0
    const record = { buffer: window, offset: 0, length: 0, segmentId: segment.id, position: 0 }
    for (;;) {
      const position = windowOffset + cursor
      const available = filled - cursor
      const needed = checkEntry(window, cursor, available, position, limit - position, header.seed)
      if (needed === INVALID_ENTRY) return { header, end: position, records }
      if (needed > available) {
        // The rest of the window moves to its front, and what fits is read behind it.
        const next = needed > window.length ? new Uint8Array(needed) : window
        next.set(window.subarray(cursor, filled))
        window = next
        windowOffset = position
        const wanted = Math.min(window.length, limit - position) - available
        const read = await readFully(file, window, available, wanted, position + available)
        slices.restart()
        if (read < wanted) return { header, end: position, records } // The file shrank under us.
        filled = available + read
        cursor = 0
        continue
      }
      if (window[cursor] === EntryKind.record) {
        record.buffer = window
        record.offset = cursor + ENTRY_HEADER_BYTES
        record.length = needed - ENTRY_HEADER_BYTES
        record.position = position
        records++
        const wait = handler(record)
        if (wait != null) {
          await wait
          slices.restart()
        }
      }
      cursor += needed
      if (slices.isOver()) await slices.pause()
    }
  } finally {
    file.closeSync()
  }
}

/**
 * Decides what the invalid place at `offset` of segment `index` is: throws a CorruptionError, or returns the torn
 * tail.
 */
async function judge(
  plan: ReplayPlan,
  index: number,
  header: SegmentHeader,
  offset: number,
  context: ReplayContext,
  slices: Slices,
): Promise<TornTail> {
  const damaged = plan.segments[index]
  const corruption = () => new CorruptionError('Invalid entry in the commit log', damaged.path, offset)
  const sameBoot = header.bootId !== '' && header.bootId === context.bootId
  if (sameBoot && damaged.end !== undefined) throw corruption()
  let recordsBehind = 0
  for (let i = index; i < plan.segments.length; i++) {
    const from = i === index ? offset : SEGMENT_HEADER_BYTES
    await scan(plan.segments[i], from, context, slices, (kind, position) => {
      if (sameBoot) throw corruption()
      if (kind === EntryKind.record) recordsBehind++
      if (position === undefined || position.segmentId < damaged.id) return
      if (position.segmentId > damaged.id || position.offset > offset) throw corruption()
    })
  }
  return { file: damaged.path, offset, recordsBehind }
}

/** Finds whole entries wherever they stand; calls `found` with the position of those of kind `sync`. */
async function scan(
  segment: PlannedSegment,
  from: number,
  context: ReplayContext,
  slices: Slices,
  found: (kind: number, position: CommitLogPosition | undefined) => void,
): Promise<void> {
  const limit = segment.end === undefined ? segment.sizeBytes : Math.min(segment.end, segment.sizeBytes)
  if (limit <= from) return
  const file = context.disk.openSync(segment.path, 'read')
  try {
    const { seed } = readHeader(file, segment.id)
    const bytes = new Uint8Array(limit - from)
    let length = 0
    while (length < bytes.length) {
      const read = await file.read(
        bytes,
        length,
        Math.min(WINDOW_BYTES, bytes.length - length),
        from + length,
      )
      if (read <= 0) break
      length += read
    }
    slices.restart()
    for (let at = 0; at < length; ) {
      const size = checkEntry(bytes, at, length - at, from + at, length - at, seed)
      if (size === INVALID_ENTRY) {
        at++
      } else {
        const kind = bytes[at]
        const payload = at + ENTRY_HEADER_BYTES
        const position =
          kind === EntryKind.sync ? decodePositions(bytes, payload, size - ENTRY_HEADER_BYTES)[0] : undefined
        found(kind, position)
        at += size
      }
      if (slices.isOver()) await slices.pause()
    }
  } finally {
    file.closeSync()
  }
}
