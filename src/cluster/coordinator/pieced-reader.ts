import { type PartitionReader, type ReadCommand, STARVED } from '../../model/read-command.ts'
import type { Words } from '../../model/row-format.ts'
import { LIVE } from '../../storage/unfiltered.ts'
import { commandsAfter } from './continuation.ts'
import type { Piece } from './piece.ts'

/** Where the pieces of a reader come from. */
export interface PieceSource {
  /** What is to be asked for next, behind all that was given before; null where nothing is left. May throw an UnavailableError. */
  next(): ReadCommand | null
  /**
   * Asks replicas for as much of a command as they answer at once, and merges their answers: of what `next` gave, or of what is
   * left of that behind an answer.
   */
  ask(command: ReadCommand): Promise<Piece>
  /** The reader counts here the rows that it gives. */
  rowsGiven: number
}

/** The commands as they are: keys singly, since answers are merged in the order of the ring, which keys need not be in. */
export function piecesOf(command: ReadCommand, ask: PieceSource['ask']): PieceSource {
  const commands =
    command.keys === null ? [command] : command.keys.map((key) => ({ ...command, keys: [key] }))
  return { next: () => commands.shift() ?? null, ask, rowsGiven: 0 }
}

const NO_BYTES = new Uint8Array(0)
const NO_ROW: Words = { i32: new Int32Array(0), u8: NO_BYTES }

/**
 * What replicas answer, piece by piece. Where a piece has come to its end and there may be
 * more behind it, `nextPartition` and `nextRow` throw STARVED until `fill` has got the next one.
 */
export class PiecedReader implements PartitionReader {
  readonly #source: PieceSource
  /** What is to be asked for, in order, in front of what the source still has; the first is that of the piece at hand. */
  #commands: ReadCommand[] = []
  #isOver = false
  #piece: Piece | null = null
  /** The partition at hand goes on in the next piece. */
  #goesOn = false
  keyBytes: Uint8Array = NO_BYTES
  readonly keyOffset = 0
  keyLength = 0
  tokenHi = 0
  tokenLo = 0
  isPartitionDeleted = false

  constructor(source: PieceSource) {
    this.#source = source
  }

  /** Gets the next piece, if there is need of one. Rejects with what asking rejects with. */
  async fill(): Promise<void> {
    if (this.#piece !== null) return
    const command = this.#next()
    if (command !== null) this.#piece = await this.#source.ask(command)
  }

  /** What is to be asked for now. */
  #next(): ReadCommand | null {
    if (this.#commands.length === 0 && !this.#isOver) {
      const command = this.#source.next()
      if (command === null) this.#isOver = true
      else this.#commands.push(command)
    }
    return this.#commands[0] ?? null
  }

  nextPartition(): boolean {
    // Nobody wants the rest of the partition at hand.
    if (this.#goesOn) this.#skipRest()
    for (;;) {
      const piece = this.#current()
      if (piece === null) return false
      const { isCut } = piece
      if (piece.nextPartition()) {
        this.#keepPartition(piece)
        return true
      }
      this.#endPiece(piece)
      if (isCut) this.#skipRest()
    }
  }

  /** The piece at hand; null where all has been read. Throws STARVED. */
  #current(): Piece | null {
    if (this.#piece !== null) return this.#piece
    if (this.#next() === null) return null
    throw STARVED
  }

  #keepPartition({ keyBytes, keyOffset, keyLength, tokenHi, tokenLo, isPartitionDeleted }: Piece): void {
    this.keyBytes = keyBytes.slice(keyOffset, keyOffset + keyLength)
    this.keyLength = keyLength
    this.tokenHi = tokenHi
    this.tokenLo = tokenLo
    this.isPartitionDeleted = isPartitionDeleted
  }

  /** The piece has been read: what is behind its end is to be asked for. */
  #endPiece({ end }: Piece): void {
    const command = this.#commands.shift()!
    this.#piece?.close()
    this.#piece = null
    if (end !== null) this.#commands.unshift(...commandsAfter(command, end))
  }

  /** Leaves out what is left of the partition at hand: a command of its own, in front of the others, unless there is nothing. */
  #skipRest(): void {
    this.#goesOn = false
    this.#piece?.close()
    this.#piece = null
    const keys = this.#commands[0]?.keys
    if (keys?.length === 1 && Buffer.compare(keys[0]!.key, this.keyBytes) === 0) this.#commands.shift()
  }

  staticRow(): boolean {
    return this.#piece!.staticRow()
  }

  nextRow(): boolean {
    for (;;) {
      if (this.#goesOn && !this.#isContinued()) return false
      const piece = this.#piece
      if (piece === null) return false
      if (piece.nextRow()) {
        this.#source.rowsGiven++
        return true
      }
      if (!piece.isCut) return false
      this.#endPiece(piece)
      this.#goesOn = true
    }
  }

  /** Comes to the next piece of the partition at hand; false where there is none. Throws STARVED. */
  #isContinued(): boolean {
    const keys = this.#commands[0]?.keys
    if (keys?.length !== 1 || Buffer.compare(keys[0]!.key, this.keyBytes) !== 0) {
      this.#goesOn = false
      return false
    }
    const piece = this.#current()!
    if (piece.nextPartition()) {
      this.#goesOn = false
      return true
    }
    this.#endPiece(piece)
    return this.#isContinued()
  }

  get row(): Words {
    return this.#piece?.row ?? NO_ROW
  }
  get rowAt(): number {
    return this.#piece?.rowAt ?? 0
  }
  get rowDeletionHi(): number {
    return this.#piece?.rowDeletionHi ?? LIVE.hi
  }
  get rowDeletionLo(): number {
    return this.#piece?.rowDeletionLo ?? LIVE.lo
  }

  /** Nothing of it changes. */
  suspend(): void {}

  close(): void {
    this.#piece?.close()
    this.#piece = null
    this.#commands = []
    this.#isOver = true
  }
}
