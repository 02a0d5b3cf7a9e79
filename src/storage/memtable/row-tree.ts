import { type ClusteringBound, compareRows, compareRowToBound } from '../../model/clustering.ts'
import type { Words } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import type { SlabAllocator, Slabs } from './slab-allocator.ts'

/**
 * The rows of one partition in clustering order: a B-tree of row pointers in slabs. Rows are added and replaced, never
 * taken out. A node that an open view may be looking at is copied before it is changed: it carries the epoch in
 * which it was made, and those made in or before the epoch of the newest view are frozen.
 *
 * ```
 * node: word 0  number of rows | 1 << 16 for an inner node
 *       1       epoch
 *       2       row pointers (capacity 4, 12 or 31; inner nodes 31), then child pointers (32, inner nodes)
 * ```
 */
const INNER = 1 << 16
const MAX_ROWS = 31
const KEYS = 2
const CHILDREN = KEYS + MAX_ROWS
const LEAF_CAPACITIES = [4, 12, MAX_ROWS]
const INNER_BYTES = (CHILDREN + MAX_ROWS + 1) * 4

function leafCapacity(count: number): number {
  return count <= 4 ? 4 : count <= 12 ? 12 : MAX_ROWS
}

function leafBytes(capacity: number): number {
  return (KEYS + capacity) * 4
}

/** What the tree needs of its memtable. */
export interface RowTreeHost {
  readonly slabs: SlabAllocator
  readonly clusteringTypes: readonly CqlType[]
  /** Epoch given to nodes made now, and the newest epoch that a view holds (-1: none). */
  readonly epoch: number
  readonly frozenEpoch: number
  /** Frees a block, now or when the last view is closed. */
  release(pointer: number, bytes: number): void
}

class SlabWords implements Words {
  i32: Int32Array = new Int32Array(0)
  u8: Uint8Array = new Uint8Array(0)
}

const probe = new SlabWords()

/** Called by `upsert`: the row is new (0) or stands at `existing`; returns the pointer to put in its place. */
export type PlaceRow = (existing: number) => number

export class RowTree {
  readonly #host: RowTreeHost

  constructor(host: RowTreeHost) {
    this.#host = host
  }

  /** Puts a row in the tree of `root` (0: none yet); returns the root afterwards. */
  upsert(root: number, row: Words, rowAt: number, place: PlaceRow): number {
    const slabs = this.#host.slabs
    if (root === 0) {
      const leaf = this.#newLeaf(4)
      const words = slabs.words[leaf >>> 17]!
      const base = (leaf & 0x1ffff) << 1
      words[base] = 1
      words[base + KEYS] = place(0)
      return leaf
    }
    if (this.#edge !== 'none' && this.#insertAtEdge(root, row, rowAt, place)) return root
    root = this.#writable(root)
    if (this.#count(root) === MAX_ROWS) {
      const top = this.#newInner()
      const words = slabs.words[top >>> 17]!
      const base = (top & 0x1ffff) << 1
      words[base] = INNER
      words[base + CHILDREN] = root
      this.#splitChild(top, 0)
      root = top
    }
    let node = root
    let parent = 0
    let parentSlot = 0
    let atFirst = false
    let isStart = true
    let isEnd = true
    for (;;) {
      const words = slabs.words[node >>> 17]!
      const base = (node & 0x1ffff) << 1
      const count = words[base]! & 0xffff
      let low = 0
      let high = count
      // Rows mostly arrive in order, one or the other: look at that end first.
      if (count > 0) {
        const first = atFirst ? 0 : count - 1
        const order = this.#compare(words[base + KEYS + first]!, row, rowAt)
        if (order === 0) {
          words[base + KEYS + first] = place(words[base + KEYS + first]!)
          return root
        }
        if (atFirst) {
          if (order > 0) high = 0
          else low = 1
        } else if (order < 0) low = count
        else {
          high = count - 1
          // At the root: before its first row, the rest of the way looks at first rows.
          if (node === root && high > 0) {
            const lowest = this.#compare(words[base + KEYS]!, row, rowAt)
            if (lowest === 0) {
              words[base + KEYS] = place(words[base + KEYS]!)
              return root
            }
            if (lowest > 0) {
              high = 0
              atFirst = true
            } else low = 1
          }
        }
      }
      let found = -1
      while (low < high) {
        const middle = (low + high) >>> 1
        const order = this.#compare(words[base + KEYS + middle]!, row, rowAt)
        if (order === 0) {
          found = middle
          break
        }
        if (order < 0) low = middle + 1
        else high = middle
      }
      if (found >= 0) {
        words[base + KEYS + found] = place(words[base + KEYS + found]!)
        return root
      }
      if ((words[base]! & INNER) === 0) {
        this.#edge = isEnd && low === count ? 'end' : isStart && low === 0 ? 'start' : 'none'
        const pointer = place(0)
        const grown = this.#insertInLeaf(node, low, pointer)
        if (grown !== node) {
          if (parent === 0) return grown
          slabs.words[parent >>> 17]![((parent & 0x1ffff) << 1) + CHILDREN + parentSlot] = grown
        }
        return root
      }
      let child = this.#writable(words[base + CHILDREN + low]!)
      words[base + CHILDREN + low] = child
      if (this.#count(child) === MAX_ROWS) {
        this.#splitChild(node, low)
        const order = this.#compare(words[base + KEYS + low]!, row, rowAt)
        if (order === 0) {
          words[base + KEYS + low] = place(words[base + KEYS + low]!)
          return root
        }
        if (order < 0) low++
        child = words[base + CHILDREN + low]!
      }
      if (low !== 0) atFirst = isStart = false
      if (low !== (words[base]! & 0xffff)) isEnd = false
      parent = node
      parentSlot = low
      node = child
    }
  }

  /** Whether all rows of a tree meet a condition. */
  every(node: number, condition: (row: number) => boolean): boolean {
    const words = this.#host.slabs.words[node >>> 17]!
    const base = (node & 0x1ffff) << 1
    const count = words[base]! & 0xffff
    for (let i = 0; i < count; i++) if (!condition(words[base + KEYS + i]!)) return false
    if ((words[base]! & INNER) === 0) return true
    for (let i = 0; i <= count; i++) if (!this.every(words[base + CHILDREN + i]!, condition)) return false
    return true
  }

  /** Frees a tree with its rows. */
  free(node: number, freeRow: (row: number) => void): void {
    const words = this.#host.slabs.words[node >>> 17]!
    const base = (node & 0x1ffff) << 1
    const head = words[base]!
    const count = head & 0xffff
    const isInner = (head & INNER) !== 0
    for (let i = 0; i < count; i++) freeRow(words[base + KEYS + i]!)
    for (let i = 0; isInner && i <= count; i++) this.free(words[base + CHILDREN + i]!, freeRow)
    this.#host.release(node, isInner ? INNER_BYTES : leafBytes(leafCapacity(count)))
  }

  /** Where the last row went: at an end of the tree, the next one likely goes there too. */
  #edge: 'start' | 'end' | 'none' = 'none'

  /**
   * Puts a row before the first or behind the last one, at one look at the rows, where the leaf there has room and no
   * view holds a node on the way. False, with nothing done, where it goes elsewhere.
   */
  #insertAtEdge(root: number, row: Words, rowAt: number, place: PlaceRow): boolean {
    const slabs = this.#host.slabs
    const frozen = this.#host.frozenEpoch
    const isStart = this.#edge === 'start'
    let node = root
    for (;;) {
      const words = slabs.words[node >>> 17]!
      const base = (node & 0x1ffff) << 1
      if (words[base + 1]! <= frozen) return false
      const count = words[base]! & 0xffff
      if (words[base]! & INNER) {
        node = words[base + CHILDREN + (isStart ? 0 : count)]!
        continue
      }
      if (count === 4 || count === 12 || count === MAX_ROWS || count === 0) return false
      const order = this.#compare(words[base + KEYS + (isStart ? 0 : count - 1)]!, row, rowAt)
      if (isStart ? order <= 0 : order >= 0) return false
      const pointer = place(0)
      if (isStart) words.copyWithin(base + KEYS + 1, base + KEYS, base + KEYS + count)
      words[base + KEYS + (isStart ? 0 : count)] = pointer
      words[base] = count + 1
      return true
    }
  }

  #compare(pointer: number, row: Words, rowAt: number): number {
    const slabs = this.#host.slabs
    probe.i32 = slabs.words[pointer >>> 17]!
    probe.u8 = slabs.bytes[pointer >>> 17]!
    return compareRows(this.#host.clusteringTypes, probe, (pointer & 0x1ffff) << 1, row, rowAt)
  }

  #count(node: number): number {
    return this.#host.slabs.words[node >>> 17]![(node & 0x1ffff) << 1]! & 0xffff
  }

  #newLeaf(capacity: number): number {
    const node = this.#host.slabs.allocate(leafBytes(capacity))
    this.#host.slabs.words[node >>> 17]![((node & 0x1ffff) << 1) + 1] = this.#host.epoch
    return node
  }

  #newInner(): number {
    const node = this.#host.slabs.allocate(INNER_BYTES)
    this.#host.slabs.words[node >>> 17]![((node & 0x1ffff) << 1) + 1] = this.#host.epoch
    return node
  }

  /** The node itself, or a copy of it when a view holds it. */
  #writable(node: number): number {
    const words = this.#host.slabs.words[node >>> 17]!
    const base = (node & 0x1ffff) << 1
    if (words[base + 1]! > this.#host.frozenEpoch) return node
    const inner = (words[base]! & INNER) !== 0
    const bytes = inner ? INNER_BYTES : leafBytes(leafCapacity(words[base]! & 0xffff))
    const copy = this.#host.slabs.allocate(bytes)
    const target = this.#host.slabs.words[copy >>> 17]!
    const at = (copy & 0x1ffff) << 1
    target.set(words.subarray(base, base + (bytes >>> 2)), at)
    target[at + 1] = this.#host.epoch
    this.#host.release(node, bytes)
    return copy
  }

  #insertInLeaf(node: number, index: number, pointer: number): number {
    const slabs = this.#host.slabs
    let words = slabs.words[node >>> 17]!
    let base = (node & 0x1ffff) << 1
    const count = words[base]! & 0xffff
    if (LEAF_CAPACITIES.includes(count)) {
      const grown = this.#newLeaf(leafCapacity(count + 1))
      const target = slabs.words[grown >>> 17]!
      const at = (grown & 0x1ffff) << 1
      target[at] = count
      target.set(words.subarray(base + KEYS, base + KEYS + count), at + KEYS)
      this.#host.release(node, leafBytes(leafCapacity(count)))
      node = grown
      words = target
      base = at
    }
    words.copyWithin(base + KEYS + index + 1, base + KEYS + index, base + KEYS + count)
    words[base + KEYS + index] = pointer
    words[base] = count + 1
    return node
  }

  /** Splits the full child at `slot` of an inner node that is not full; both are writable. */
  #splitChild(parent: number, slot: number): void {
    const slabs = this.#host.slabs
    const P = slabs.words[parent >>> 17]!
    const p = (parent & 0x1ffff) << 1
    const child = P[p + CHILDREN + slot]!
    const C = slabs.words[child >>> 17]!
    const c = (child & 0x1ffff) << 1
    const inner = (C[c]! & INNER) !== 0
    const count = P[p]! & 0xffff
    // At an edge rows likely arrive in order: leave the node on the inner side full.
    const middle = slot === count ? MAX_ROWS - 3 : slot === 0 ? 2 : MAX_ROWS >>> 1
    const rightCount = MAX_ROWS - middle - 1
    const right = inner ? this.#newInner() : this.#newLeaf(leafCapacity(rightCount))
    const R = slabs.words[right >>> 17]!
    const r = (right & 0x1ffff) << 1
    R[r] = rightCount | (inner ? INNER : 0)
    R.set(C.subarray(c + KEYS + middle + 1, c + KEYS + MAX_ROWS), r + KEYS)
    if (inner) R.set(C.subarray(c + CHILDREN + middle + 1, c + CHILDREN + MAX_ROWS + 1), r + CHILDREN)
    const separator = C[c + KEYS + middle]!
    let left = child
    if (inner) C[c] = middle | INNER
    else {
      left = this.#newLeaf(leafCapacity(middle))
      const L = slabs.words[left >>> 17]!
      const l = (left & 0x1ffff) << 1
      L[l] = middle
      L.set(C.subarray(c + KEYS, c + KEYS + middle), l + KEYS)
      this.#host.release(child, leafBytes(MAX_ROWS))
    }
    P.copyWithin(p + KEYS + slot + 1, p + KEYS + slot, p + KEYS + count)
    P.copyWithin(p + CHILDREN + slot + 2, p + CHILDREN + slot + 1, p + CHILDREN + count + 1)
    P[p + KEYS + slot] = separator
    P[p + CHILDREN + slot] = left
    P[p + CHILDREN + slot + 1] = right
    P[p]!++
  }
}

/** Walks the rows of a tree in either direction, from any bound. It holds the slabs that it reads. */
export class RowTreeCursor {
  #words: readonly Int32Array[] = []
  #bytes: readonly Uint8Array[] = []
  #types: readonly CqlType[] = []
  #root = 0
  #reversed = false
  readonly #nodes: number[] = []
  readonly #slots: number[] = []
  #depth = 0

  /** Opens the tree of `root`; nothing is read before `seek`. */
  open(slabs: Slabs, types: readonly CqlType[], root: number, reversed: boolean): void {
    this.#words = slabs.words
    this.#bytes = slabs.bytes
    this.#types = types
    this.#root = root
    this.#reversed = reversed
    this.#depth = 0
  }

  /** Goes to the first row after the bound, or, reversed, to the last one before it. */
  seek(bound: ClusteringBound): void {
    let node = this.#root
    let depth = 0
    while (node !== 0) {
      const words = this.#words[node >>> 17]!
      const base = (node & 0x1ffff) << 1
      let low = 0
      let high = words[base]! & 0xffff
      if (bound.components.length === 0) {
        if (bound.side === 0) high = 0
        else low = high
      }
      while (low < high) {
        const middle = (low + high) >>> 1
        const row = words[base + KEYS + middle]!
        probe.i32 = this.#words[row >>> 17]!
        probe.u8 = this.#bytes[row >>> 17]!
        if (compareRowToBound(this.#types, probe, (row & 0x1ffff) << 1, bound) < 0) low = middle + 1
        else high = middle
      }
      this.#nodes[depth] = node
      this.#slots[depth] = low
      depth++
      node = words[base]! & INNER ? words[base + CHILDREN + low]! : 0
    }
    this.#depth = depth
  }

  /** Pointer to the next row in the cursor's direction, or 0. */
  next(): number {
    while (this.#depth > 0) {
      const top = this.#depth - 1
      const node = this.#nodes[top]!
      const words = this.#words[node >>> 17]!
      const base = (node & 0x1ffff) << 1
      const slot = this.#slots[top]!
      if (this.#reversed) {
        if (slot === 0) {
          this.#depth--
          continue
        }
        this.#slots[top] = slot - 1
        if (words[base]! & INNER) this.#descend(words[base + CHILDREN + slot - 1]!)
        return words[base + KEYS + slot - 1]!
      }
      if (slot >= (words[base]! & 0xffff)) {
        this.#depth--
        continue
      }
      this.#slots[top] = slot + 1
      if (words[base]! & INNER) this.#descend(words[base + CHILDREN + slot + 1]!)
      return words[base + KEYS + slot]!
    }
    return 0
  }

  /** Stands before the first row of a subtree, or, reversed, after its last. */
  #descend(node: number): void {
    while (node !== 0) {
      const words = this.#words[node >>> 17]!
      const base = (node & 0x1ffff) << 1
      const count = words[base]! & 0xffff
      this.#nodes[this.#depth] = node
      this.#slots[this.#depth] = this.#reversed ? count : 0
      this.#depth++
      node = words[base]! & INNER ? words[base + CHILDREN + (this.#reversed ? count : 0)]! : 0
    }
  }
}
