/**
 * CQL native protocol v4 frames by hand: as much as the load generator and the floor need.
 * Header: u8 version, u8 flags, i16 stream, u8 opcode, u32 body length.
 */

export const headerBytes = 9

export const opcode = /** @type {const} */ ({
  error: 0x00,
  startup: 0x01,
  ready: 0x02,
  options: 0x05,
  supported: 0x06,
  query: 0x07,
  result: 0x08,
  prepare: 0x09,
  execute: 0x0a,
})

/**
 * @param {number} version 0x04 for a request, 0x84 for a response
 * @param {number} code
 * @param {Buffer} body
 */
export function frame(version, code, body) {
  const bytes = Buffer.alloc(headerBytes + body.length)
  bytes[0] = version
  bytes[4] = code
  bytes.writeUInt32BE(body.length, 5)
  body.copy(bytes, headerBytes)
  return bytes
}

/** @param {string} text */
function string(text) {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** @param {string} text */
function longString(text) {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export function startup() {
  return frame(
    0x04,
    opcode.startup,
    Buffer.concat([Buffer.from([0, 1]), string('CQL_VERSION'), string('3.0.0')]),
  )
}

/** Without flags. @param {string} text */
export function query(text, level = levels.ONE) {
  return frame(0x04, opcode.query, Buffer.concat([longString(text), Buffer.from([0, level, 0])]))
}

/** @param {string} text */
export function prepare(text) {
  return frame(0x04, opcode.prepare, longString(text))
}

/** Levels by name, as the protocol numbers them. */
export const levels = Object.freeze({ ONE: 1, QUORUM: 4, ALL: 5, LOCAL_QUORUM: 6 })

/**
 * An EXECUTE whose values are all zero bytes yet, and where in it each value stands.
 * Flags: values, skip metadata, page size.
 * @param {Buffer} id
 * @param {readonly number[]} sizes
 * @param {number} level
 */
export function executeTemplate(id, sizes, level = levels.ONE) {
  return template(opcode.execute, Buffer.concat([Buffer.from([0, id.length]), id]), sizes, level)
}

/**
 * A QUERY of the same kind: the text, then values that are all zero bytes yet.
 * @param {string} text
 * @param {readonly number[]} sizes
 * @param {number} level
 */
export function queryTemplate(text, sizes, level = levels.ONE) {
  return template(opcode.query, longString(text), sizes, level)
}

/**
 * @param {number} code
 * @param {Buffer} start what stands before the options
 * @param {readonly number[]} sizes
 * @param {number} level
 */
function template(code, start, sizes, level) {
  const head = Buffer.concat([start, Buffer.from([0, level, 0x07, 0, sizes.length])])
  const parts = [head]
  /** @type {number[]} */
  const offsets = []
  let offset = headerBytes + head.length
  for (const size of sizes) {
    const value = Buffer.alloc(4 + size)
    value.writeInt32BE(size)
    parts.push(value)
    offsets.push(offset + 4)
    offset += value.length
  }
  const pageSize = Buffer.alloc(4)
  pageSize.writeInt32BE(5000)
  parts.push(pageSize)
  return { bytes: frame(0x04, code, Buffer.concat(parts)), offsets }
}

/**
 * The text of an ERROR's body: i32 code, string message.
 * @param {Buffer} body
 */
export function errorText(body) {
  return `0x${body.readInt32BE(0).toString(16)} ${body.toString('utf8', 6, 6 + body.readUInt16BE(4))}`
}
