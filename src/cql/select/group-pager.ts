import { GroupCounter, type GroupingState, type GroupLimits, type PartlyRead } from './group-counter.ts'
import { NO_LIMIT, type PagerKind } from './limits.ts'

/**
 * Cassandra reads groups in pieces of as many rows as a page has groups, or of so many where nobody pages
 * (`SelectStatement.DEFAULT_PAGE_SIZE`).
 */
export const DEFAULT_PAGE_ROWS = 10_000

/** The partition that a page before this one ended in; those that are read are numbered from one. */
const FIRST = 0
const NONE = -1

/** Where a page begins that is not the first. */
export interface GroupPageStart {
  /** Groups that the LIMIT leaves, and those of the partition that PER PARTITION LIMIT leaves. */
  readonly remaining: number
  readonly remainingInPartition: number
  /** A page before ended at a row of the partition. */
  readonly hasRow: boolean
}

/** What is left when a page is done. */
export interface GroupPageEnd {
  readonly remaining: number
  readonly remainingInPartition: number
  /** The partition that the page ended in is done; the next page begins with the one after it. */
  readonly isPartitionDone: boolean
}

/** What is to be done after a row or a partition. */
export type GroupStep = 'goOn' | 'endPartition' | 'endPage'

/** What is read at once: pieces that are done, and groups that the last and the present one may have. */
export interface GroupPieces {
  readonly pieces: number
  readonly groupsOfLastPiece: number
  readonly groupsOfPiece: number
}

type LimitsOfPieces = Omit<GroupLimits, 'groups'>

/** One of Cassandra's pagers at work: of a range, or of one partition (`AbstractQueryPager`). */
class PieceReader {
  readonly #limits: LimitsOfPieces
  readonly #kind: PagerKind
  remaining: number
  remainingInPartition: number
  /** Groups that the piece may have. */
  groups = 0
  #isExhausted = false
  /** The partition of the last row that passed. */
  #lastPartition = NONE
  /** A row with a clustering has passed, now or on a page before. */
  #hasRow = false
  /** What passed last in this piece. */
  #last: 'nothing' | 'static' | 'row' = 'nothing'
  /** What is let through, and what came through: Cassandra counts twice. */
  #inner: GroupCounter
  #outer: GroupCounter
  #innerPartition = NONE
  #outerPartition = NONE

  constructor(kind: PagerKind, limits: LimitsOfPieces, groups: number, start: GroupPageStart | null) {
    this.#kind = kind
    this.#limits = limits
    this.remaining = start?.remaining ?? groups
    this.remainingInPartition = start?.remainingInPartition ?? limits.groupsPerPartition
    if (start !== null) {
      this.#lastPartition = FIRST
      this.#hasRow = start.hasRow
    }
    this.#inner = this.#outer = new GroupCounter({ ...limits, groups: 0 }, null, null)
  }

  get isExhausted(): boolean {
    return (
      this.#isExhausted || this.remaining === 0 || (this.#kind !== 'range' && this.remainingInPartition === 0)
    )
  }

  /** All the rows or groups are read that the piece may have. */
  get isFull(): boolean {
    return this.#inner.isFull
  }

  /** All the groups are read that the piece may have. */
  get isDone(): boolean {
    return this.#inner.isDone
  }

  /** Begins to read so many groups at most; with a state, it goes on where a piece before ended. */
  begin(groups: number, state: GroupingState | null): void {
    this.groups = Math.min(groups, this.remaining)
    const limits = { ...this.#limits, groups: this.groups }
    this.#inner = new GroupCounter(limits, state, this.#partlyRead())
    this.#outer = new GroupCounter(limits, state, null)
    this.#innerPartition = this.#outerPartition = NONE
    this.#last = 'nothing'
  }

  /** A range begins with the last partition only if that may have more. */
  #partlyRead(): PartlyRead | null {
    if (!this.#hasRow || (this.#kind === 'range' && this.remainingInPartition <= 0)) return null
    return { partition: this.#lastPartition, remaining: this.remainingInPartition }
  }

  /** Whether a row may pass: nothing may that is of one group too many. */
  row(partition: number, hasLiveStaticRow: boolean, isNewGroup: boolean): boolean {
    if (!this.#enter(partition, hasLiveStaticRow)) return false
    if (!this.#inner.addRow(isNewGroup)) return false
    this.#enterOuter(partition, hasLiveStaticRow)
    this.#outer.addRow(isNewGroup)
    this.#pass(partition, 'row')
    this.#hasRow = true
    return true
  }

  /** Whether a partition may pass that has nothing but its static row. */
  staticRow(partition: number): boolean {
    if (!this.#enter(partition, true)) return false
    this.#enterOuter(partition, true)
    this.#inner.endPartition()
    this.#outer.endPartition()
    this.#pass(partition, 'static')
    return true
  }

  #enter(partition: number, hasLiveStaticRow: boolean): boolean {
    if (this.#innerPartition !== partition) {
      this.#innerPartition = partition
      this.#inner.beginPartition(partition, hasLiveStaticRow)
    }
    return !this.#inner.isDone
  }

  #enterOuter(partition: number, hasLiveStaticRow: boolean): void {
    if (this.#outerPartition === partition) return
    this.#outerPartition = partition
    this.#outer.beginPartition(partition, hasLiveStaticRow)
  }

  #pass(partition: number, passed: 'static' | 'row'): void {
    if (partition !== this.#lastPartition) this.remainingInPartition = this.#limits.groupsPerPartition
    this.#lastPartition = partition
    this.#last = passed
  }

  /** Ends the piece; the number of its groups. */
  end(hasClusterings: boolean): number {
    this.#outer.close()
    const { groupsCounted, groupsInPartition } = this.#outer
    this.remaining -= groupsCounted
    // After a static row alone, or a partition's only row, nothing is left of it.
    const isWhole = this.#last === 'static' || (this.#last === 'row' && !hasClusterings)
    // Cassandra goes below zero, and refuses its own paging state then.
    this.remainingInPartition = isWhole ? 0 : Math.max(0, this.remainingInPartition - groupsInPartition)
    this.#isExhausted = this.#outer.isExhausted
    return groupsCounted
  }

  /** What a piece that follows this one has to know of it. */
  get state(): GroupingState {
    return { partition: this.#lastPartition, hasClustering: this.#last === 'row' }
  }
}

/**
 * Decides where pages of groups end (`AggregationQueryPager` over the pagers of one partition, of several and of a
 * range). Rows are shown to it one by one, and it says which belong to the page.
 */
export class GroupPager implements GroupPieces {
  readonly #kind: PagerKind
  readonly #limits: LimitsOfPieces
  readonly #groups: number
  readonly #hasClusterings: boolean
  readonly #pageGroups: number
  readonly #remainingBefore: number
  #counted = 0
  #piece: PieceReader
  /** The partition of the piece, where each partition has a pager. */
  #piecePartition: number
  #pieceIsOpen = true
  #partition = FIRST
  #isEnded = false
  /** Pieces that are done, and groups that the last of them could have. */
  pieces = 0
  groupsOfLastPiece = 0

  constructor(
    kind: PagerKind,
    limits: { readonly groups: number; readonly groupsPerPartition: number },
    pageSize: number,
    hasClusterings: boolean,
    start: GroupPageStart | null,
  ) {
    this.#kind = kind
    this.#groups = limits.groups
    this.#hasClusterings = hasClusterings
    this.#pageGroups = pageSize > 0 ? pageSize : NO_LIMIT
    const rows = pageSize > 0 ? pageSize : DEFAULT_PAGE_ROWS
    this.#limits = { groupsPerPartition: limits.groupsPerPartition, rows }
    this.#remainingBefore = start?.remaining ?? limits.groups
    this.#piece = new PieceReader(kind, this.#limits, limits.groups, start)
    this.#piecePartition = start === null ? NONE : FIRST
    if (this.#piece.isExhausted) this.#isEnded = true
    else this.#piece.begin(this.#wanted, null)
  }

  /** Groups that what is read at once may have. */
  get groupsOfPiece(): number {
    return this.#piece.groups
  }

  /** Groups that the page may still have. */
  get #wanted(): number {
    const all = this.#kind === 'multi' ? Math.min(this.#remainingBefore, this.#pageGroups) : this.#pageGroups
    return all - this.#counted
  }

  /** The next partition that is read; `isFirst` for the one that the page before ended in. */
  beginPartition(isFirst: boolean): GroupStep {
    if (this.#isEnded) return 'endPage'
    if (!isFirst) this.#partition++
    if (this.#kind !== 'multi' || this.#piecePartition === this.#partition) return 'goOn'
    if (this.#piecePartition !== NONE) {
      if (this.#pieceIsOpen && this.#endPiece()) return 'endPage'
      this.#piece = new PieceReader(this.#kind, this.#limits, this.#groups, null)
      this.#piece.begin(this.#wanted, null)
      this.#pieceIsOpen = true
    }
    this.#piecePartition = this.#partition
    return 'goOn'
  }

  /** Whether a row of the partition belongs to the page ("goOn"); `passed` has to follow if it does. */
  row(hasLiveStaticRow: boolean, isNewGroup: boolean): GroupStep {
    return this.#offer(() => this.#piece.row(this.#partition, hasLiveStaticRow, isNewGroup))
  }

  /** The same of a static row without rows. */
  staticRow(): GroupStep {
    return this.#offer(() => this.#piece.staticRow(this.#partition))
  }

  #offer(offered: () => boolean): GroupStep {
    for (;;) {
      if (offered()) return 'goOn'
      if (!this.#piece.isDone) return 'endPartition'
      if (this.#endPiece() || !this.#pieceIsOpen) return 'endPage'
    }
  }

  /** After a row that belongs to the page. */
  passed(): GroupStep {
    if (!this.#piece.isFull) return 'goOn'
    if (this.#endPiece()) return 'endPage'
    return this.#pieceIsOpen ? 'goOn' : 'endPartition'
  }

  /** Ends what is read at once, and begins anew if that was not all of the page; true when it was. */
  #endPiece(): boolean {
    const piece = this.#piece
    this.#counted += piece.end(this.#hasClusterings)
    this.pieces++
    this.groupsOfLastPiece = piece.groups
    this.#pieceIsOpen = false
    const isDone =
      this.#kind === 'multi' ? this.#wanted <= 0 : this.#counted === this.#pageGroups || piece.isExhausted
    if (isDone) this.#isEnded = true
    else if (!piece.isExhausted) {
      piece.begin(this.#wanted, piece.state)
      this.#pieceIsOpen = true
    }
    return isDone
  }

  /** Nothing is left to read; what is left for the next page, or null. */
  finish(): GroupPageEnd | null {
    while (!this.#isEnded && this.#pieceIsOpen) this.#endPiece()
    const { remaining, remainingInPartition, isExhausted } = this.#piece
    if (this.#kind !== 'multi') {
      return isExhausted ? null : { remaining, remainingInPartition, isPartitionDone: false }
    }
    const left = this.#remainingBefore - this.#counted
    return left <= 0 || !this.#isEnded
      ? null
      : { remaining: left, remainingInPartition, isPartitionDone: isExhausted }
  }
}
