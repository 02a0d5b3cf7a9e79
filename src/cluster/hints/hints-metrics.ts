/** Figures of hints (`HintedHandoffMetrics`, `HintsServiceMetrics`, `StorageMetrics.totalHints`). */
export class HintsMetrics {
  /** Hints that were written. */
  created = 0
  /** Hints that were not, since the node is down past the hint window. */
  pastWindow = 0
  /** Hints that the disk did not take and memory has no room for. */
  dropped = 0
  /** HintsSucceeded, HintsFailed and HintsTimedOut: what became of those that were sent. */
  succeeded = 0
  failed = 0
  timedOut = 0
  /** Hints that were not sent, since they expired or their table is gone. */
  expired = 0
  /** Hints that came for a token of which this node is no replica (`Hints_for_unowned_ranges`). */
  unowned = 0
  /** Sum of the times between a write and the delivery of its hint. */
  delayMs = 0
  /** By host ids. */
  readonly createdByHost = new Map<string, number>()
  readonly pastWindowByHost = new Map<string, number>()

  hinted(hostId: string): void {
    this.created++
    this.createdByHost.set(hostId, (this.createdByHost.get(hostId) ?? 0) + 1)
  }

  notStored(hostId: string): void {
    this.pastWindow++
    this.pastWindowByHost.set(hostId, (this.pastWindowByHost.get(hostId) ?? 0) + 1)
  }

  delivered(delayMs: number): void {
    this.succeeded++
    this.delayMs += delayMs
  }
}
