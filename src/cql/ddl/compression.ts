/** The `compression` option (`CompressionParams`, and what each compressor takes). */

import { ConfigurationError } from '../../common/errors.ts'
import { notANumber, parseInt32 } from '../../common/java-numbers.ts'
import { doubleText, parseDouble } from '../../types/index.ts'
import { hashOrder, listText, numberFormatError, parseBoolean } from './java.ts'

const PACKAGE = 'org.apache.cassandra.io.compress.'
const DEFAULT_CHUNK_KB = 16
const INT_MAX = 0x7fffffff

type Options = Map<string, string>

const COMPRESSORS: Readonly<Record<string, readonly string[]>> = {
  LZ4Compressor: ['lz4_high_compressor_level', 'lz4_compressor_type'],
  SnappyCompressor: [],
  DeflateCompressor: [],
  ZstdCompressor: ['compression_level'],
  NoopCompressor: [],
}

export const NO_COMPRESSION: ReadonlyMap<string, string> = new Map([['enabled', 'false']])

/** The option as system_schema holds it. */
export function compressionFromOptions(given: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const options: Options = new Map(given)
  const flag = options.get('enabled')
  const enabled = flag === undefined || parseBoolean(flag)
  if (given.size > 0 && enabled && !options.has('class')) {
    throw new ConfigurationError("Missing sub-option 'class' for the 'compression' option.")
  }
  options.delete('enabled')
  if (!enabled && options.size > 0) {
    throw new ConfigurationError("If the 'enabled' option is set to false no other options must be specified")
  }
  const name = options.get('class')
  options.delete('class')
  if (name === '') {
    throw new ConfigurationError(
      "The 'class' option must not be empty. To disable compression use 'enabled' : false",
    )
  }
  const chunkKb = takeChunkLength(options)
  const ratio = takeMinRatio(options)
  const className = name === undefined ? null : checkCompressor(name, options)
  validate(chunkKb, ratio)
  if (className === null) return NO_COMPRESSION
  const result = new Map([...options, ['class', className], ['chunk_length_in_kb', String(chunkKb)]])
  if (ratio !== 0) result.set('min_compress_ratio', doubleText(ratio))
  return result
}

function takeChunkLength(options: Options): number {
  const text = options.get('chunk_length_in_kb')
  options.delete('chunk_length_in_kb')
  if (text === undefined) return DEFAULT_CHUNK_KB
  const kb = parseInt32(text)
  if (kb === null) throw new ConfigurationError('Invalid value for chunk_length_in_kb')
  if (kb > Math.floor(INT_MAX / 1024)) {
    throw new ConfigurationError(`Value of chunk_length_in_kb is too large (${kb})`)
  }
  return kb
}

function takeMinRatio(options: Options): number {
  const text = options.get('min_compress_ratio')
  options.delete('min_compress_ratio')
  if (text === undefined) return 0
  const ratio = parseDouble(text)
  if (ratio === undefined) throw numberFormatError(text)
  return ratio
}

/** `createCompressor`: the compressor's own options first, then those it doesn't know. */
function checkCompressor(name: string, options: Options): string {
  const className = name.includes('.') ? name : PACKAGE + name
  const simpleName = className.startsWith(PACKAGE) ? className.slice(PACKAGE.length) : ''
  const supported = Object.hasOwn(COMPRESSORS, simpleName) ? COMPRESSORS[simpleName] : undefined
  if (supported === undefined) {
    throw new ConfigurationError(`Could not create Compression for type ${className}`)
  }
  if (simpleName === 'LZ4Compressor') checkLz4(options)
  if (simpleName === 'ZstdCompressor') checkZstd(options)
  for (const option of hashOrder(options.keys())) {
    if (!supported.includes(option)) throw new ConfigurationError(`Unknown compression options ${option}`)
  }
  return className
}

function checkLz4(options: Options): void {
  const type = options.get('lz4_compressor_type')
  if (type !== undefined && type !== 'fast' && type !== 'high') {
    throw new ConfigurationError(
      `Invalid compressor type '${type}' specified for LZ4 parameter 'lz4_compressor_type'. Valid options are ${listText(['high', 'fast'])}.`,
    )
  }
  const text = options.get('lz4_high_compressor_level')
  if (text === undefined) return
  const level = parseInt32(text)
  if (level === null || level < 1 || level > 17) {
    throw new ConfigurationError(
      `Invalid value [${text}] for parameter 'lz4_high_compressor_level'. Value must be between 1 and 17.`,
    )
  }
}

const ZSTD_MIN_LEVEL = -131072
const ZSTD_MAX_LEVEL = 22

function checkZstd(options: Options): void {
  const text = options.get('compression_level')
  if (text === undefined) return
  const level = parseInt32(text)
  const failed = (exception: string) =>
    new ConfigurationError(`ZstdCompressor.create() threw an error: java.lang.${exception}`)
  if (level === null) throw failed(`NumberFormatException ${notANumber(text)}`)
  if (level < ZSTD_MIN_LEVEL || level > ZSTD_MAX_LEVEL) {
    throw failed(`IllegalArgumentException compression_level=${level} is invalid`)
  }
}

function validate(chunkKb: number, ratio: number): void {
  const chunk = chunkKb * 1024
  if (chunk <= 0) throw new ConfigurationError('Invalid negative or null chunk_length_in_kb')
  if ((chunk & (chunk - 1)) !== 0) throw new ConfigurationError('chunk_length_in_kb must be a power of 2')
  const longest = Math.ceil(Math.min(chunk / ratio, INT_MAX))
  if (longest < 0) throw new ConfigurationError('Invalid negative min_compress_ratio')
  if (longest > chunk && longest < INT_MAX) {
    throw new ConfigurationError('min_compress_ratio can either be 0 or greater than or equal to 1')
  }
}
