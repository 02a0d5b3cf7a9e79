/**
 * Decompresses LZ4 blocks (`lz4_Block_format.md`) in WebAssembly that is written here, instruction by instruction: every
 * read and every copy is checked, so that a broken block is refused and nothing traps, and copies are of sixteen bytes
 * where there is room. A library that trusts its input has to have it walked through before.
 */

type Code = number | readonly Code[]

const I32 = 0x7f
const NO_VALUE = 0x40
/** Copies are rounded up to so many bytes; memory goes on behind both regions as far as that. */
const SLACK_BYTES = 64
const WASM_PAGE_BYTES = 0x10000
/** Literals up to this many bytes are copied by sixteen; more by one instruction, whose call costs as much. */
const SHORT_RUN_BYTES = 256

function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

/** Of a constant that is not negative: the sign bit of its last byte has to be clear. */
function constant(value: number): Code {
  const bytes = unsigned(value)
  const last = bytes.length - 1
  return [0x41, ...(bytes[last]! < 0x40 ? bytes : [...bytes.slice(0, last), bytes[last]! | 0x80, 0])]
}

const get = (local: number): Code => [0x20, local]
const set = (local: number, value: Code): Code => [value, 0x21, local]
const add = (a: Code, b: Code): Code => [a, b, 0x6a]
const subtract = (a: Code, b: Code): Code => [a, b, 0x6b]
const and = (a: Code, b: Code): Code => [a, b, 0x71]
const shiftRight = (a: Code, b: Code): Code => [a, b, 0x76]
const equal = (a: Code, b: Code): Code => [a, b, 0x46]
const isZero = (a: Code): Code => [a, 0x45]
const less = (a: Code, b: Code): Code => [a, b, 0x49]
const greater = (a: Code, b: Code): Code => [a, b, 0x4b]
const atLeast = (a: Code, b: Code): Code => [a, b, 0x4f]
const loadByte = (at: Code): Code => [at, 0x2d, 0, 0]
const loadPair = (at: Code): Code => [at, 0x2f, 0, 0]
const storeByte = (at: Code, value: Code): Code => [at, value, 0x3a, 0, 0]
/** Sixteen bytes. */
const copyVector = (to: Code, from: Code): Code => [to, from, [0xfd, 0x00, 0, 0], [0xfd, 0x0b, 0, 0]]
const copyMemory = (to: Code, from: Code, length: Code): Code => [to, from, length, 0xfc, 0x0a, 0, 0]
const block = (...body: Code[]): Code => [0x02, NO_VALUE, body, 0x0b]
const loop = (...body: Code[]): Code => [0x03, NO_VALUE, body, 0x0b]
const when = (test: Code, then: Code, otherwise: Code = []): Code => [
  [test, 0x04, NO_VALUE, then],
  [0x05, otherwise, 0x0b],
]
/** Leaves so many blocks around the one at hand; of a loop, begins it again. */
const leave = (depth: number): Code => [0x0c, depth]
const leaveIf = (test: Code, depth: number): Code => [test, 0x0d, depth]
const give = (value: Code): Code => [value, 0x0f]

// Parameters: where the input is read and ends, where the output is written and ends. Then locals.
const FROM = 0
const FROM_END = 1
const TO = 2
const TO_END = 3
const START = 4
const TOKEN = 5
const RUN = 6
const BYTE = 7
const DISTANCE = 8
const SOURCE = 9
const END = 10
const LOCALS = 7

/** Adds the bytes that go on with a length; `depth` is that of the block that means failure, from around this. */
const lengthen = (depth: number): Code =>
  loop(
    leaveIf(atLeast(get(FROM), get(FROM_END)), depth + 1),
    set(BYTE, loadByte(get(FROM))),
    set(FROM, add(get(FROM), constant(1))),
    set(RUN, add(get(RUN), get(BYTE))),
    leaveIf(equal(get(BYTE), constant(255)), 0),
  )

/** Copies sixteen bytes after another from `SOURCE` to `TO` until `END`, and moves `TO` there. */
const copyToEnd: Code = [
  loop(
    copyVector(get(TO), get(SOURCE)),
    set(SOURCE, add(get(SOURCE), constant(16))),
    set(TO, add(get(TO), constant(16))),
    leaveIf(less(get(TO), get(END)), 0),
  ),
  set(TO, get(END)),
]

const literals: Code = [
  set(RUN, shiftRight(get(TOKEN), constant(4))),
  when(equal(get(RUN), constant(15)), lengthen(2)),
  leaveIf(greater(get(RUN), subtract(get(FROM_END), get(FROM))), 1),
  leaveIf(greater(get(RUN), subtract(get(TO_END), get(TO))), 1),
  set(END, add(get(TO), get(RUN))),
  set(SOURCE, get(FROM)),
  set(FROM, add(get(FROM), get(RUN))),
  when(
    greater(get(RUN), constant(SHORT_RUN_BYTES)),
    [copyMemory(get(TO), get(SOURCE), get(RUN)), set(TO, get(END))],
    copyToEnd,
  ),
]

const match: Code = [
  leaveIf(less(subtract(get(FROM_END), get(FROM)), constant(2)), 1),
  set(DISTANCE, loadPair(get(FROM))),
  set(FROM, add(get(FROM), constant(2))),
  set(RUN, add(and(get(TOKEN), constant(15)), constant(4))),
  when(equal(get(RUN), constant(19)), lengthen(2)),
  leaveIf(isZero(get(DISTANCE)), 1),
  leaveIf(greater(get(DISTANCE), subtract(get(TO), get(START))), 1),
  leaveIf(greater(get(RUN), subtract(get(TO_END), get(TO))), 1),
  set(END, add(get(TO), get(RUN))),
  set(SOURCE, subtract(get(TO), get(DISTANCE))),
  // What repeats within sixteen bytes is written singly, as often as makes the distance so long.
  when(less(get(DISTANCE), constant(16)), [
    set(BYTE, get(SOURCE)),
    set(RUN, get(DISTANCE)),
    loop(set(RUN, add(get(RUN), get(DISTANCE))), leaveIf(less(get(RUN), constant(16)), 0)),
    set(RUN, add(get(RUN), get(SOURCE))),
    block(
      loop(
        leaveIf(atLeast(get(TO), get(END)), 1),
        storeByte(get(TO), loadByte(get(BYTE))),
        set(TO, add(get(TO), constant(1))),
        set(BYTE, add(get(BYTE), constant(1))),
        leaveIf(less(get(TO), get(RUN)), 0),
      ),
    ),
  ]),
  copyToEnd,
]

const whenAtEnd: Code = when(equal(get(FROM), get(FROM_END)), give(equal(get(TO), get(TO_END))))

const program: Code = [
  set(START, get(TO)),
  block(
    loop(
      whenAtEnd,
      set(TOKEN, loadByte(get(FROM))),
      set(FROM, add(get(FROM), constant(1))),
      literals,
      whenAtEnd,
      match,
      leave(0),
    ),
  ),
  constant(0),
]

function flat(code: Code): number[] {
  return typeof code === 'number' ? [code] : code.flatMap(flat)
}

/** A section of a module, or anything else that has its length before it. */
function sized(content: Code): Code {
  const bytes = flat(content)
  return [unsigned(bytes.length), bytes]
}

function moduleBytes(): Uint8Array {
  const name = (text: string): Code => sized([...text].map((letter) => letter.charCodeAt(0)))
  const type = [1, 0x60, 4, I32, I32, I32, I32, 1, I32]
  const code = sized([1, LOCALS, I32, program, 0x0b])
  const module: Code = [
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    [1, sized(type)],
    [3, sized([1, 0])],
    [5, sized([1, 0, 1])],
    [7, sized([2, name('memory'), 2, 0, name('decode'), 0, 0])],
    [10, sized([1, code])],
  ]
  return Uint8Array.from(flat(module))
}

interface Decoder {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  /** 1 where the input is a block of exactly so many bytes, which then stand in the output; 0 else. */
  decode(from: number, fromEnd: number, to: number, toEnd: number): number
}

/** What of WebAssembly is needed; Node's types know it only together with a browser's. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

let decoder: Decoder | null = null
let memory = new Uint8Array(0)

/** Makes the module at its first use, in less than a millisecond, and sees to it that it has so much memory. */
function decoderWith(bytes: number): Decoder {
  if (decoder !== null && memory.length >= bytes) return decoder
  decoder ??= new WebAssembly.Instance(new WebAssembly.Module(moduleBytes())).exports as Decoder
  const missing = bytes - decoder.memory.buffer.byteLength
  if (missing > 0) decoder.memory.grow(Math.ceil(missing / WASM_PAGE_BYTES))
  memory = new Uint8Array(decoder.memory.buffer)
  return decoder
}

/**
 * Decompresses the block between `start` and `end` of `input` into exactly `length` bytes at `at` of `output`; false for
 * bytes that are no such block, and then nothing is written.
 */
export function decodeLz4Block(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
  length: number,
): boolean {
  const to = (end - start + SLACK_BYTES + 15) & ~15
  const { decode } = decoderWith(to + length + SLACK_BYTES)
  memory.set(start === 0 && end === input.length ? input : input.subarray(start, end), 0)
  if (decode(0, end - start, to, to + length) === 0) return false
  output.set(memory.subarray(to, to + length), at)
  return true
}
