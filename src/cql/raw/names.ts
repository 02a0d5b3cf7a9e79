/** Names and type references as the text gave them: syntax only, nothing looked up in a schema. */

/** An identifier with its resolved text: lower-cased unless it was quoted. */
export interface Identifier {
  readonly text: string
  readonly quoted: boolean
}

/** A table, view, index or other name with its keyspace where the text gave one. */
export interface QualifiedName {
  readonly keyspace: string | null
  readonly name: string
}

/** A function's name; keyspace null where the text gave none. */
export interface FunctionName {
  readonly keyspace: string | null
  readonly name: string
}

export type NativeTypeName =
  | 'ascii'
  | 'bigint'
  | 'blob'
  | 'boolean'
  | 'counter'
  | 'decimal'
  | 'double'
  | 'duration'
  | 'float'
  | 'inet'
  | 'int'
  | 'smallint'
  | 'text'
  | 'timestamp'
  | 'tinyint'
  | 'uuid'
  | 'varchar'
  | 'varint'
  | 'timeuuid'
  | 'date'
  | 'time'

/** `frozen` is true only on collections, tuples, vectors and user types inside `frozen<...>`. */
export type RawType =
  | { readonly kind: 'native'; readonly name: NativeTypeName }
  | { readonly kind: 'list'; readonly element: RawType; readonly frozen: boolean }
  | { readonly kind: 'set'; readonly element: RawType; readonly frozen: boolean }
  | { readonly kind: 'map'; readonly key: RawType; readonly value: RawType; readonly frozen: boolean }
  | { readonly kind: 'tuple'; readonly elements: readonly RawType[]; readonly frozen: boolean }
  | {
      readonly kind: 'vector'
      readonly element: RawType
      readonly dimension: number
      readonly frozen: boolean
    }
  | {
      readonly kind: 'udt'
      readonly keyspace: string | null
      readonly name: string
      /** As written, without lower-casing: what `reserved type name` errors show. */
      readonly raw: string
      readonly frozen: boolean
    }
  /** A type in single quotes: a Java class name, with or without its package. */
  | { readonly kind: 'custom'; readonly className: string; readonly frozen: boolean }
