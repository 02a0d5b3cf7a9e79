import { DELETION_SHAPES } from './deletion-shapes.ts'
import type { Shape } from './shape.ts'
import { TABLE_SHAPES } from './table-shapes.ts'
import { TYPE_SHAPES } from './type-shapes.ts'

/** All shapes. */
export const SHAPES: readonly Shape[] = [...TYPE_SHAPES, ...DELETION_SHAPES, ...TABLE_SHAPES]

const NAMES = new Set(
  't_text t_inet collections udt counters empty_values ranges_mixed deletions ttls timestamps statics columns_64 c_zstd_ratio c_none wide_two composite intervals dropped compact_static compact_dense_two'.split(
    ' ',
  ),
)

/** Some of each kind: what is tried in every run of the tests. */
export const SHARE: readonly Shape[] = SHAPES.filter(({ name }) => NAMES.has(name))
