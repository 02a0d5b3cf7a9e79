import fs from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Worker } from 'node:worker_threads'
import type { WorkerListener, WorkerParent, Workers, WorkerThread } from './workers.ts'

// Loaded when the first thread is started: most servers of tests never need one.
const require = createRequire(import.meta.url)

/** The threads' program as the build leaves it, beside the bundle that this code is in. */
const PROGRAM = 'storage-worker.cjs'

/**
 * V8's heap of a thread, in MiB. Memtables, chunks and compressors lie outside. A small nursery keeps what a short job
 * leaves behind small, too.
 */
const OLD_GENERATION_MIB = 192
const YOUNG_GENERATION_MIB = 4

/** Some less than the event loop gets where both want the same core; more would let flushes fall behind writes. */
const NICENESS = 5

class NodeWorkers implements Workers {
  readonly #program: string | null

  constructor(program: string | null) {
    this.#program = program
  }

  start(listener: WorkerListener): WorkerThread {
    const program = this.#program ?? bundledProgram()
    if (!fs.existsSync(program)) throw new Error(`${program} is not there`)
    const { Worker } = require('node:worker_threads') as typeof import('node:worker_threads')
    const worker = new Worker(program, {
      // Loaders and hooks of the program that this one is embedded in are of no use there.
      execArgv: [],
      env: {},
      resourceLimits: {
        maxOldGenerationSizeMb: OLD_GENERATION_MIB,
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB,
      },
    })
    let failure: Error | null = null
    worker.on('message', (message) => listener.onMessage(message))
    worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error))
    })
    worker.on('exit', () => listener.onExit(failure))
    // Listening to messages has made it count.
    worker.unref()
    return new NodeWorkerThread(worker)
  }
}

class NodeWorkerThread implements WorkerThread {
  readonly #worker: Worker

  constructor(worker: Worker) {
    this.#worker = worker
  }

  post(message: unknown): void {
    this.#worker.postMessage(message)
  }

  keepProcessAlive(isKept: boolean): void {
    if (isKept) this.#worker.ref()
    else this.#worker.unref()
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }
}

/**
 * Threads that run the program at that path; by default that of the build. Code that runs from its sources, or was
 * bundled once more without the program, has none, and `start` throws then.
 */
export function createNodeWorkers(program: string | null = null): Workers {
  return new NodeWorkers(program)
}

function bundledProgram(): string {
  return fileURLToPath(new URL(`./${PROGRAM}`, import.meta.url))
}

/** The owner of the thread that this runs in. Throws an Error in the main thread. */
export function nodeWorkerParent(): WorkerParent {
  const { parentPort } = require('node:worker_threads') as typeof import('node:worker_threads')
  if (parentPort === null) throw new Error('This program is for a worker thread')
  return {
    post: (message, transferred = []) => parentPort.postMessage(message, transferred),
    onMessage: (listener) => {
      parentPort.on('message', listener)
    },
  }
}

/** A thread that rests is woken up some 50 us later than it asks for; this is as little as it can ask for. */
const REST_MS = 0.01
const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

/**
 * Gives this thread's core away for a moment; not for the main thread. Linux lets a thread that has a core keep it for a millisecond or
 * so, whatever its priority is, while the event loop waits for it to answer somebody.
 */
export function restForAMoment(): void {
  Atomics.wait(cell, 0, 0, REST_MS)
}

/**
 * Lets other threads go before this one, where the operating system has priorities of threads: on Linux 0 is the thread
 * that calls, elsewhere it would be the whole process.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return
  try {
    os.setPriority(0, NICENESS)
  } catch {
    // Without the right to it the thread works as before.
  }
}
