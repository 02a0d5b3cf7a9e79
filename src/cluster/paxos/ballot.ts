import {
  ticksFromUnixMicros,
  timeUuidBytes,
  timeUuidTicks,
  timeUuidUnixMicros,
  uuidText,
} from '../../common/uuid.ts'

/**
 * The number of a Paxos round, a time UUID (`service/paxos/Ballot.java`). Rounds are ordered by their time alone, in ticks of
 * 100 ns since 1582; two rounds with the same time are told apart by the rest, and neither is after the other.
 */
export interface Ballot {
  /** 16 bytes, not to be written to. */
  readonly bytes: Uint8Array
  readonly ticks: bigint
}

/** What a round was begun for, in the last digit of its ticks: it says where the round was agreed on (`Ballot.Flag`). */
export const BallotFlag = { NONE: 0, LOCAL: 1, GLOBAL: 2 } as const
export type BallotFlag = (typeof BallotFlag)[keyof typeof BallotFlag]

/** A ballot of a time, microseconds since 1970. `low` is what makes it unlike those of other nodes. */
export function ballotAt(unixMicros: number, low: bigint, flag: BallotFlag): Ballot {
  const ticks = ticksFromUnixMicros(BigInt(unixMicros)) + BigInt(flag)
  return { bytes: timeUuidBytes(ticks, low), ticks }
}

/** The ballot in 16 bytes, which are copied. */
export function ballotOf(bytes: Uint8Array, offset = 0): Ballot {
  return { bytes: bytes.slice(offset, offset + 16), ticks: timeUuidTicks(bytes, offset) }
}

/** Before all others (`Ballot.none`). */
export const NO_BALLOT: Ballot = ballotAt(0, 0n, BallotFlag.NONE)

/** Microseconds since 1970: the timestamp of what is written in that round. */
export function ballotMicros({ bytes }: Ballot): number {
  return Number(timeUuidUnixMicros(bytes))
}

/** The UUID. */
export function ballotText({ bytes }: Ballot): string {
  return uuidText(bytes)
}

export function isAfter(ballot: Ballot, other: Ballot): boolean {
  return ballot.ticks > other.ticks
}

export function sameBallot(a: Ballot, b: Ballot): boolean {
  return a.ticks === b.ticks && Buffer.compare(a.bytes, b.bytes) === 0
}

/** The later one; the first where neither is (`Commit.latest`). */
export function latest(a: Ballot, b: Ballot): Ballot {
  return a.ticks >= b.ticks ? a : b
}
