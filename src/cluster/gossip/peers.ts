import { type Endpoint, endpointOf, parseEndpoint } from '../endpoint.ts'
import type { ApplicationState } from './application-state.ts'

/** What is kept of another node in system.peers and peers_v2; null is what nobody said. */
export interface PeerRow {
  /** `peer` and `peer_port`. */
  readonly endpoint: Endpoint
  readonly dataCenter: string | null
  readonly rack: string | null
  readonly hostId: string | null
  readonly releaseVersion: string | null
  readonly schemaVersion: string | null
  /** `native_address` and `native_port`; the address alone is system.peers' `rpc_address`. */
  readonly native: Endpoint | null
  /** Ascending. */
  readonly tokens: readonly bigint[] | null
}

/** A row that is to be written, whole, or to be deleted. */
export type PeerChange =
  | { readonly kind: 'write'; readonly row: PeerRow }
  | { readonly kind: 'delete'; readonly endpoint: Endpoint }

/** The port of the native protocol where a node doesn't say it. */
const DEFAULT_NATIVE_PORT = 9042

/** Columns that are one application state each. */
const COLUMNS = {
  DC: 'dataCenter',
  RACK: 'rack',
  HOST_ID: 'hostId',
  RELEASE_VERSION: 'releaseVersion',
  SCHEMA: 'schemaVersion',
} as const satisfies Partial<Record<ApplicationState, keyof PeerRow>>

/** The rows of system.peers and peers_v2, and which of them changed since they were asked for last. */
export class PeerTable {
  readonly #rows = new Map<string, PeerRow>()
  readonly #changes = new Map<string, PeerChange>()

  get(endpoint: Endpoint): PeerRow | undefined {
    return this.#rows.get(endpoint.text)
  }

  /** A row that is on disk already. */
  load(row: PeerRow): void {
    this.#rows.set(row.endpoint.text, row)
  }

  /** Takes the value of an application state, if it has a column; true where that is another value than before. */
  take(endpoint: Endpoint, state: ApplicationState, value: string): boolean {
    if (state === 'NATIVE_ADDRESS_AND_PORT' || state === 'RPC_ADDRESS') {
      const native = parseEndpoint(value, DEFAULT_NATIVE_PORT)
      return native !== null && this.#update(endpoint, { native })
    }
    if (!(state in COLUMNS)) return false
    return this.#update(endpoint, { [COLUMNS[state as keyof typeof COLUMNS]]: value })
  }

  setTokens(endpoint: Endpoint, tokens: readonly bigint[]): void {
    this.#update(endpoint, { tokens })
  }

  remove(endpoint: Endpoint): void {
    if (!this.#rows.delete(endpoint.text)) return
    this.#changes.set(endpoint.text, { kind: 'delete', endpoint })
  }

  #update(endpoint: Endpoint, columns: Partial<PeerRow>): boolean {
    const before = this.#rows.get(endpoint.text) ?? emptyRow(endpoint)
    const row = { ...before, ...columns }
    if (this.#rows.has(endpoint.text) && sameRow(before, row)) return false
    this.#rows.set(endpoint.text, row)
    this.#changes.set(endpoint.text, { kind: 'write', row })
    return true
  }

  /** What is to be persisted, each endpoint once. */
  takeChanges(): PeerChange[] {
    const changes = [...this.#changes.values()]
    this.#changes.clear()
    return changes
  }
}

function emptyRow(endpoint: Endpoint): PeerRow {
  return {
    endpoint,
    dataCenter: null,
    rack: null,
    hostId: null,
    releaseVersion: null,
    schemaVersion: null,
    native: null,
    tokens: null,
  }
}

function sameRow(a: PeerRow, b: PeerRow): boolean {
  return (
    Object.values(COLUMNS).every((column) => a[column] === b[column]) &&
    a.native?.text === b.native?.text &&
    String(a.tokens) === String(b.tokens)
  )
}

/** Columns of a row by name: addresses and UUIDs as text, tokens as a set of text, what nobody said as null. */
export type PeerColumns = Readonly<Record<string, string | number | ReadonlySet<string> | null>>

function commonColumns(row: PeerRow): PeerColumns {
  return {
    data_center: row.dataCenter,
    host_id: row.hostId,
    preferred_ip: null,
    rack: row.rack,
    release_version: row.releaseVersion,
    schema_version: row.schemaVersion,
    tokens: row.tokens === null ? null : new Set(row.tokens.map(String).sort()),
  }
}

/** The row in system.peers, whose key is `peer`. */
export function peersColumns(row: PeerRow): PeerColumns {
  return { peer: row.endpoint.host, ...commonColumns(row), rpc_address: row.native?.host ?? null }
}

/** The row in system.peers_v2, whose key is `peer` and `peer_port`. */
export function peersV2Columns(row: PeerRow): PeerColumns {
  return {
    peer: row.endpoint.host,
    peer_port: row.endpoint.port,
    ...commonColumns(row),
    native_address: row.native?.host ?? null,
    native_port: row.native?.port ?? null,
    preferred_port: null,
  }
}

/** The row of what is in system.peers_v2, as `peersV2Columns` wrote it; null where the peer is no address. */
export function peerOf(columns: PeerColumns): PeerRow | null {
  const at = parseEndpoint(hostText(String(columns.peer)), Number(columns.peer_port))
  if (at === null) return null
  const text = (name: string): string | null => (typeof columns[name] === 'string' ? columns[name] : null)
  const native = text('native_address')
  const { tokens } = columns
  return {
    endpoint: endpointOf(at.address, at.port),
    dataCenter: text('data_center'),
    rack: text('rack'),
    hostId: text('host_id'),
    releaseVersion: text('release_version'),
    schemaVersion: text('schema_version'),
    native:
      native === null
        ? null
        : parseEndpoint(hostText(native), Number(columns.native_port ?? DEFAULT_NATIVE_PORT)),
    tokens:
      tokens instanceof Set
        ? [...(tokens as ReadonlySet<string>)].map(BigInt).sort((a, b) => (a < b ? -1 : 1))
        : null,
  }
}

/** An address alone, so that what is after its last colon is not taken for a port. */
function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
