import type { QueryResult, RowsResult } from '../../src/model/query-result.ts'
import type { Database } from '../../src/node/database.ts'
import { openDatabase } from '../../src/node/database.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { settingsOf } from '../../src/node/settings.ts'
import { createTask } from '../../src/storage/tasks/create-task.ts'
import { Client } from '../golden/describe/client.ts'
import { SimClock, SimTimers } from '../sim/sim-clock.ts'
import { SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'

/** A database on a simulated disk that can be made to fail, and what it has logged and done about it. */
export class FaultyNode {
  readonly disk: SimDisk
  readonly clock = new SimClock()
  readonly random: SimRandom
  readonly logged: string[] = []
  /** `stop` and `die`, as they were asked for. */
  readonly actions: string[] = []
  readonly #options: SibylOptions
  timers = new SimTimers(this.clock)
  database!: Database
  client!: Client

  constructor(seed: number, options: SibylOptions = {}) {
    this.random = new SimRandom(seed)
    this.disk = new SimDisk(new SimRandom(seed ^ 0x1234))
    this.#options = { dir: '/data', numTokens: 1, commitlogSync: 'batch', memtableSpaceMiB: 8, ...options }
  }

  /** Opens the directory, as it is. */
  async open(options: SibylOptions = {}): Promise<void> {
    const all = { ...this.#options, ...options }
    this.timers = new SimTimers(this.clock)
    const disk = this.disk.attach(this.timers)
    disk.mkdirpSync('/data')
    const log = (text: string): void => void this.logged.push(text)
    const logger = { info: () => undefined, warn: log, error: log, debug: () => undefined }
    const ports = { disk, clock: this.clock, timers: this.timers, random: this.random, createTask }
    this.database = await this.timers.run(
      openDatabase(all, settingsOf(all), ports, logger, (error) => log(error.message)),
    )
    this.database.failures.started({
      stopTransport: () => void this.actions.push('stop'),
      die: () => void this.actions.push('die'),
    })
    this.client = new Client(this.database)
  }

  /** The process is killed. */
  kill(): void {
    this.timers.clear()
    this.disk.crash('kill')
  }

  /** Executes a statement, durably. */
  async run(cql: string): Promise<QueryResult> {
    const result = await this.timers.run(Promise.resolve(this.client.query(cql)))
    const committed = this.database.processor.commit()
    if (committed !== null) await this.timers.run(committed)
    return result
  }

  /** `run` in words: what a table holds, or an error. */
  async rows(cql: string): Promise<string> {
    const { content, rowCount } = (await this.run(cql)) as RowsResult
    return `${rowCount}:${Buffer.from(content).toString('hex')}`
  }

  flush(): Promise<void> {
    return this.timers.run(this.database.engine.flushTables())
  }

  /** Files of a table by the end of their names. */
  files(table: string, end: string): string[] {
    return this.disk.paths().filter((path) => path.includes(`/data/ks/${table}-`) && path.endsWith(end))
  }
}

export const KEYSPACE =
  "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
