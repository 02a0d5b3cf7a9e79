/** Where a room says what happens; a pino logger is one. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export const SILENT: Logger = { info() {}, warn() {}, error() {} }

const QUIET_MS = 60_000
const MESSAGES_MAX = 100

/**
 * Says the same thing once a minute only, and no more than a hundred different ones: what strangers send must not fill
 * the disk with log (`NoSpamLogger`).
 */
export function withoutSpam(logger: Logger, nowMs: () => number): Logger {
  const said = new Set<string>()
  let since = nowMs()
  const once = (say: (message: string) => void) => (message: string) => {
    const now = nowMs()
    if (now - since >= QUIET_MS) {
      said.clear()
      since = now
    }
    if (said.has(message) || said.size >= MESSAGES_MAX) return
    said.add(message)
    say(message)
  }
  return {
    info: once((message) => logger.info(message)),
    warn: once((message) => logger.warn(message)),
    error: once((message) => logger.error(message)),
  }
}
