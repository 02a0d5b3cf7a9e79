import { defineConfig } from 'vitest/config'
import { breaking } from './test/sim/breaks/plugin.js'

/** See scripts/proof-breaks.js. */
const broken = process.env['BREAK']

export default defineConfig({
  plugins: broken === undefined ? [] : [{ ...breaking(broken), enforce: 'pre' }],
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'compat-tests/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
