/** What the transport says to the log; a pino logger is one. */
export interface TransportLogger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

export const SILENT: TransportLogger = { info() {}, warn() {}, error() {} }
