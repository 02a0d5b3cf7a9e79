import type { TableMetadata } from '../../model/table.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import { DataReader } from '../../storage/sstable/data-reader.ts'
import { headerComponent } from '../../storage/sstable/header-component.ts'
import { type SerializationHeader, serializationHeader } from '../../storage/sstable/serialization-header.ts'
import {
  DELETION_TIME_EPOCH,
  type HeaderComponent,
  TIMESTAMP_EPOCH,
} from '../../storage/sstable/statistics.ts'
import { NB } from '../../storage/sstable/version.ts'
import { BytesSource } from './bytes-source.ts'

/** What says how the rows of a response are to be read: names and types of all columns as the replica has them. */
type ResponseTypes = Pick<HeaderComponent, 'clusteringTypes' | 'statics' | 'regulars'>

export interface ResponseHeader {
  /** As it stands in front of the rows: JSON. */
  readonly text: Buffer
  readonly header: SerializationHeader
}

/** What errors name instead of a file. */
export const RESPONSE = 'a response of another node'
const KNOWN_MAX = 1000
/** Readers of a header that are kept. */
const FREE_MAX = 64
const NO_BYTES = new Uint8Array(0)
/** `EncodingStats.NO_STATS`: the same at all replicas, so that equal rows are equal bytes. */
const STATS = { minTimestamp: TIMESTAMP_EPOCH, minLocalDeletionTime: DELETION_TIME_EPOCH, minTtl: 0 }

const own = new WeakMap<TableMetadata, ResponseHeader>()

/** The header of what this node sends of a table. */
export function responseHeader(table: TableMetadata): ResponseHeader {
  let header = own.get(table)
  if (header === undefined) {
    const { clusteringTypes, statics, regulars } = headerComponent(table, STATS, () => true)
    const types: ResponseTypes = { clusteringTypes, statics, regulars }
    header = { text: Buffer.from(JSON.stringify(types)), header: headerOf(types, table) }
    own.set(table, header)
  }
  return header
}

function headerOf(types: ResponseTypes, table: TableMetadata): SerializationHeader {
  return serializationHeader(RESPONSE, { ...STATS, keyType: '', ...types }, table)
}

/** Finds how the rows of responses are to be read for a table; those that came before are known by their text. */
export class ResponseHeaders {
  readonly #known = new Map<string, { readonly table: TableMetadata; readonly header: SerializationHeader }>()

  /** Readers that nobody reads with, by headers: a response of few rows costs less than to make one. */
  readonly #free = new WeakMap<SerializationHeader, DataReader[]>()
  readonly #sources = new WeakMap<DataReader, BytesSource>()

  /** Reads partitions from `start` to the end of the bytes, which stay as they are meanwhile. */
  open(header: SerializationHeader, bytes: Uint8Array, start: number): DataReader {
    let free = this.#free.get(header)
    if (free === undefined) this.#free.set(header, (free = []))
    const reader = free.pop()
    if (reader !== undefined) {
      this.#sources.get(reader)!.set(bytes)
      reader.reopen(start, bytes.length)
      return reader
    }
    const source = new BytesSource(bytes, RESPONSE)
    const unused = free
    const made: DataReader = new DataReader(source, header, NB, () => {
      // Whoever closes it a second time may no longer be its owner's only one.
      if (source.length === 0) return
      source.set(NO_BYTES)
      if (unused.length < FREE_MAX) unused.push(made)
    })
    this.#sources.set(made, source)
    made.range(start, bytes.length)
    return made
  }

  /** Throws a CorruptSSTableError for what is none. */
  find(text: Uint8Array, table: TableMetadata): SerializationHeader {
    const ours = responseHeader(table)
    if (Buffer.compare(ours.text, text) === 0) return ours.header
    const json = Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8')
    const key = `${table.id} ${json}`
    const known = this.#known.get(key)
    if (known?.table === table) return known.header
    const header = headerOf(parseTypes(json), table)
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.set(key, { table, header })
    return header
  }
}

function parseTypes(json: string): ResponseTypes {
  try {
    return JSON.parse(json) as ResponseTypes
  } catch {
    throw new CorruptSSTableError(RESPONSE, 0, 'its header is no JSON')
  }
}
