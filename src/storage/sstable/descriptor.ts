/** The files of an SSTable by Cassandra's names (`Descriptor`, `BigFormat.Components`). */

/** Component names as they stand behind the last hyphen of a file name. */
export type Component = (typeof COMPONENTS)[number]

const COMPONENTS = [
  'Data.db',
  'Index.db',
  'Summary.db',
  'Filter.db',
  'Statistics.db',
  'CompressionInfo.db',
  'CRC.db',
  // Not of Cassandra's format: see index-checksums.ts.
  'Checksums.db',
  'Digest.crc32',
  'TOC.txt',
] as const

/** Whether a component is one of the format's own, or Checksums.db. Others are of indexes (`SAI+aa+by_age+TermsData.db`). */
export function isComponent(name: string): name is Component {
  return (COMPONENTS as readonly string[]).includes(name)
}

/** One SSTable of a directory: `nb-17-big` is version nb, id 17, format big. */
export interface Descriptor {
  readonly directory: string
  readonly version: string
  /** A number in sequence, or the text of a UUID (`uuid_sstable_identifiers_enabled`). */
  readonly id: string
  readonly format: string
}

const NAME = /^([a-z]{2})-([0-9a-z_]+)-(big|bti)-(.+)$/

/** What a file name says, or null when it is no file of an SSTable. */
export function parseFileName(
  directory: string,
  name: string,
): { readonly descriptor: Descriptor; readonly component: string } | null {
  const match = NAME.exec(name)
  if (match === null) return null
  const [, version, id, format, component] = match
  return { descriptor: { directory, version: version!, id: id!, format: format! }, component: component! }
}

/** `nb-17-big`. */
export function descriptorName(descriptor: Descriptor): string {
  return `${descriptor.version}-${descriptor.id}-${descriptor.format}`
}

export function componentPath(descriptor: Descriptor, component: Component): string {
  return `${descriptor.directory}/${descriptorName(descriptor)}-${component}`
}
