import type { NetworkConnection } from '../../src/io/network.ts'
import { envelope, ResponseDecoder } from '../../src/protocol/client-frames.ts'
import { queryBody } from '../../src/protocol/client-request.ts'
import { type Decoded, decodeResponse } from '../../src/protocol/client-response.ts'
import { Opcode } from '../../src/protocol/opcode.ts'

/** A client over the simulated network; a request whose connection breaks is answered null. */
export class SimClient {
  readonly #connection: NetworkConnection
  readonly #decoder = new ResponseDecoder()
  readonly #waiting = new Map<number, (answer: Decoded | null) => void>()
  #stream = 0
  /** What was pushed to it since it asked for that. */
  readonly events: Decoded[] = []
  #isClosed = false

  constructor(connection: NetworkConnection) {
    this.#connection = connection
    connection.onData((chunk) => {
      this.#decoder.push(chunk)
      for (let frame = this.#decoder.next(); frame !== null; frame = this.#decoder.next()) {
        const answer = decodeResponse(4, frame.opcode, frame.flags, frame.body)
        if (frame.stream < 0) this.events.push(answer)
        this.#waiting.get(frame.stream)?.(answer)
        this.#waiting.delete(frame.stream)
      }
    })
    connection.onClose(() => {
      this.#isClosed = true
      for (const answer of this.#waiting.values()) answer(null)
    })
  }

  ask(opcode: number, body: Buffer): Promise<Decoded | null> {
    if (this.#isClosed) return Promise.resolve(null)
    const stream = this.#stream++ % 32_768
    return new Promise((resolve) => {
      this.#waiting.set(stream, resolve)
      this.#connection.write(envelope(4, 0, stream, opcode, body))
    })
  }

  query(text: string): Promise<Decoded | null> {
    return this.ask(Opcode.QUERY, queryBody(4, text))
  }
}
