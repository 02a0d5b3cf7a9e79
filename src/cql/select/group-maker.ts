import type { LiveRow } from '../../model/live-row.ts'
import type { PartitionReader } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { CqlType } from '../../types/index.ts'
import type { Aggregation } from './aggregation.ts'
import { clusteringAt, clusteringLength, type RowValues } from './row-values.ts'

/** Says which rows begin a group (`GroupMaker`): those of another partition, or with other clustering values. */
export class GroupMaker {
  readonly #aggregation: Aggregation
  readonly #values: RowValues
  readonly #types: readonly CqlType[]
  /** Whether a row of this partition was seen. */
  #hasLast = false
  /** The clustering values that the group began with: all in its rows are equal to them. */
  readonly #last: Uint8Array[] = []
  #lastOutput: Uint8Array | null = null

  constructor(table: TableMetadata, aggregation: Aggregation, values: RowValues) {
    this.#aggregation = aggregation
    this.#values = values
    const compared = aggregation.prefixSize - (aggregation.selector === null ? 0 : 1)
    this.#types = table.clusterings.slice(0, compared).map((column) => column.type)
  }

  /** A partition begins, or one with its static row alone has passed: what comes next begins a group. */
  beginPartition(): void {
    this.#hasLast = false
  }

  /** Whether the row is of another group than the one before. Where it is null, all its clustering values are. */
  isNewGroup(live: LiveRow, reader: PartitionReader): boolean {
    const { selector } = this.#aggregation
    const output = selector === null ? null : this.#values.ofRow(selector.source, live, reader)
    const isNew =
      !this.#hasLast ||
      !this.#hasLastPrefix(live) ||
      (selector !== null && !sameOutput(selector.type, output, this.#lastOutput))
    if (!isNew) return false
    this.#hasLast = true
    for (let i = 0; i < this.#types.length; i++) {
      const at = clusteringAt[i]
      this.#last[i] = live.u8.slice(at, at + Math.max(0, clusteringLength[i]))
    }
    this.#lastOutput = output === null ? null : output.slice()
    return true
  }

  #hasLastPrefix(live: LiveRow): boolean {
    for (let i = 0; i < this.#types.length; i++) {
      const last = this.#last[i]
      const length = Math.max(0, clusteringLength[i])
      if (this.#types[i].compare(live.u8, clusteringAt[i], length, last, 0, last.length) !== 0) return false
    }
    return true
  }
}

function sameOutput(type: CqlType, output: Uint8Array | null, last: Uint8Array | null): boolean {
  if (output === null || last === null) return output === last
  return type.compare(output, 0, output.length, last, 0, last.length) === 0
}
