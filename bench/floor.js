/**
 * The floor: what no JavaScript server of this shape can pass. It reads frame headers and nothing else,
 * joins the answers to one chunk in one write, and sends as many bytes as the real answer has.
 *
 *   node bench/floor.js [--port 0] --execute-bytes N
 */

import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { frame, headerBytes, opcode } from './frames.js'

const { values: args } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'execute-bytes': { type: 'string', default: '4' } },
})

/** RESULT of kind void, with as much behind it as was asked for */
const executeBody = Buffer.alloc(Number(args['execute-bytes']))
executeBody.writeInt32BE(executeBody.length === 4 ? 1 : 2)

/** RESULT of kind prepared: an id of 16 bytes, no bind variables, no columns */
const preparedBody = Buffer.concat([
  Buffer.from([0, 0, 0, 4, 0, 16]),
  Buffer.alloc(16, 0xab),
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0]),
])

/** @type {Map<number, Buffer>} */
const answers = new Map([
  [opcode.startup, frame(0x84, opcode.ready, Buffer.alloc(0))],
  [opcode.options, frame(0x84, opcode.supported, Buffer.from([0, 0]))],
  [opcode.query, frame(0x84, opcode.result, Buffer.from([0, 0, 0, 1]))],
  [opcode.prepare, frame(0x84, opcode.result, preparedBody)],
  [opcode.execute, frame(0x84, opcode.result, executeBody)],
])

/** Wide enough for a chunk's answers; grows when it isn't. */
const room = 1 << 16

const server = createServer({ noDelay: true }, (socket) => {
  const head = Buffer.alloc(headerBytes)
  let headBytes = 0
  let skip = 0
  let out = Buffer.allocUnsafe(room)
  let used = 0

  /** @param {Buffer} from @param {number} at */
  const answer = (from, at) => {
    const bytes = answers.get(from[at + 4])
    if (bytes === undefined) throw new Error(`opcode ${from[at + 4]} is not spoken here`)
    if (used + bytes.length > out.length) {
      const more = Buffer.allocUnsafe(Math.max(out.length * 2, used + bytes.length))
      out.copy(more, 0, 0, used)
      out = more
    }
    bytes.copy(out, used)
    out[used + 2] = from[at + 2]
    out[used + 3] = from[at + 3]
    used += bytes.length
    skip = from.readUInt32BE(at + 5)
  }

  socket.on('data', (chunk) => {
    let at = 0
    while (at < chunk.length) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - at)
        at += step
        skip -= step
      } else if (headBytes === 0 && chunk.length - at >= headerBytes) {
        answer(chunk, at)
        at += headerBytes
      } else {
        const step = Math.min(headerBytes - headBytes, chunk.length - at)
        chunk.copy(head, headBytes, at, at + step)
        headBytes += step
        at += step
        if (headBytes === headerBytes) {
          headBytes = 0
          answer(head, 0)
        }
      }
    }
    if (used === 0) return
    socket.write(out.subarray(0, used))
    // The socket may still hold what was written.
    out = Buffer.allocUnsafe(out.length)
    used = 0
  })
  socket.on('error', () => socket.destroy())
})

server.listen(Number(args.port), '127.0.0.1', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log(`floor is listening for CQL clients on 127.0.0.1:${address.port}`)
})
process.on('SIGTERM', () => process.exit(0))
