import type { Descriptor } from './descriptor.ts'

/**
 * Versions of the `big` format that are read: those from 4.0 on. What differs between them, as
 * `BigFormat.BigVersion` says it.
 */
export interface FormatVersion {
  readonly name: string
  /** Times of deletion go to 2106, as unsigned 32 bits; and a partition that is not deleted takes one byte to say so. */
  readonly hasUnsignedDeletionTime: boolean
  /** The slice of clusterings that is covered, with its types; before, lists of values alone. */
  readonly hasImprovedMinMax: boolean
  readonly hasOriginatingHostId: boolean
}

const VERSIONS: Readonly<Record<string, FormatVersion>> = {
  na: { name: 'na', hasUnsignedDeletionTime: false, hasImprovedMinMax: false, hasOriginatingHostId: false },
  nb: { name: 'nb', hasUnsignedDeletionTime: false, hasImprovedMinMax: false, hasOriginatingHostId: true },
  oa: { name: 'oa', hasUnsignedDeletionTime: true, hasImprovedMinMax: true, hasOriginatingHostId: true },
}

/** What is written, as by Cassandra 5.0 unless told otherwise. */
export const NB: FormatVersion = VERSIONS['nb']!

/** Whether SSTables of that format and version are read. */
export function isReadable({ format, version }: Descriptor): boolean {
  return format === 'big' && formatVersion(version) !== null
}

/** The version of that name, or null where it cannot be read. */
export function formatVersion(name: string): FormatVersion | null {
  return Object.hasOwn(VERSIONS, name) ? VERSIONS[name]! : null
}
