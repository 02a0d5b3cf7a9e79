/** The partitions of a mutation: each is written for itself (`Mutation`, which is of one partition of a keyspace). */

import { compareBytes } from '../../common/bytes.ts'
import { MUTATION_HEADER_WORDS, UPDATE_KEY_WORD } from '../../model/mutation.ts'
import type { Words } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'

/** What a mutation writes under one partition key of one keyspace, to one or several tables. */
export interface PartitionWrite {
  readonly keyspace: string
  readonly tokenHi: number
  readonly tokenLo: number
  /** Words at which its updates begin. */
  readonly updates: number[]
}

/** The partitions of a finished mutation, in the order in which they come first. */
export function partitionsOf(
  mutation: Words,
  tableOf: (handle: number) => TableMetadata,
): readonly PartitionWrite[] {
  const { i32 } = mutation
  const found: PartitionWrite[] = []
  let at = MUTATION_HEADER_WORDS
  for (let n = i32[1]!; n > 0; n--) {
    const { keyspace } = tableOf(i32[at + 1]!)
    let own: PartitionWrite | undefined
    for (const other of found) {
      if (other.keyspace === keyspace && isSameKey(mutation, other.updates[0]!, at)) own = other
    }
    if (own === undefined) {
      found.push({ keyspace, tokenHi: i32[at + 2]!, tokenLo: i32[at + 3]!, updates: [at] })
    } else own.updates.push(at)
    at += i32[at]! >>> 2
  }
  return found
}

function isSameKey({ i32, u8 }: Words, a: number, b: number): boolean {
  if (i32[a + 2] !== i32[b + 2] || i32[a + 3] !== i32[b + 3]) return false
  const length = i32[a + 4]!
  return (
    compareBytes(u8, (a + UPDATE_KEY_WORD) << 2, length, u8, (b + UPDATE_KEY_WORD) << 2, i32[b + 4]!) === 0
  )
}
