/** What replicas warn a coordinator of (`CoordinatorWarnings`, `WarningsSnapshot`). */

import type { ReadCommand } from '../../model/read-command.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'
import type { ReadNotice } from '../replica/read-notice.ts'
import type { RingNode } from '../ring/ring.ts'

/** Replicas that said the same, and the greatest number among theirs (`WarnAbortCounter`). */
export class NoticeCounter {
  readonly #hosts = new Set<string>()
  max = 0

  get nodes(): number {
    return this.#hosts.size
  }

  add(hostId: string, value: number): void {
    this.#hosts.add(hostId)
    if (value > this.max) this.max = value
  }

  merge(other: NoticeCounter): void {
    for (const hostId of other.#hosts) this.add(hostId, other.max)
  }
}

/** What the replicas of one command have said. */
export class ReadWarnings {
  readonly warned = { tombstones: new NoticeCounter(), bytes: new NoticeCounter() }
  readonly givenUp = { tombstones: new NoticeCounter(), bytes: new NoticeCounter() }

  /** Takes a notice in. Returns why the read was given up there, or null (`WarningContext.updateCounters`). */
  take({ hostId }: RingNode, { tombstones, bytes, givenUpFor }: ReadNotice): RequestFailureReason | null {
    if (givenUpFor === 'tombstones') {
      this.givenUp.tombstones.add(hostId, tombstones)
      return RequestFailureReason.READ_TOO_MANY_TOMBSTONES
    }
    if (tombstones > 0) this.warned.tombstones.add(hostId, tombstones)
    if (bytes > 0) (givenUpFor === 'bytes' ? this.givenUp : this.warned).bytes.add(hostId, bytes)
    return givenUpFor === 'bytes' ? RequestFailureReason.READ_SIZE : null
  }

  /** Whether replicas have given the read up (`WarningsSnapshot.maybeAbort`). */
  get isGivenUp(): boolean {
    return this.givenUp.tombstones.nodes > 0 || this.givenUp.bytes.nodes > 0
  }

  /** Takes in what was said of the same command in another attempt, or of what was left of it. */
  merge({ warned, givenUp }: ReadWarnings): void {
    for (const kind of ['tombstones', 'bytes'] as const) {
      this.warned[kind].merge(warned[kind])
      this.givenUp[kind].merge(givenUp[kind])
    }
  }
}

/** What this node's own replica has read that is more than tombstone_warn_threshold, where it says so itself. */
export interface OwnTombstones {
  readonly liveRows: number
  readonly tombstones: number
  /** Of the partition read last. */
  readonly tokenHi: number
  readonly tokenLo: number
}

/** Hears what replicas warn of while they are read. */
export interface ReadListener {
  /** Whether replicas are asked to tell the coordinator (`ReadCommand.trackWarnings`); else each warns for itself. */
  readonly tracks: boolean
  /** Replicas have said something of that command, before the attempt is done or has failed. */
  warned(command: ReadCommand, warnings: ReadWarnings): void
  /** This node's replica warns for itself. */
  metTombstones(command: ReadCommand, own: OwnTombstones): void
}
