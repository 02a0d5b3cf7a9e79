import { createRequire } from 'node:module'
import { readLibraryFile } from '../../io/library-file.ts'

/**
 * Zstandard over the WebAssembly of @foxglove/wasm-zstd. The package's own entry compiles it in the background and cannot
 * be called before; here it is compiled at once, in some 5 ms, when the first table needs it.
 */

/** The functions of the module; addresses and sizes are in its memory. -1 says that something failed. */
interface ZstdModule {
  readonly HEAPU8: Uint8Array
  _malloc(size: number): number
  _free(address: number): void
  _compressBound(size: number): number
  _compress(to: number, capacity: number, from: number, size: number, level: number): number
  _decompress(to: number, capacity: number, from: number, size: number): number
}

/** What of WebAssembly is needed; Node's types know it only together with a browser's. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: object }
  readonly RuntimeError: new () => Error
}

const require = createRequire(import.meta.url)

function loadModule(): ZstdModule {
  const create = require('@foxglove/wasm-zstd/dist/wasm-zstd.js') as (module: object) => Promise<unknown>
  const module = {
    instantiateWasm(imports: object, receive: (instance: object) => void): object {
      const code = readLibraryFile('@foxglove/wasm-zstd/dist/wasm-zstd.wasm')
      const instance = new WebAssembly.Instance(new WebAssembly.Module(code), imports)
      receive(instance)
      return instance.exports
    },
  }
  // It resolves when it is ready, which it is by now.
  void create(module)
  return module as unknown as ZstdModule
}

/** Places in the module's memory for input and output that are used again; they grow, and nothing else is allocated. */
class ZstdMemory {
  readonly #module = loadModule()
  #input = 0
  #inputSize = 0
  #output = 0
  #outputSize = 0

  #reserve(input: number, output: number): void {
    const module = this.#module
    if (this.#inputSize < input) {
      module._free(this.#input)
      this.#inputSize = 0
      this.#input = module._malloc(input)
      if (this.#input === 0) throw new Error(`no memory for ${input} bytes`)
      this.#inputSize = input
    }
    if (this.#outputSize < output) {
      module._free(this.#output)
      this.#outputSize = 0
      this.#output = module._malloc(output)
      if (this.#output === 0) throw new Error(`no memory for ${output} bytes`)
      this.#outputSize = output
    }
  }

  compress(bytes: Uint8Array, level: number): Uint8Array {
    const module = this.#module
    this.#reserve(bytes.length, module._compressBound(bytes.length))
    module.HEAPU8.set(bytes, this.#input)
    const size = module._compress(this.#output, this.#outputSize, this.#input, bytes.length, level)
    if (size < 0) throw new Error(`compressing ${bytes.length} bytes failed`)
    return module.HEAPU8.slice(this.#output, this.#output + size)
  }

  decompress(frame: Uint8Array, length: number): Uint8Array {
    const module = this.#module
    this.#reserve(frame.length, Math.max(1, length))
    module.HEAPU8.set(frame, this.#input)
    const size = module._decompress(this.#output, length, this.#input, frame.length)
    if (size !== length) throw new Error(size < 0 ? 'the frame is broken' : `a frame of ${size} bytes`)
    return module.HEAPU8.slice(this.#output, this.#output + size)
  }
}

let memory: ZstdMemory | null = null

/** One frame with the bytes; negative levels are the fast ones. */
export function zstdCompress(bytes: Uint8Array, level: number): Uint8Array {
  memory ??= new ZstdMemory()
  return memory.compress(bytes, level)
}

/** Decompresses into exactly `length` bytes. Throws an Error for bytes that are no frame of that length. */
export function zstdDecompress(frame: Uint8Array, length: number): Uint8Array {
  const said = frameContentSize(frame)
  if (said >= 0 && said !== length) throw new Error(`a frame of ${said} bytes instead of ${length}`)
  memory ??= new ZstdMemory()
  try {
    return memory.decompress(frame, length)
  } catch (error) {
    // After a trap, or without memory, nothing is known of the module's state.
    if (error instanceof WebAssembly.RuntimeError) memory = null
    throw error
  }
}

const MAGIC = 0xfd2fb528
const SINGLE_SEGMENT = 0x20
const DICTIONARY_ID = 0x03
/** Bytes of the content size by the two highest bits of the descriptor. */
const SIZE_BYTES = [0, 2, 4, 8] as const

/**
 * The size that the header of a frame says (RFC 8878, 3.1.1.1), -1 where it says none. Throws an Error for what is no
 * frame, or one that needs a dictionary.
 */
function frameContentSize(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 6 || view.getUint32(0, true) !== MAGIC) throw new Error('no frame')
  const descriptor = frame[4]!
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0
  if ((descriptor & DICTIONARY_ID) !== 0) throw new Error('a frame that needs a dictionary')
  const at = isSingleSegment ? 5 : 6
  const bytes = SIZE_BYTES[descriptor >>> 6]!
  if (at + bytes > frame.length) throw new Error('no whole header')
  if (bytes === 0) return isSingleSegment ? frame[at]! : -1
  if (bytes === 2) return view.getUint16(at, true) + 256
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true))
}
