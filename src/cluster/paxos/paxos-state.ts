import { type Ballot, isAfter, latest, sameBallot } from './ballot.ts'
import { type Commit, NO_COMMIT, NO_UPDATE, type PrepareResponse } from './commit.ts'

/** What a replica remembers of the rounds of a partition (`PaxosState.Snapshot`). */
export interface PaxosState {
  /** No round before this one is answered any more. */
  readonly promised: Ballot
  /** What was accepted last, where that was not committed yet. */
  readonly accepted: Commit | null
  /** What was committed last. */
  readonly committed: Commit
}

/** The last round that the replica has heard of (`latestWitnessedOrLowBound`). */
export function latestWitnessed({ promised, accepted, committed }: PaxosState): Ballot {
  // What was accepted comes first: of two rounds of one time it is the one that a quorum has promised.
  return latest(latest(accepted?.ballot ?? committed.ballot, committed.ballot), promised)
}

/**
 * The answer to a prepare (`legacyPrepare`). With a promise the ballot is to be on the disk before the answer leaves. Without
 * one the last round that this replica knows is told, so that the next one is chosen after it.
 */
export function prepare(state: PaxosState, ballot: Ballot): PrepareResponse {
  const { accepted, committed } = state
  const last = latestWitnessed(state)
  if (isAfter(ballot, last)) return { promised: true, inProgress: accepted ?? NO_COMMIT, committed }
  return { promised: false, inProgress: { ballot: last, update: NO_UPDATE }, committed }
}

/** Whether a proposal is accepted (`legacyPropose`); it is to be on the disk before that is said. */
export function mayAccept(state: PaxosState, ballot: Ballot): boolean {
  const last = latestWitnessed(state)
  return sameBallot(ballot, last) || isAfter(ballot, last)
}
