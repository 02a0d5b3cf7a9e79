import { type InboundMessage, RequestFailureReason } from '../messaging/index.ts'
import { IncompatibleSchemaError } from './mutation-message.ts'

/**
 * Tells a coordinator that what it asked for can't be done, and the log why; a schema that is not known here yet is no fault. `what` names
 * the request in the log; the verb does without it.
 */
export function failMessage(
  message: InboundMessage,
  error: unknown,
  logger: { error(text: string): void },
  what: string = message.verb.name,
): void {
  if (error instanceof IncompatibleSchemaError) {
    message.fail(RequestFailureReason.INCOMPATIBLE_SCHEMA)
    return
  }
  const text = error instanceof Error ? error.message : String(error)
  logger.error(`${what} of ${message.from.text} failed: ${text}`)
  message.fail(RequestFailureReason.UNKNOWN)
}
