import { describe, expect, it } from 'vitest'
import { decimal, fileSizeText, fixed } from './java-format.ts'
import { TableBuilder } from './table-builder.ts'

/** What Java 17 prints for these. */
describe('texts of Java', () => {
  it.each([
    [1.005, 2, '1.01'],
    [0.125, 2, '0.13'],
    [2.5, 0, '3'],
    [0.0004, 3, '0.000'],
    [0.0005, 3, '0.001'],
    [0.0005, 2, '0.00'],
    [999.9996, 3, '1000.000'],
    [12345.6789, 5, '12345.67890'],
    [0, 3, '0.000'],
    [1e21, 2, '1000000000000000000000.00'],
    [12.3456, 2, '12.35'],
    [Number.NaN, 3, 'NaN'],
  ])('%s with %d digits', (value, digits, text) => {
    expect(fixed(value, digits)).toBe(text)
  })

  it.each([
    [0.125, '0.12'],
    [0.375, '0.38'],
    [1.005, '1'],
    [2.675, '2.67'],
    [0.5, '0.5'],
    [64.73, '64.73'],
    [12345.6789, '12345.68'],
    [0, '0'],
  ])('#.## of %d', (value, text) => {
    expect(decimal(value, 2)).toBe(text)
  })

  it('keeps zeros that are asked for', () => {
    expect(decimal(0, 2, 2)).toBe('0.00')
    expect(decimal(2.5, 2, 2)).toBe('2.50')
  })

  it.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1 KiB'],
    [5265, '5.14 KiB'],
    [6557, '6.4 KiB'],
    [26_214_400, '25 MiB'],
    [3 * 1024 ** 4, '3 TiB'],
  ])('size of %d bytes', (bytes, text) => {
    expect(fileSizeText(bytes)).toBe(text)
  })
})

it('columns of a table are as wide as their widest', () => {
  const table = new TableBuilder('  ')
  table.add('a', 'bb')
  table.add('ccc', 'd', 'e')
  expect(table.text).toBe('a    bb   \nccc  d   e\n')
})
