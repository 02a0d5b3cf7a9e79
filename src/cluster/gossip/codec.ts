import { type Endpoint, endpointOf } from '../endpoint.ts'
import { APPLICATION_STATES, type ApplicationState, stateOrdinal } from './application-state.ts'
import { EMPTY_VERSION, type EndpointStateView, statesInOrder } from './endpoint-state.ts'
import type { EndpointStates, GossipDigest, GossipMessage } from './message.ts'
import type { VersionedValue } from './versioned-value.ts'

/** The first byte of each message. */
const FORMAT_VERSION = 1

/** Bytes that a digest, a state of an endpoint and an application state take at least. */
const MIN_DIGEST_BYTES = 15
const MIN_ENDPOINT_STATE_BYTES = 20
const MIN_STATE_BYTES = 9

/** Bytes that are no gossip message. */
export class GossipFormatError extends Error {
  override readonly name = 'GossipFormatError'
}

/** Writes big-endian into a buffer that grows. */
class Writer {
  #bytes = Buffer.allocUnsafe(512)
  #length = 0

  #room(length: number): number {
    const at = this.#length
    this.#length += length
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#length))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    return at
  }

  u8(value: number): void {
    const at = this.#room(1)
    this.#bytes.writeUInt8(value, at)
  }

  u16(value: number): void {
    const at = this.#room(2)
    this.#bytes.writeUInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeUInt32BE(value, at)
  }

  i32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeInt32BE(value, at)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  text(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    this.u32(bytes.length)
    this.raw(bytes)
  }

  take(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads what `Writer` writes; throws a GossipFormatError where the bytes end too early. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  #next(length: number): number {
    if (length > this.remaining) throw new GossipFormatError(`Gossip message ends at ${this.#bytes.length}`)
    const at = this.#at
    this.#at += length
    return at
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#next(1))
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#next(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#next(4))
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#next(4))
  }

  raw(length: number): Uint8Array {
    const at = this.#next(length)
    return this.#bytes.subarray(at, at + length)
  }

  text(): string {
    const bytes = this.raw(this.u32())
    try {
      return utf8.decode(bytes)
    } catch {
      throw new GossipFormatError('Gossip message has a text that is no UTF-8')
    }
  }

  /** A count of things of which each takes `least` bytes, so that nothing is allocated for what can't be there. */
  count(least: number): number {
    const count = this.u32()
    if (count * least > this.remaining)
      throw new GossipFormatError(`Gossip message has no room for ${count} items`)
    return count
  }

  /** A version; the least one is that of a state nobody said. */
  version(): number {
    const version = this.i32()
    if (version < EMPTY_VERSION) throw new GossipFormatError(`Gossip message has the version ${version}`)
    return version
  }
}

/** The payload of a message, as docs/formats/gossip.md describes it. */
export function encodeGossip(message: GossipMessage): Uint8Array {
  const out = new Writer()
  out.u8(FORMAT_VERSION)
  switch (message.verb) {
    case 'GOSSIP_DIGEST_SYN':
      out.text(message.clusterName)
      out.text(message.partitioner)
      writeDigests(out, message.digests)
      break
    case 'GOSSIP_DIGEST_ACK':
      writeDigests(out, message.digests)
      writeStates(out, message.states)
      break
    case 'GOSSIP_DIGEST_ACK2':
      writeStates(out, message.states)
      break
    case 'GOSSIP_SHUTDOWN':
      writeState(out, message.state)
  }
  return out.take()
}

/** The message of a payload; throws a GossipFormatError for bytes that are none of that verb. */
export function decodeGossip(verb: GossipMessage['verb'], bytes: Uint8Array): GossipMessage {
  const input = new Reader(bytes)
  const version = input.u8()
  if (version !== FORMAT_VERSION) throw new GossipFormatError(`Gossip message of version ${version}`)
  const message = readMessage(verb, input)
  if (input.remaining > 0) throw new GossipFormatError(`Gossip message has ${input.remaining} bytes too many`)
  return message
}

function readMessage(verb: GossipMessage['verb'], input: Reader): GossipMessage {
  switch (verb) {
    case 'GOSSIP_DIGEST_SYN':
      return { verb, clusterName: input.text(), partitioner: input.text(), digests: readDigests(input) }
    case 'GOSSIP_DIGEST_ACK':
      return { verb, digests: readDigests(input), states: readStates(input) }
    case 'GOSSIP_DIGEST_ACK2':
      return { verb, states: readStates(input) }
    case 'GOSSIP_SHUTDOWN':
      return { verb, state: readState(input) }
  }
}

function writeEndpoint(out: Writer, endpoint: Endpoint): void {
  out.u8(endpoint.address.length)
  out.raw(endpoint.address)
  out.u16(endpoint.port)
}

function readEndpoint(input: Reader): Endpoint {
  const length = input.u8()
  if (length !== 4 && length !== 16)
    throw new GossipFormatError(`Gossip message has an address of ${length} bytes`)
  // A copy: a slice of a Buffer would keep the whole message.
  const address = new Uint8Array(input.raw(length))
  return endpointOf(address, input.u16())
}

function writeDigests(out: Writer, digests: readonly GossipDigest[]): void {
  out.u32(digests.length)
  for (const { endpoint, generation, maxVersion } of digests) {
    writeEndpoint(out, endpoint)
    out.u32(generation)
    out.i32(maxVersion)
  }
}

function readDigests(input: Reader): GossipDigest[] {
  const digests: GossipDigest[] = []
  for (let left = input.count(MIN_DIGEST_BYTES); left > 0; left--) {
    digests.push({ endpoint: readEndpoint(input), generation: input.u32(), maxVersion: input.version() })
  }
  return digests
}

function writeStates(out: Writer, states: EndpointStates): void {
  out.u32(states.length)
  for (const [endpoint, state] of states) {
    writeEndpoint(out, endpoint)
    writeState(out, state)
  }
}

function readStates(input: Reader): EndpointStates {
  const states: [Endpoint, EndpointStateView][] = []
  for (let left = input.count(MIN_ENDPOINT_STATE_BYTES); left > 0; left--) {
    states.push([readEndpoint(input), readState(input)])
  }
  return states
}

function writeState(out: Writer, state: EndpointStateView): void {
  out.u32(state.heartbeat.generation)
  out.i32(state.heartbeat.version)
  out.u32(state.since ?? 0)
  out.u8(state.states.size)
  for (const [name, { value, version }] of statesInOrder(state)) {
    out.u8(stateOrdinal(name))
    out.i32(version)
    out.text(value)
  }
}

/** States that this node doesn't know are of a newer one, and are passed over. */
function readState(input: Reader): EndpointStateView {
  const heartbeat = { generation: input.u32(), version: input.version() }
  const since = input.u32()
  const count = input.u8()
  if (count * MIN_STATE_BYTES > input.remaining)
    throw new GossipFormatError(`Gossip message has no room for ${count} states`)
  const states = new Map<ApplicationState, VersionedValue>()
  for (let left = count; left > 0; left--) {
    const name = APPLICATION_STATES[input.u8()]
    const version = input.version()
    const value = input.text()
    if (name === undefined) continue
    if (states.has(name)) throw new GossipFormatError(`Gossip message says ${name} twice`)
    states.set(name, { value, version })
  }
  return { heartbeat, states, ...(since > 0 ? { since } : {}) }
}
