import { MarshalError } from '../../common/errors.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { compare64 } from '../../model/row-format.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import { componentPath } from '../../storage/sstable/descriptor.ts'
import { type OfflineSSTable, ToolError } from '../../storage/sstable/offline-sstable.ts'
import { fromString, toText } from '../../types/index.ts'
import { debugPartition } from './dump-debug.ts'
import { JsonTransformer } from './json-transformer.ts'

/** Options of sstabledump by their letters. */
export interface DumpOptions {
  /** -t: timestamps as they are instead of dates. */
  readonly rawTimestamps: boolean
  /** -k: these keys alone, as text. */
  readonly keys: readonly string[]
  /** -x: all but these keys. */
  readonly excludedKeys: readonly string[]
  /** -e: keys alone. */
  readonly enumerateKeys: boolean
  /** -d: a line for each row, as Cassandra shows rows in its log. */
  readonly debug: boolean
  /** -l: a line for each partition. */
  readonly lines: boolean
}

const FLUSH_CHARACTERS = 1 << 16
const token = new Int32Array(2)

/**
 * The text of sstabledump (`SSTableExport`), in pieces. `nowSeconds` says what has expired. Throws a CorruptSSTableError where
 * the SSTable is broken, after the pieces before; a ToolError for a key that is none.
 */
export function* dump(offline: OfflineSSTable, options: DumpOptions, nowSeconds: number): Generator<string> {
  if (options.enumerateKeys) {
    yield* dumpKeys(offline)
    return
  }
  const reader = offline.sstable.scan()
  try {
    yield* dumpRows(offline, reader, options, nowSeconds)
  } catch (error) {
    if (!(error instanceof MarshalError)) throw error
    const path = componentPath(offline.descriptor, 'Data.db')
    const place = `at position ${reader.position} before compression`
    throw new CorruptSSTableError(path, -1, `a value that is none of its type, ${place}: ${error.message}`)
  }
}

function* dumpRows(
  offline: OfflineSSTable,
  reader: DataReader,
  options: DumpOptions,
  nowSeconds: number,
): Generator<string> {
  const excluded = new Set(options.excludedKeys)
  const isIncluded = (): boolean =>
    excluded.size === 0 || !excluded.has(toText(offline.keyType, keyOf(reader)))
  if (options.debug) {
    for (const _ of partitions(offline, reader, options)) {
      if (isIncluded()) yield* debugPartition(offline, reader)
    }
    return
  }
  const transformer = new JsonTransformer(offline, reader, options.rawTimestamps, !options.lines, nowSeconds)
  const { json } = transformer
  if (!options.lines) json.startArray()
  for (const _ of partitions(offline, reader, options)) {
    if (!isIncluded()) continue
    for (const _row of transformer.partition()) if (json.length >= FLUSH_CHARACTERS) yield json.take()
  }
  if (!options.lines) json.endArray()
  yield json.take()
}

/** The key of the partition at hand. */
export function keyOf({
  keyBytes,
  keyLength,
}: {
  readonly keyBytes: Uint8Array
  readonly keyLength: number
}): Uint8Array {
  return keyBytes.subarray(0, keyLength)
}

/** Moves the reader to one partition after another: to all, or to those of the tokens of the wanted keys. */
function* partitions(offline: OfflineSSTable, reader: DataReader, options: DumpOptions): Generator<void> {
  if (options.keys.length === 0) {
    while (reader.nextPartition()) yield
    return
  }
  const index = offline.sstable.index()
  const excluded = new Set(options.excludedKeys)
  for (const { hi, lo } of tokensOf(
    offline,
    options.keys.filter((key) => !excluded.has(key)),
  )) {
    if (!index.seekToken(hi, lo)) continue
    // Keys of one token stand beside each other.
    do {
      murmur3Token(index.keyBytes, 0, index.keyLength, token)
      if (compare64(token[0]!, token[1]!, hi, lo) !== 0) break
      reader.range(index.position, index.position + 1)
      if (reader.nextPartition()) yield
    } while (index.next())
  }
}

function tokensOf(
  { keyType }: OfflineSSTable,
  keys: readonly string[],
): { readonly hi: number; readonly lo: number }[] {
  const tokens = keys.map((text) => {
    let key: Uint8Array
    try {
      key = fromString(keyType, text)
    } catch (error) {
      throw new ToolError(error instanceof Error ? error.message : String(error))
    }
    murmur3Token(key, 0, key.length, token)
    return { hi: token[0]!, lo: token[1]! }
  })
  tokens.sort((a, b) => compare64(a.hi, a.lo, b.hi, b.lo))
  return tokens.filter(
    ({ hi, lo }, i) => i === 0 || compare64(hi, lo, tokens[i - 1]!.hi, tokens[i - 1]!.lo) !== 0,
  )
}

function* dumpKeys(offline: OfflineSSTable): Generator<string> {
  const transformer = new JsonTransformer(offline, null, false, true, 0)
  const { json } = transformer
  json.startArray()
  const index = offline.sstable.index()
  while (index.next()) {
    transformer.key(keyOf(index))
    if (json.length >= FLUSH_CHARACTERS) yield json.take()
  }
  json.endArray()
  yield json.take()
}
