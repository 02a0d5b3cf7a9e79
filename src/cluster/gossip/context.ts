import type { Endpoint } from '../endpoint.ts'
import type { ApplicationState } from './application-state.ts'
import type { Outgoing } from './message.ts'
import type { GossipSettings } from './settings.ts'
import type { EndpointStateSubscriber, GossipLogger, RingMembers } from './subscriber.ts'
import type { VersionedValue } from './versioned-value.ts'

/** The time by both clocks, milliseconds: wall time is said to others, monotonic time measures. */
export interface GossipTime {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** What the parts of one node's gossip share: its settings, the time of this call, and what the call leads to. */
export class GossipContext {
  readonly settings: GossipSettings
  readonly members: RingMembers
  readonly log: GossipLogger
  readonly subscribers: EndpointStateSubscriber[] = []
  now: GossipTime
  #version = 0
  #out: Outgoing[] = []

  constructor(settings: GossipSettings, members: RingMembers, log: GossipLogger, now: GossipTime) {
    this.settings = settings
    this.members = members
    this.log = log
    this.now = now
  }

  /** The next version of this node (`VersionGenerator`). */
  nextVersion(): number {
    return ++this.#version
  }

  value(value: string): VersionedValue {
    return { value, version: this.nextVersion() }
  }

  send(to: Endpoint, message: Outgoing['message']): void {
    this.#out.push({ to, message })
  }

  /** What is to be sent since it was asked last. */
  take(): Outgoing[] {
    const out = this.#out
    this.#out = []
    return out
  }

  changed(endpoint: Endpoint, state: ApplicationState, value: VersionedValue): void {
    for (const subscriber of this.subscribers) subscriber.onChange(endpoint, state, value)
  }
}
