/** Figures of lightweight transactions at a coordinator (`CASClientRequestMetrics`). */
export class PaxosMetrics {
  /** Rounds of others that were found and finished (`UnfinishedCommit`). */
  unfinishedCommits = 0
  /** Operations that met others, and how often in all (`ContentionHistogram`). */
  contendedOperations = 0
  contentions = 0

  contended(contentions: number): void {
    if (contentions === 0) return
    this.contendedOperations++
    this.contentions += contentions
  }
}
