/** What replicas say of what they have read for a SELECT, in the words of their coordinator (`CoordinatorWarnings`). */

import type { ReadCommand } from '../../model/read-command.ts'
import type { BoundSelect } from './bind.ts'
import {
  partitionCommandText,
  type ReadPlace,
  rangeCommandText,
  rangeTokensText,
  tokenText,
} from './command-text.ts'

/** One thing to say. */
export type ReplicaNotice = {
  /** What was read: the part of a SELECT that replicas were asked for. */
  readonly command: ReadCommand
} & (
  | {
      /** `warned` of what was read, or `givenUp` at it. */
      readonly kind: 'warned' | 'givenUp'
      readonly of: 'tombstones' | 'bytes'
      readonly nodes: number
      readonly value: number
    }
  | {
      /** The coordinator's own replica has read that, and says so itself. */
      readonly kind: 'own'
      readonly liveRows: number
      readonly tombstones: number
      readonly tokenHi: number
      readonly tokenLo: number
    }
)

/** What has been said of the parts of a SELECT. */
export interface ReplicaReport {
  /** What was said of a partition by its key, or of all that is left; each is given once. */
  take(key: Uint8Array | null): readonly ReplicaNotice[]
  /** Says it in the log, if nobody has yet, and gives the words. */
  say(notice: ReplicaNotice, place: ReadPlace): NoticeWords
}

/** Words for the log and for the client. */
export interface NoticeWords {
  readonly log: string
  readonly warning: string
}

export function noticeWords(bound: BoundSelect, notice: ReplicaNotice, place: ReadPlace): NoticeWords {
  const { query, tokens } = commandTexts(bound, notice.command, place)
  if (notice.kind === 'own') {
    const { liveRows, tombstones, tokenHi, tokenLo } = notice
    const log = `Read ${liveRows} live rows and ${tombstones} tombstone cells for query ${query.slice(0, 512)}; token ${tokenText(tokenHi, tokenLo)} (see tombstone_warn_threshold)`
    return { log, warning: log }
  }
  const log = TEXTS[notice.kind][notice.of](notice.nodes, notice.value, query)
  return { log, warning: `${log} with ${tokens}` }
}

type Text = (nodes: number, value: number, query: string) => string

/** `WarningsSnapshot`. */
const TEXTS: Readonly<Record<'warned' | 'givenUp', Readonly<Record<'tombstones' | 'bytes', Text>>>> = {
  warned: {
    tombstones: (nodes, value, query) =>
      `${nodes} nodes scanned up to ${value} tombstones and issued tombstone warnings for query ${query} (see tombstone_warn_threshold)`,
    bytes: (nodes, value, query) =>
      `${nodes} nodes loaded over ${value} bytes and issued local read size warnings for query ${query} (see local_read_size_warn_threshold)`,
  },
  givenUp: {
    tombstones: (nodes, value, query) =>
      `${nodes} nodes scanned over ${value} tombstones and aborted the query ${query} (see tombstone_failure_threshold)`,
    bytes: (nodes, value, query) =>
      `${nodes} nodes loaded over ${value} bytes and aborted the query ${query} (see local_read_size_fail_threshold)`,
  },
}

function commandTexts(
  bound: BoundSelect,
  command: ReadCommand,
  place: ReadPlace,
): { readonly query: string; readonly tokens: string } {
  const key = command.keys?.[0]
  if (key !== undefined) {
    const query = partitionCommandText(bound, command, key.key, place)
    return { query, tokens: `token=${tokenText(key.tokenHi, key.tokenLo)}` }
  }
  const ofRange = { ...bound, commands: [{ ...bound.commands.at(-1)!, range: command.range }] }
  return { query: rangeCommandText(ofRange, place), tokens: rangeTokensText(ofRange, place) }
}
