import type { Descriptor } from './descriptor.ts'

/** An SSTable is whole and of a format or version that is not read here: nothing is wrong with it. */
export class UnsupportedSSTableError extends Error {
  readonly path: string

  constructor(path: string, { version, format }: Descriptor) {
    super(
      `${path} is of the format ${version}-${format}, which cannot be read. ${adviceFor(version, format)}`,
    )
    this.name = 'UnsupportedSSTableError'
    this.path = path
  }
}

function adviceFor(version: string, format: string): string {
  const then = '`nodetool upgradesstables -a`, then `nodetool drain`, and copy the directory anew'
  if (format === 'bti') {
    return `Start Cassandra on this data with \`sstable: selected_format: big\` in its cassandra.yaml, run ${then}`
  }
  if (version < 'na')
    return `It was written before Cassandra 4.0: start Cassandra 4 or 5 on this data, run ${then}`
  return 'It was written by a later Cassandra than 5.0'
}
