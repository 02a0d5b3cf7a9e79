import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../common/errors.ts'
import { parseAddress } from './address.ts'
import { BodyReader } from './reader.ts'
import { decodeUtf8 } from './utf8.ts'
import { ByteWriter } from './writer.ts'

/** Text that UTF-8 can hold: no lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 200 }).filter((value) => !/\p{Surrogate}/u.test(value))
const bytes = fc.uint8Array({ maxLength: 100 })

function readBack<T>(write: (out: ByteWriter) => void, read: (reader: BodyReader) => T): T {
  const out = new ByteWriter(1)
  out.byte(0xff)
  write(out)
  const reader = new BodyReader()
  reader.reset(Buffer.concat([out.written(), Buffer.from([0xff])]), 1, out.position)
  const value = read(reader)
  expect(reader.remaining).toBe(0)
  return value
}

describe('the notations of the protocol', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(
        text,
        bytes,
        fc.integer(),
        fc.nat(0xffff),
        fc.array(text, { maxLength: 5 }),
        (s, b, i, n, list) => {
          expect(
            readBack(
              (out) => out.string(s),
              (reader) => reader.string(),
            ),
          ).toBe(s)
          expect(
            readBack(
              (out) => out.longString(s),
              (reader) => reader.longString(),
            ),
          ).toBe(s)
          expect(
            readBack(
              (out) => out.int(i),
              (reader) => reader.int(),
            ),
          ).toBe(i)
          expect(
            readBack(
              (out) => out.short(n),
              (reader) => reader.short(),
            ),
          ).toBe(n)
          expect(
            readBack(
              (out) => out.stringList(list),
              (reader) => reader.stringList(),
            ),
          ).toEqual(list)
          expect(
            readBack(
              (out) => out.bytes(b),
              (reader) => reader.bytes(),
            ),
          ).toEqual(Buffer.from(b))
          expect(
            readBack(
              (out) => out.bytes(null),
              (reader) => reader.bytes(),
            ),
          ).toBeNull()
          expect(
            readBack(
              (out) => out.shortBytes(b),
              (reader) => reader.shortBytes(),
            ),
          ).toEqual(Buffer.from(b))
          const map = new Map(list.map((key) => [key, b]))
          expect(
            readBack(
              (out) => out.bytesMap(map),
              (reader) => reader.bytesMap(),
            ),
          ).toEqual(map)
        },
      ),
    )
  })

  it('fail with a ProtocolError wherever the body ends too soon, though the buffer goes on', () => {
    const out = new ByteWriter()
    out.string('a text')
    out.longString('another')
    out.bytes(Buffer.from('value'))
    out.bytesMap(new Map([['key', Buffer.from('payload')]]))
    out.stringList(['x', 'y'])
    const whole = Buffer.concat([out.written(), Buffer.alloc(1000, 0x41)])
    const reader = new BodyReader()
    for (let end = 0; end < out.position; end++) {
      reader.reset(whole, 0, end)
      expect(() => {
        reader.string()
        reader.longString()
        reader.bytes()
        reader.bytesMap()
        reader.stringList()
      }, `cut at ${end}`).toThrow(ProtocolError)
    }
  })

  it('cut a text that is too long for its length at a character', () => {
    const out = new ByteWriter()
    out.string('é'.repeat(40_000))
    const reader = new BodyReader()
    reader.reset(out.written(), 0, out.position)
    expect(reader.string()).toBe('é'.repeat(32_767))
  })
})

describe('malformed UTF-8', () => {
  // Position and length as java.nio reports them.
  const cases: readonly [string, string, number][] = [
    ['53454c454354 20ff', 'ff', 1],
    ['41 c3', 'c3', 1],
    ['41 c341', 'c341', 1],
    ['c0 80', 'c080', 1],
    ['e2 82', 'e282', 2],
    ['e2 28 a1', 'e228a1', 1],
    ['e2 82 28', 'e28228', 2],
    ['ed a0 80', 'eda080', 3],
    ['f0 9f 98', 'f09f98', 3],
    ['f0 9f 98 28', 'f09f9828', 3],
    ['f4 90 80 80', 'f4908080', 1],
    ['f0 80 80 80', 'f0808080', 1],
    ['c3a9 ff 41', 'ff41', 1],
  ]

  it.each(cases)('%s is refused in the words of Cassandra', (hex, rest, length) => {
    const buffer = Buffer.from(hex.replaceAll(' ', ''), 'hex')
    expect(() => decodeUtf8(buffer, 0, buffer.length)).toThrow(
      `Cannot decode string as UTF8: '${rest}'; java.nio.charset.MalformedInputException: Input length = ${length}`,
    )
  })

  it('is not seen in a text that holds U+FFFD itself', () => {
    const buffer = Buffer.from('a\ufffdb')
    expect(decodeUtf8(buffer, 0, buffer.length)).toBe('a\ufffdb')
  })
})

describe('addresses', () => {
  it('become their bytes', () => {
    const hex = (address: string): string | undefined => {
      const parsed = parseAddress(address)
      return parsed === null ? undefined : Buffer.from(parsed).toString('hex')
    }
    expect(hex('127.0.0.1')).toBe('7f000001')
    expect(hex('::1')).toBe(`${'00'.repeat(15)}01`)
    expect(hex('2001:db8::a:b')).toBe(`20010db8${'00'.repeat(9)}0a000b`)
    expect(hex('::ffff:10.1.2.3')).toBe('0a010203')
    expect(hex('fe80::1%eth0')).toBe('fe800000000000000000000000000001')
    for (const wrong of ['', '1.2.3', '1.2.3.256', '1:2', ':::', '1::2::3', '12345::', 'g::']) {
      expect(hex(wrong), wrong).toBeUndefined()
    }
  })
})
