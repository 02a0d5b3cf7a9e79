import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readConfigFile } from './config-file.ts'

it('names the file and the line of what is wrong in it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sibyl-config-'))
  try {
    const path = join(dir, 'cassandra.yaml')
    writeFileSync(path, 'num_tokens: 8\n')
    expect(readConfigFile(path)).toEqual({ options: { numTokens: 8, configDirectory: dir }, warnings: [] })
    writeFileSync(path, 'num_tokens: 8\nnum_tokens: 16\n')
    expect(() => readConfigFile(path)).toThrow(`${path}: Invalid yaml: Map keys must be unique (line 2)`)
    expect(() => readConfigFile(join(dir, 'none.yaml'))).toThrow(join(dir, 'none.yaml'))
  } finally {
    rmSync(dir, { recursive: true })
  }
})
