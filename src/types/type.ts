/**
 * What a CQL type is to the other rooms: its names, its fixed length, whether its bytes are valid, and how two
 * values sort. Types are plain readonly values tagged by `kind`; literals, JSON, text, wire options and JavaScript
 * values are functions over them in files of their own.
 */

/** Native types by their CQL names, with `empty` (`EmptyType`), which no schema declares but old tables hold. */
export type NativeKind =
  | 'ascii'
  | 'bigint'
  | 'blob'
  | 'boolean'
  | 'counter'
  | 'date'
  | 'decimal'
  | 'double'
  | 'duration'
  | 'empty'
  | 'float'
  | 'inet'
  | 'int'
  | 'smallint'
  | 'text'
  | 'time'
  | 'timestamp'
  | 'timeuuid'
  | 'tinyint'
  | 'uuid'
  | 'varint'

export type TypeKind =
  | NativeKind
  | 'list'
  | 'set'
  | 'map'
  | 'tuple'
  | 'udt'
  | 'vector'
  | 'reversed'
  | 'custom'

/** The members that every type has (`AbstractType`). */
export interface TypeBase {
  readonly kind: TypeKind
  /** As `system_schema.columns.type` shows it; a custom type is its class name in single quotes. */
  readonly cqlName: string
  /** `AbstractType.toString()`: the full class name with its parameters. */
  readonly className: string
  /** `AbstractType.toString(true)`: the class name without the outer and inner FrozenType. */
  readonly classNameUnfrozen: string
  /** A collection or user type that is not frozen: a column of it has one cell an element. */
  readonly multiCell: boolean
  /** `AbstractType.valueLengthIfFixed`, -1 when the length varies. */
  readonly fixedLength: number
  /** `AbstractType.allowsEmpty`. */
  readonly emptyAllowed: boolean
  /** `isByteOrderComparable`: values sort as their unsigned bytes do. */
  readonly byteOrdered: boolean
  /** Throws a MarshalError with Cassandra's text when `bytes` are no value of this type. */
  validate(bytes: Uint8Array): void
  /** `AbstractType.compare` of two serialized values inside bigger buffers; empty values sort first. */
  compare(
    a: Uint8Array,
    aOffset: number,
    aLength: number,
    b: Uint8Array,
    bOffset: number,
    bLength: number,
  ): number
}

/** `compare` and `validate` on their own, as the codecs define them. */
export type Compare = TypeBase['compare']
export type Validate = TypeBase['validate']

export interface NativeType extends TypeBase {
  readonly kind: NativeKind
}

/** Cell paths and cell values of a type that can be multi-cell. */
interface MultiCellParts {
  /** Order of the cells of one column: timeuuid for lists, elements for sets, keys for maps, smallint for user types. */
  readonly nameComparator: CqlType
}

export interface ListType extends TypeBase, MultiCellParts {
  readonly kind: 'list'
  readonly elements: CqlType
  readonly cellValueType: CqlType
}

export interface SetType extends TypeBase, MultiCellParts {
  readonly kind: 'set'
  readonly elements: CqlType
  readonly cellValueType: CqlType
}

export interface MapType extends TypeBase, MultiCellParts {
  readonly kind: 'map'
  readonly keys: CqlType
  readonly values: CqlType
  readonly cellValueType: CqlType
}

export type CollectionType = ListType | SetType | MapType

export interface TupleType extends TypeBase {
  readonly kind: 'tuple'
  readonly types: readonly CqlType[]
}

export interface UserType extends TypeBase, MultiCellParts {
  readonly kind: 'udt'
  readonly keyspace: string
  readonly name: string
  readonly fieldNames: readonly string[]
  readonly fieldTypes: readonly CqlType[]
}

export interface VectorType extends TypeBase {
  readonly kind: 'vector'
  readonly elements: CqlType
  readonly dimension: number
}

/** Wraps the type of a clustering column that is declared DESC. */
export interface ReversedType extends TypeBase {
  readonly kind: 'reversed'
  readonly base: CqlType
}

/** A class of Cassandra's that CQL has no name for. */
export interface CustomType extends TypeBase {
  readonly kind: 'custom'
  readonly custom: 'lexicalUuid' | 'composite' | 'dynamicComposite' | 'partitionerDefinedOrder'
  /** Components of a composite; empty for the others. */
  readonly components: readonly CqlType[]
}

export type CqlType =
  | NativeType
  | ListType
  | SetType
  | MapType
  | TupleType
  | UserType
  | VectorType
  | ReversedType
  | CustomType

/** The package of Cassandra's own types, prefixed to class names without a dot. */
export const MARSHAL_PACKAGE = 'org.apache.cassandra.db.marshal.'

/**
 * Two types are the same when their class names, with all parameters and freezing, are; the two timeuuids are the same
 * too (`AbstractType.equals`).
 */
export function sameType(a: CqlType, b: CqlType): boolean {
  return a === b || (a.kind === b.kind && (a.className === b.className || a.kind === 'timeuuid'))
}
