/** What the transport says to the log. */
export { type Logger as TransportLogger, SILENT, withoutSpam } from '../common/logger.ts'
