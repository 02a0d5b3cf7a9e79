/** Tells those who wait when what was applied to the storage engine is durable (`LocalCommits`). */
export interface Commits {
  add(waiter: { committed(): void; commitFailed(error: unknown): void }, isSoon: boolean): void
}

/** Resolves when what was applied so far is as durable as a write that is acknowledged; rejects where it is not. */
export function committed(commits: Commits): Promise<void> {
  return new Promise((resolve, reject) => commits.add({ committed: resolve, commitFailed: reject }, true))
}
