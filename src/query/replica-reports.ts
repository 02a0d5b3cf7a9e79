import { ReadGivenUp } from '../cluster/coordinator/level-failure.ts'
import { type OwnTombstones, type ReadListener, ReadWarnings } from '../cluster/coordinator/read-warnings.ts'
import { toHex } from '../common/bytes.ts'
import { CqlError } from '../common/errors.ts'
import {
  type BoundSelect,
  type NoticeWords,
  noticeWords,
  type ReplicaNotice,
  type ReplicaReport,
} from '../cql/select/index.ts'
import type { ReadCommand } from '../model/read-command.ts'
import type { Cluster } from './cluster.ts'

/** What was said of one command in all its attempts and pieces. */
interface Heard {
  readonly command: ReadCommand
  warnings: ReadWarnings | null
  readonly own: OwnTombstones[]
}

/**
 * What replicas warn of while they are read for a SELECT, and what its client and this node's log are told of it
 * (`CoordinatorWarnings`). Mostly nothing.
 */
export class ReplicaReports implements ReadListener, ReplicaReport {
  /** read_thresholds_enabled: whether replicas tell the coordinator, or only themselves. */
  readonly tracks: boolean
  readonly #bound: BoundSelect
  readonly #ring: Pick<Cluster, 'warn'>
  /** By what they are of; in the order in which they were heard. */
  #heard: Map<string, Heard> | null = null

  constructor(bound: BoundSelect, ring: Pick<Cluster, 'warn'>, tracks: boolean) {
    this.#bound = bound
    this.#ring = ring
    this.tracks = tracks
  }

  warned(command: ReadCommand, warnings: ReadWarnings): void {
    const heard = this.#of(command)
    heard.warnings ??= new ReadWarnings()
    heard.warnings.merge(warnings)
  }

  metTombstones(command: ReadCommand, own: OwnTombstones): void {
    this.#of(command).own.push(own)
  }

  #of(command: ReadCommand): Heard {
    this.#heard ??= new Map()
    const name = nameOf(command)
    let heard = this.#heard.get(name)
    if (heard === undefined) this.#heard.set(name, (heard = { command, warnings: null, own: [] }))
    return heard
  }

  take(key: Uint8Array | null): readonly ReplicaNotice[] {
    if (this.#heard === null) return []
    if (key === null) {
      const all = [...this.#heard.values()].flatMap(noticesOf)
      this.#heard = null
      return all
    }
    const name = toHex(key)
    const heard = this.#heard.get(name)
    this.#heard.delete(name)
    return heard === undefined ? [] : noticesOf(heard)
  }

  say(notice: ReplicaNotice, place: Parameters<ReplicaReport['say']>[1]): NoticeWords {
    const words = noticeWords(this.#bound, notice, place)
    // A replica that says it for itself has said it.
    if (notice.kind !== 'own') this.#ring.warn(words.log)
    return words
  }

  /**
   * What the client is told when reading fails: the error with all warnings, those that the SELECT has given before among them.
   *
   * @param rowsBefore rows that were read before
   */
  failure(error: unknown, warningsBefore: readonly string[], rowsBefore: number): unknown {
    if (!(error instanceof CqlError) && !(error instanceof ReadGivenUp)) return error
    const place = { last: null, rowsBefore: this.#bound.pager === 'multi' ? rowsBefore : 0, groups: null }
    const warnings = [...warningsBefore]
    let givenUp = ''
    for (const notice of this.take(null)) {
      const { log, warning } = this.say(notice, place)
      warnings.push(warning)
      if (notice.kind === 'givenUp' && givenUp === '') givenUp = log
    }
    const failure = error instanceof ReadGivenUp ? error.toError(givenUp) : error
    if (warnings.length > 0) failure.warnings = [...(failure.warnings ?? []), ...warnings]
    return failure
  }
}

/** Pieces of a range have its end; what is left of one partition has its key. */
function nameOf({ keys, range }: ReadCommand): string {
  return keys === null ? `${range.endHi} ${range.endLo}` : toHex(keys[0]!.key)
}

function noticesOf({ command, warnings, own }: Heard): ReplicaNotice[] {
  const notices: ReplicaNotice[] = own.map((one) => ({ kind: 'own', command, ...one }))
  if (warnings === null) return notices
  for (const of of ['tombstones', 'bytes'] as const) {
    for (const kind of ['givenUp', 'warned'] as const) {
      const { nodes, max } = warnings[kind][of]
      if (nodes > 0) notices.push({ kind, of, command, nodes, value: max })
    }
  }
  return notices
}
