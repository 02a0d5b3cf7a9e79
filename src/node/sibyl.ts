import { randomUUID } from 'node:crypto'
import { AllowAllAuthenticator, type Authenticator, PasswordAuthenticator } from '../auth/index.ts'
import { ConsistencyLevel } from '../common/errors.ts'
import { parseUuid, uuidText } from '../common/uuid.ts'
import { splitScript } from '../cql/script.ts'
import { TimestampSource } from '../io/clock.ts'
import type { TlsSettings } from '../io/network.ts'
import { nodeClock } from '../io/node-clock.ts'
import { createNodeDisk } from '../io/node-disk.ts'
import { NodeNetwork } from '../io/node-network.ts'
import { nodeRandom } from '../io/node-random.ts'
import { nodeTimers } from '../io/node-timers.ts'
import { NO_VALUES, type QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { internalValue } from '../query/internal-rows.ts'
import type { ClientState } from '../query/query-handler.ts'
import { QueryProcessor } from '../query/query-processor.ts'
import { SchemaService } from '../query/schema-service.ts'
import { TimeUuidSource } from '../query/statement-context.ts'
import { VirtualTables } from '../query/virtual-tables.ts'
import { NativeTransport } from '../server/index.ts'
import { CommitLog } from '../storage/commitlog/commit-log.ts'
import { StorageEngine } from '../storage/storage-engine.ts'
import { createLogger, type Logger } from './logger.ts'
import type { SibylOptions } from './options.ts'
import { type Settings, settingsOf } from './settings.ts'
import { registerSystemViews } from './system-views.ts'
import { randomTokens } from './tokens.ts'
import { CQL_VERSION, NATIVE_PROTOCOL_VERSION, PARTITIONER, RELEASE_VERSION } from './version.ts'

export type { SibylOptions } from './options.ts'

/** What the stock Node driver's Client takes to connect to a server. */
export interface DriverOptions {
  readonly contactPoints: string[]
  readonly localDataCenter: string
  readonly protocolOptions: { readonly port: number }
}

const IN_MEMORY = ':memory:'
const MIB = 1024 * 1024
const NO_FLAGS = { tracing: false, customPayload: null }

/** A running server: one node, listening for CQL clients. */
export class Sibyl {
  readonly host: string
  readonly port: number
  readonly localDataCenter: string
  /** Directory of the data, or ':memory:'. */
  readonly dir: string
  readonly #transport: NativeTransport
  readonly #log: CommitLog | null
  readonly #unlock: () => void
  #stopping: Promise<void> | null = null

  private constructor(
    transport: NativeTransport,
    log: CommitLog | null,
    unlock: () => void,
    dir: string,
    dataCenter: string,
  ) {
    this.#transport = transport
    this.#log = log
    this.#unlock = unlock
    this.host = transport.address.host
    this.port = transport.address.port
    this.dir = dir
    this.localDataCenter = dataCenter
  }

  /** `host:port`, as drivers name a node. */
  get contactPoints(): string[] {
    return [`${this.host}:${this.port}`]
  }

  /** Options for the stock Node driver: `new Client(db.driverOptions)`. */
  get driverOptions(): DriverOptions {
    return {
      contactPoints: [this.host],
      localDataCenter: this.localDataCenter,
      protocolOptions: { port: this.port },
    }
  }

  /**
   * Starts a server; resolves when a query would succeed. Rejects when the directory is another process's, its commit
   * log is corrupt (CorruptionError), the port is taken, or an init statement fails.
   */
  static async start(options: SibylOptions = {}): Promise<Sibyl> {
    const dir = options.dir ?? IN_MEMORY
    const dataCenter = options.dataCenter ?? 'datacenter1'
    const settings = settingsOf(options)
    const logger = createLogger(options.logLevel ?? 'silent')
    const timestamps = new TimestampSource(nodeClock)
    const timeUuids = new TimeUuidSource(timestamps, nodeRandom)
    const engine = new StorageEngine({
      memtableSpaceBytes: (options.memtableSpaceMiB ?? 2048) * MIB,
      maxMutationSizeBytes: settings.query.max_mutation_size_bytes,
    })
    const schema = new SchemaService({ engine, clock: nodeClock, timestamps, timeUuids, dataCenter })
    let log: CommitLog | null = null
    let unlock = (): void => {}
    let fail: (error: Error) => void = () => {}
    if (dir !== IN_MEMORY) {
      const disk = createNodeDisk()
      const lock = disk.lockDirectory(dir)
      unlock = () => lock.release()
      try {
        log = await openLog(dir, disk, engine, schema, settings, logger, (error) => fail(error))
      } catch (error) {
        unlock()
        throw error
      }
    } else schema.finishReplay()
    try {
      const hostId = writeIdentity(schema, options, dataCenter)
      const virtual = new VirtualTables()
      const processor = new QueryProcessor({
        engine,
        schema,
        virtual,
        clock: nodeClock,
        timers: nodeTimers,
        random: nodeRandom,
        timestamps,
        counterId: hostId,
        config: settings.query,
      })
      processor.restorePrepared()
      await runInit(options.init, processor)
      const transport = await NativeTransport.start({
        network: new NodeNetwork(),
        host: options.host ?? '127.0.0.1',
        port: options.port ?? 0,
        handler: processor,
        authenticator: authenticatorOf(options),
        config: settings.transport,
        logger,
        ...(await encryption(options)),
      })
      schema.writeLocal({ rpc_address: transport.address.host, rpc_port: transport.address.port })
      await engine.flush()
      registerSystemViews(virtual, { schema, transport, processor, engine, options, settings })
      const sibyl = new Sibyl(transport, log, unlock, dir, dataCenter)
      fail = (error) => {
        logger.error(`The commit log failed, the server stops: ${error.message}`)
        if (options.commitFailurePolicy === 'die') process.exit(100)
        if ((options.commitFailurePolicy ?? 'stop') === 'stop') void sibyl.stop().catch(() => {})
      }
      return sibyl
    } catch (error) {
      await log?.close().catch(() => {})
      unlock()
      throw error
    }
  }

  /** Answers what is being asked, closes every connection and file. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    try {
      await this.#transport.stop()
      await this.#log?.close()
    } finally {
      this.#unlock()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

async function openLog(
  dir: string,
  disk: ReturnType<typeof createNodeDisk>,
  engine: StorageEngine,
  schema: SchemaService,
  settings: Settings,
  logger: Logger,
  onFailure: (error: Error) => void,
): Promise<CommitLog> {
  const log = await CommitLog.open({
    disk,
    clock: nodeClock,
    timers: nodeTimers,
    random: nodeRandom,
    directory: `${dir}/commitlog`,
    config: settings.commitLog,
    logger,
    onFailure,
  })
  // Records are read as words: each is brought to an aligned place first.
  let scratch = new Uint8Array(1 << 16)
  let words = { i32: new Int32Array(scratch.buffer), u8: scratch }
  await log.replay(({ buffer, offset, length, segmentId }) => {
    if (length > scratch.length) {
      scratch = new Uint8Array((length * 2 + 3) & ~3)
      words = { i32: new Int32Array(scratch.buffer), u8: scratch }
    }
    scratch.set(buffer.subarray(offset, offset + length))
    engine.replay(words, String(segmentId), schema)
  })
  engine.useLog(log)
  schema.finishReplay()
  return log
}

/** Writes this node into system.local, with the id and tokens it had before, if it had any. Returns the id's bytes. */
function writeIdentity(schema: SchemaService, options: SibylOptions, dataCenter: string): Uint8Array {
  const table = schema.systemTable('local')
  const row = schema.readLocal()
  const before = row === null ? null : (internalValue(table, row, 'host_id') as string | null)
  const hostId = before ?? randomUUID()
  const host = options.host ?? '127.0.0.1'
  const address =
    host === 'localhost' ? '127.0.0.1' : host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  schema.listenAddress = address
  schema.writeLocal({
    bootstrapped: 'COMPLETED',
    broadcast_address: address,
    broadcast_port: 7000,
    cluster_name: options.clusterName ?? 'Test Cluster',
    cql_version: CQL_VERSION,
    data_center: dataCenter,
    gossip_generation: Math.floor(nodeClock.nowMs() / 1000),
    host_id: hostId,
    listen_address: address,
    listen_port: 7000,
    native_protocol_version: NATIVE_PROTOCOL_VERSION,
    partitioner: PARTITIONER,
    rack: options.rack ?? 'rack1',
    release_version: RELEASE_VERSION,
    rpc_address: address,
    rpc_port: options.port ?? 9042,
    schema_version: schema.current.version,
    ...(before === null ? { tokens: new Set(randomTokens(options.numTokens ?? 256, nodeRandom)) } : {}),
  })
  return parseUuid(hostId)!
}

function authenticatorOf(options: SibylOptions): Authenticator {
  if (options.authenticator !== 'PasswordAuthenticator') return new AllowAllAuthenticator()
  return new PasswordAuthenticator((user, password) => user === 'cassandra' && password === 'cassandra')
}

/** TLS, if it was asked for; only then its code is loaded. */
async function encryption({ clientEncryption }: SibylOptions): Promise<{ readonly tls?: TlsSettings }> {
  if (clientEncryption?.enabled !== true) return {}
  const [{ tlsSettings }, { readFileSync }] = await Promise.all([
    import('../server/client-encryption.ts'),
    import('node:fs'),
  ])
  const tls = tlsSettings(clientEncryption, readFileSync)
  return tls === null ? {} : { tls }
}

const INTERNAL_OPTIONS: QueryOptions = {
  consistency: ConsistencyLevel.ONE,
  values: NO_VALUES,
  names: null,
  skipMetadata: false,
  pageSize: -1,
  pagingState: null,
  serialConsistency: ConsistencyLevel.SERIAL,
  hasTimestamp: false,
  timestampHi: 0,
  timestampLo: 0,
  nowInSeconds: null,
  keyspace: null,
  protocolVersion: 5,
}

/** Executes the statements of the init files, one after another. */
async function runInit(init: SibylOptions['init'], processor: QueryProcessor): Promise<void> {
  if (init === undefined || init.length === 0) return
  const { readInitFiles } = await import('./init-files.ts')
  const state: ClientState = {
    keyspace: null,
    user: null,
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    protocolVersion: 5,
    startupOptions: new Map(),
  }
  for (const { path, text } of readInitFiles(typeof init === 'string' ? [init] : init)) {
    for (const statement of splitScript(text)) {
      try {
        const result: QueryResult = await processor.query(statement.text, INTERNAL_OPTIONS, state, NO_FLAGS)
        void result
        await processor.commit()
      } catch (error) {
        throw new Error(
          `${path}:${statement.line}: ${error instanceof Error ? error.message : String(error)}`,
          {
            cause: error,
          },
        )
      }
    }
  }
}

export { uuidText }
