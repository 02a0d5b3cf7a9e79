/** The workers port: threads with a heap of their own, for long work. */
export interface Workers {
  /**
   * Starts a thread. It doesn't keep the process alive, unless it is told to. Throws an Error that says why where there
   * can be none, as when the thread's program isn't there.
   */
  start(listener: WorkerListener): WorkerThread
}

/** What a thread's owner hears, on a later turn than that in which it was started. */
export interface WorkerListener {
  onMessage(message: unknown): void
  /**
   * Once, when the thread has ended, however it did: the error that ended it, if it was one (out of memory among them).
   * There is no message after it.
   */
  onExit(error: Error | null): void
}

export interface WorkerThread {
  /** Sends a copy (structured clone); what is a SharedArrayBuffer is shared. Throws for what can't be copied. */
  post(message: unknown): void
  /** Whether the process waits for the thread. */
  keepProcessAlive(isKept: boolean): void
  /** Ends the thread wherever it is; resolves when it has ended. */
  terminate(): Promise<void>
}

/** The other side: what a thread reaches its owner by. */
export interface WorkerParent {
  /** Sends a copy; what is in `transferred` changes hands instead, and is empty here afterwards. */
  post(message: unknown, transferred?: readonly ArrayBuffer[]): void
  onMessage(listener: (message: unknown) => void): void
}
