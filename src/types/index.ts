/**
 * All of Cassandra's types: names, byte formats, order, literals, text and JSON. This room knows bytes and values,
 * and nothing of tables, queries, clocks or sockets.
 */

export { parseClassName } from './class-name.ts'
export { decode, encode } from './codec.ts'
export * from './collection.ts'
export * from './compatibility.ts'
export * from './cql-name.ts'
export * from './decimal.ts'
export * from './duration.ts'
export { doubleText, floatText, parseDouble, parseFloat32 } from './floating.ts'
export { fromString } from './from-string.ts'
export { isReservedKeyword, maybeQuote } from './identifier.ts'
export { inetText, parseInet } from './inet.ts'
export { JsonNumber, type JsonValue, quoteAsJsonString } from './json.ts'
export { fromJson, parseJson, toJson, unquoteJsonNames } from './json-codec.ts'
export { JsonReadError, readJson, readJsonObject } from './json-reader.ts'
export * from './literal.ts'
export { legacyDate, legacyTimeUuid, native, nativeByName } from './native.ts'
export * from './temporal.ts'
export { toCqlLiteral, toText } from './to-text.ts'
export * from './tuple.ts'
export * from './type.ts'
export * from './vector.ts'
export { type TypeOption, typeOption } from './wire.ts'
export * from './wrapper.ts'
