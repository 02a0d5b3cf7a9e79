import type { KeyspaceMetadata, Schema } from '../schema/index.ts'
import type { ReplicationFactors } from './consistency.ts'

/** How many copies keyspaces want, kept by them. */
export class KeyspaceFactors {
  #dataCenter = 'datacenter1'
  #factors = new WeakMap<KeyspaceMetadata, { readonly factors: ReplicationFactors | null }>()
  #lastName: string | null = null
  #lastSchema: Schema | null = null
  #lastFactors: ReplicationFactors | null = null

  get dataCenter(): string {
    return this.#dataCenter
  }

  /** Whose copies are local. */
  set dataCenter(name: string) {
    this.#dataCenter = name
    this.#factors = new WeakMap()
    this.#lastName = null
  }

  /** Null for local and virtual keyspaces, and for one that is not there. */
  of(schema: Schema, name: string): ReplicationFactors | null {
    // Statements mostly ask for the keyspace that the one before asked for.
    if (name === this.#lastName && this.#lastSchema === schema) return this.#lastFactors
    const keyspace = schema.keyspace(name)
    this.#lastName = name
    this.#lastSchema = schema
    this.#lastFactors = keyspace === null ? null : this.#find(keyspace)
    return this.#lastFactors
  }

  #find(keyspace: KeyspaceMetadata): ReplicationFactors | null {
    let found = this.#factors.get(keyspace)
    if (found === undefined) this.#factors.set(keyspace, (found = { factors: this.#compute(keyspace) }))
    return found.factors
  }

  #compute(keyspace: KeyspaceMetadata): ReplicationFactors | null {
    const { replication } = keyspace.params
    const strategy = replication.get('class') ?? ''
    if (keyspace.isVirtual || strategy.endsWith('LocalStrategy')) return null
    // The built-in keyspaces want more copies than one node can hold; what they are read for must work here.
    if (['system_auth', 'system_distributed', 'system_traces'].includes(keyspace.name)) return null
    if (strategy.endsWith('.NetworkTopologyStrategy')) {
      let total = 0
      for (const [name, value] of replication) if (name !== 'class') total += Number.parseInt(value, 10)
      return { total, local: Number.parseInt(replication.get(this.#dataCenter) ?? '0', 10), network: true }
    }
    const total = Number.parseInt(replication.get('replication_factor') ?? '1', 10)
    return { total, local: total, network: false }
  }
}
