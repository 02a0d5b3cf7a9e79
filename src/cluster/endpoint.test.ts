import { describe, expect, it } from 'vitest'
import {
  compareEndpoints,
  endpoint,
  endpointLogText,
  endpointOf,
  parseEndpoint,
  sameEndpoint,
  withPort,
} from './endpoint.ts'

describe('endpoints', () => {
  it('are written as InetAddressAndPort writes them', () => {
    expect(endpoint('127.0.0.1')!.text).toBe('127.0.0.1:7000')
    expect(endpoint('::1', 7001)!.text).toBe('[0:0:0:0:0:0:0:1]:7001')
    expect(endpoint('fe80::1%eth0')!.host).toBe('fe80:0:0:0:0:0:0:1')
    expect(endpointLogText(endpoint('::1')!)).toBe('/[0:0:0:0:0:0:0:1]:7000')
  })

  it.each([
    ['10.0.0.1', '10.0.0.1:7000'],
    ['10.0.0.1:9', '10.0.0.1:9'],
    ['localhost:1', '127.0.0.1:1'],
    ['::1', '[0:0:0:0:0:0:0:1]:7000'],
    ['2001:db8::7:9', '[2001:db8:0:0:0:0:7:9]:7000'],
    ['[2001:db8::7]:9', '[2001:db8:0:0:0:0:0:7]:9'],
    ['[::ffff:10.0.0.1]:9', '10.0.0.1:9'],
  ])('are read: %s', (text, expected) => {
    const read = parseEndpoint(text)!
    expect(read.text).toBe(expected)
    expect(parseEndpoint(read.text)).toEqual(read)
  })

  it.each([
    '',
    'a.name',
    '10.0.0.256',
    '10.0.0.1:65536',
    '10.0.0.1:',
    '[10.0.0.1]:1',
    '[::1',
    ':::1',
    '1:a',
  ])('are not read: %s', (text) => expect(parseEndpoint(text)).toBeNull())

  it('refuse ports and addresses that are none', () => {
    expect(() => endpoint('10.0.0.1', 65536)).toThrow(
      'Port 65536 is not a valid port number in the range 0-65535',
    )
    expect(() => endpointOf(new Uint8Array(5), 1)).toThrow(RangeError)
  })

  it('are ordered by unsigned bytes, then port', () => {
    const texts = ['9.0.0.1:2', '10.0.0.1:1', '10.0.0.1:2', '10.0.0.2:1', '200.0.0.1:1', '[ff::1]:1']
    // A prefix would come first; an address of four bytes is compared with the first four of sixteen.
    const sorted = texts.map((text) => parseEndpoint(text)!).sort(compareEndpoints)
    expect(sorted.map((each) => each.text)).toEqual([
      '[ff:0:0:0:0:0:0:1]:1',
      '9.0.0.1:2',
      '10.0.0.1:1',
      '10.0.0.1:2',
      '10.0.0.2:1',
      '200.0.0.1:1',
    ])
  })

  it('are the same where their texts are', () => {
    const one = endpoint('10.0.0.1')!
    expect(sameEndpoint(one, withPort(withPort(one, 1), 7000))).toBe(true)
    expect(sameEndpoint(one, withPort(one, 1))).toBe(false)
  })
})
