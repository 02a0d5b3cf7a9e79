/** How many groups and rows may be read, in all and of one partition (`DataLimits.CQLGroupByLimits`). */
export interface GroupLimits {
  readonly groups: number
  readonly groupsPerPartition: number
  readonly rows: number
}

/** Where the read before this one ended, if that was within a group (`GroupingState`). */
export interface GroupingState {
  readonly partition: number
  readonly hasClustering: boolean
}

/** The partition that an earlier page has begun, and the groups of it that are left. */
export interface PartlyRead {
  readonly partition: number
  readonly remaining: number
}

/**
 * Counts the groups of one read (`GroupByAwareCounter`). A group counts when its end is known: when another begins, or
 * when no rows are left. Partitions are known by numbers.
 */
export class GroupCounter {
  readonly #limits: GroupLimits
  readonly #state: GroupingState | null
  readonly #partlyRead: PartlyRead | null
  groupsCounted = 0
  groupsInPartition = 0
  rowsCounted = 0
  #hasUnfinishedGroup: boolean
  #hasLiveStaticRow = false
  #hasReturnedRows = false

  constructor(limits: GroupLimits, state: GroupingState | null, partlyRead: PartlyRead | null) {
    this.#limits = limits
    this.#state = state
    this.#partlyRead = partlyRead
    this.#hasUnfinishedGroup = state?.hasClustering === true
  }

  get isDone(): boolean {
    return this.groupsCounted >= this.#limits.groups
  }

  get isDoneForPartition(): boolean {
    return this.isDone || this.groupsInPartition >= this.#limits.groupsPerPartition
  }

  /** The read is to end, though there may be more rows. */
  get isFull(): boolean {
    return this.isDone || this.rowsCounted >= this.#limits.rows
  }

  beginPartition(partition: number, hasLiveStaticRow: boolean): void {
    if (this.#partlyRead?.partition === partition) {
      this.groupsInPartition = this.#limits.groupsPerPartition - this.#partlyRead.remaining
      this.#hasReturnedRows = true
      this.#hasLiveStaticRow = false
      this.#hasUnfinishedGroup = this.#state?.hasClustering === true
      return
    }
    if (this.#state?.partition === partition) {
      this.#hasLiveStaticRow = false
      this.#hasReturnedRows = true
      this.#hasUnfinishedGroup = true
    } else {
      if (this.#hasUnfinishedGroup) {
        this.groupsCounted++
        // The next page starts from the partition that ends here.
        if (this.isDone) this.groupsInPartition++
        this.#hasUnfinishedGroup = false
      }
      this.#hasReturnedRows = false
      this.#hasLiveStaticRow = hasLiveStaticRow
    }
    if (!this.isDone) this.groupsInPartition = 0
  }

  /** Counts a row; false when it is one too many. */
  addRow(isNewGroup: boolean): boolean {
    if (isNewGroup) {
      if (this.#hasUnfinishedGroup) {
        this.groupsCounted++
        this.groupsInPartition++
      }
      this.#hasUnfinishedGroup = false
    }
    if (this.isDoneForPartition) {
      this.#hasUnfinishedGroup = false
      return false
    }
    this.#hasUnfinishedGroup = true
    this.rowsCounted++
    this.#hasReturnedRows = true
    return true
  }

  /** Counts a partition whose static row is all that it has. */
  endPartition(): void {
    if (!this.#hasLiveStaticRow || this.#hasReturnedRows) return
    this.rowsCounted++
    this.groupsCounted++
    this.groupsInPartition++
    this.#hasUnfinishedGroup = false
  }

  /** Nothing is left to read, or it has to end here. */
  close(): void {
    if (this.#hasUnfinishedGroup && !this.isFull) {
      this.groupsCounted++
      this.groupsInPartition++
    }
  }

  /** Whether there was no more than was asked for. */
  get isExhausted(): boolean {
    return !this.isFull
  }
}
