import { createRequire } from 'node:module'

/** What the rooms need of a logger. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug'

const SILENT: Logger = { info() {}, warn() {}, error() {} }

/**
 * A logger to stderr. pino is loaded with the first line that is logged: most servers start without one.
 *
 * @param node who says it, where nodes of a ring may log to one place; null for one that is alone
 */
export function createLogger(level: LogLevel, node: string | null = null): Logger {
  if (level === 'silent') return SILENT
  let loaded: Logger | null = null
  const load = (): Logger => {
    if (loaded === null) {
      const pino = createRequire(import.meta.url)('pino') as typeof import('pino')
      loaded = pino.default(
        { level, base: node === null ? null : { node } },
        pino.destination({ dest: 2, sync: true }),
      )
    }
    return loaded
  }
  return {
    info: (message) => load().info(message),
    warn: (message) => load().warn(message),
    error: (message) => load().error(message),
  }
}
