import { CorruptionError } from '../../common/errors.ts'
import { CorruptSSTableError } from '../sstable/corruption.ts'
import type { StorageJob, WrittenSSTable } from './storage-task.ts'
import { type TaskRunnerConfig, TaskStoppedError } from './task-runner.ts'

/** What is said to the thread that does the work. Jobs are named by numbers. */
export type TaskRequest =
  | { readonly kind: 'configure'; readonly config: TaskRunnerConfig }
  | {
      readonly kind: 'run'
      readonly id: number
      readonly job: StorageJob
      readonly progress: SharedArrayBuffer
    }
  | { readonly kind: 'stop'; readonly id: number }

/** What it answers. */
export type TaskReply =
  /** It listens: from now on a thread that ends has lost what it was given. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly written: readonly WrittenSSTable[] }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SentError }

/** An error on its way: structured clone knows neither classes nor fields such as `code`. */
export interface SentError {
  readonly className: string | null
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly fields: Readonly<Record<string, unknown>>
  readonly cause: SentError | null
}

/** Classes that are told apart by who gets them. */
const CLASSES: Readonly<Record<string, new (...args: never[]) => Error>> = {
  CorruptSSTableError,
  CorruptionError,
  TaskStoppedError,
  RangeError,
  TypeError,
}

function isPlain(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function') || value === null
}

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) return sendError(new Error(String(error)))
  const { name, message, stack, cause } = error
  const className = Object.keys(CLASSES).find((key) => error instanceof CLASSES[key]!) ?? null
  const fields = Object.fromEntries(Object.entries(error).filter(([, value]) => isPlain(value)))
  return { className, name, message, stack, fields, cause: cause instanceof Error ? sendError(cause) : null }
}

/** The error with its class, text and fields (`code`, `path`, `offset`, ...), and the stack it had there. */
export function receiveError({ className, name, message, stack, fields, cause }: SentError): Error {
  const error = new Error(message, cause === null ? undefined : { cause: receiveError(cause) })
  if (className !== null) Object.setPrototypeOf(error, CLASSES[className]!.prototype)
  else if (name !== 'Error')
    Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  Object.assign(error, fields)
  if (stack !== undefined) error.stack = stack
  return error
}
