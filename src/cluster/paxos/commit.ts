import { MutationFormatError } from '../replica/mutation-message.ts'
import { type Ballot, ballotOf, ballotText, NO_BALLOT } from './ballot.ts'

/** A value and the round it was proposed in, be it proposed, accepted or committed (`service/paxos/Commit.java`). */
export interface Commit {
  readonly ballot: Ballot
  /** An encoded mutation of one partition (replica/mutation-message.ts); empty where nothing is to change. */
  readonly update: Uint8Array
}

export const NO_UPDATE = new Uint8Array(0)

/** Nothing was accepted, or committed. */
export const NO_COMMIT: Commit = Object.freeze({ ballot: NO_BALLOT, update: NO_UPDATE })

/** For traces: the round (`Commit.toString`, which tells the update too). */
export function commitText({ ballot }: Commit): string {
  return `Commit(${ballot.ticks}:${ballotText(ballot)})`
}

/** What PAXOS_PREPARE_REQ, PAXOS_PROPOSE_REQ and PAXOS_COMMIT_REQ say: about which partition, and what. */
export interface PaxosMessage extends Commit {
  /** 16 bytes: the UUID of the table. */
  readonly tableId: Uint8Array
  readonly key: Uint8Array
}

const BALLOT_BYTES = 16
const TABLE_BYTES = 16
/** Where the update begins: at whole words, as it consists of them. */
const UPDATE_AT = BALLOT_BYTES + TABLE_BYTES + 8
const COMMIT_HEAD_BYTES = BALLOT_BYTES + 4
const PROMISED = 1

/** Ballot, table, length of the update, length of the key; the update, the key. */
export function encodePaxosMessage({ ballot, tableId, key, update }: PaxosMessage): Uint8Array {
  const bytes = new Uint8Array(UPDATE_AT + update.length + key.length)
  const view = new DataView(bytes.buffer)
  bytes.set(ballot.bytes, 0)
  bytes.set(tableId, BALLOT_BYTES)
  view.setUint32(UPDATE_AT - 8, update.length)
  view.setUint32(UPDATE_AT - 4, key.length)
  bytes.set(update, UPDATE_AT)
  bytes.set(key, UPDATE_AT + update.length)
  return bytes
}

/** All of it in bytes of its own. Throws a MutationFormatError. */
export function decodePaxosMessage(payload: Uint8Array): PaxosMessage {
  const bytes = new Uint8Array(payload)
  if (bytes.length < UPDATE_AT) throw new MutationFormatError('A Paxos message is too short')
  const view = new DataView(bytes.buffer)
  const updateLength = view.getUint32(UPDATE_AT - 8)
  const keyLength = view.getUint32(UPDATE_AT - 4)
  if (UPDATE_AT + updateLength + keyLength !== bytes.length)
    throw new MutationFormatError('A Paxos message is cut')
  return {
    ballot: ballotOf(bytes),
    tableId: bytes.subarray(BALLOT_BYTES, BALLOT_BYTES + TABLE_BYTES),
    update: bytes.subarray(UPDATE_AT, UPDATE_AT + updateLength),
    key: bytes.subarray(UPDATE_AT + updateLength),
  }
}

/** What a replica answers to a prepare (`PrepareResponse`). */
export interface PrepareResponse {
  readonly promised: boolean
  /** What it accepted and knows no commit of; without a promise the round that is in the way, and no update. */
  readonly inProgress: Commit
  readonly committed: Commit
}

/** Four bytes: whether it is a promise; then of either commit the ballot, the length of its update and that. */
export function encodePrepareResponse({ promised, inProgress, committed }: PrepareResponse): Uint8Array {
  const size = 4 + 2 * COMMIT_HEAD_BYTES + inProgress.update.length + committed.update.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, promised ? PROMISED : 0)
  let at = 4
  for (const { ballot, update } of [inProgress, committed]) {
    bytes.set(ballot.bytes, at)
    view.setUint32(at + BALLOT_BYTES, update.length)
    bytes.set(update, at + COMMIT_HEAD_BYTES)
    at += COMMIT_HEAD_BYTES + update.length
  }
  return bytes
}

/** All of it in bytes of its own. Throws a MutationFormatError. */
export function decodePrepareResponse(payload: Uint8Array): PrepareResponse {
  const bytes = new Uint8Array(payload)
  const view = new DataView(bytes.buffer)
  let at = 4
  const commit = (): Commit => {
    const length = at + COMMIT_HEAD_BYTES <= bytes.length ? view.getUint32(at + BALLOT_BYTES) : -1
    const end = at + COMMIT_HEAD_BYTES + length
    if (length < 0 || end > bytes.length) throw new MutationFormatError('A promise is cut')
    const ballot = ballotOf(bytes, at)
    const update = bytes.subarray(at + COMMIT_HEAD_BYTES, end)
    at = end
    return { ballot, update }
  }
  const inProgress = commit()
  const committed = commit()
  return { promised: view.getUint32(0) === PROMISED, inProgress, committed }
}
