import type { ClusterNode } from '../cluster/cluster-node.ts'
import type { Clock } from '../io/clock.ts'
import type { Disk } from '../io/disk.ts'
import type { TableMetadata } from '../model/table.ts'
import type { TableMetrics } from '../query/metrics.ts'
import type { SchemaService } from '../query/schema-service.ts'
import type { StorageCaches } from '../storage/live-sstable.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'

/** What the verbs of nodetool reach a node by (`StorageServiceMBean` and others). */
export interface AdminNode {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly disk: Disk
  readonly clock: Clock
  /** Null where data lives in memory alone. */
  readonly caches: StorageCaches | null
  readonly dataDirectory: string | null
  metricsOf(table: TableMetadata): TableMetrics
  /** compaction_throughput in bytes a second as it was set at the start. */
  readonly compactionThroughputBytes: number
  readonly releaseVersion: string
  readonly dataCenter: string
  readonly rack: string
  readonly address: string
  readonly startedAtMs: number
  readonly clusterName: string
  readonly snitch: { readonly name: string; readonly isDynamic: boolean }
  /** What it is in its ring; null of a node that is alone. */
  readonly cluster: ClusterNode | null
  readonly isTransportRunning: boolean
  /** Bytes of live SSTables of all tables, as they lie on disk (`StorageMetrics.load`). */
  load(): number
  startTransport(): Promise<void>
  stopTransport(): Promise<void>
  /** Takes no clients any more and leaves the commit log empty; writes are refused from then on. */
  drain(): Promise<void>
}

/** The request is not one that can be carried out: nodetool says how it is to be used (exit code 1). */
export class BadUseError extends Error {}

/** A value that JSON has. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** What a verb is asked with. */
export type Arguments = Readonly<Record<string, unknown>>

export interface Operation {
  /** It changes something: only POST may. */
  readonly changes: boolean
  run(node: AdminNode, args: Arguments): Promise<Json> | Json
}

export function textOf(args: Arguments, name: string): string | null {
  const value = args[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw new BadUseError(`${name} is to be a text`)
  return value
}

export function numberOf(args: Arguments, name: string): number | null {
  const value = args[name]
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new BadUseError(`${name} is to be a number`)
  return value
}

export function flagOf(args: Arguments, name: string): boolean {
  const value = args[name]
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new BadUseError(`${name} is to be true or false`)
  return value
}

export function textsOf(args: Arguments, name: string): readonly string[] {
  const value = args[name]
  if (value === undefined || value === null) return []
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.map((one) => {
    if (typeof one !== 'string') throw new BadUseError(`${name} is to be a list of texts`)
    return one
  })
}
