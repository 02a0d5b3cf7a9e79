import type { Source } from './source.ts'

/** The kinds of output, as small integers for the loop over them. */
export const OUTPUT_PARTITION_KEY = 0
export const OUTPUT_CLUSTERING = 1
export const OUTPUT_SIMPLE = 2
export const OUTPUT_COUNTER = 3
export const OUTPUT_LIST = 4
export const OUTPUT_SET = 5
export const OUTPUT_MAP = 6
export const OUTPUT_UDT = 7
export const OUTPUT_STATIC = 8
export const OUTPUT_COMPUTED = 9

/** A column of the output: what kind, and of which position, column id or store. */
export interface Output {
  readonly kind: number
  readonly argument: number
  /** Fields of a user type. */
  readonly size: number
  readonly source: Source
}

/** The output that writes a source's value in the quickest way. */
export function outputOf(source: Source): Output {
  const output = (kind: number, argument = 0, size = 0): Output => ({ kind, argument, size, source })
  switch (source.kind) {
    case 'partitionKey':
      return output(OUTPUT_PARTITION_KEY, source.position)
    case 'clustering':
      return output(OUTPUT_CLUSTERING, source.position)
    case 'static':
      return output(OUTPUT_STATIC, source.index)
    case 'cells': {
      const { id, type } = source.column
      if (type.kind === 'counter') return output(OUTPUT_COUNTER, id)
      if (!type.multiCell) return output(OUTPUT_SIMPLE, id)
      if (type.kind === 'list') return output(OUTPUT_LIST, id)
      if (type.kind === 'set') return output(OUTPUT_SET, id)
      if (type.kind === 'map') return output(OUTPUT_MAP, id)
      return output(OUTPUT_UDT, id, type.kind === 'udt' ? type.fieldTypes.length : 0)
    }
    default:
      return output(OUTPUT_COMPUTED)
  }
}
