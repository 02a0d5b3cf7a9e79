import { createServer, type IncomingMessage, request as nodeRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Http, HttpListener, HttpRequest, HttpResponse } from './http.ts'

const BODY_MAX = 1024 * 1024

/** The machine's HTTP; `node:http` is loaded with this module, which is loaded when it is needed. */
export const nodeHttp: Http = {
  async listen({ host, port }, answer): Promise<HttpListener> {
    const server = createServer((message, response) => {
      respond(message, response, answer).catch(() => response.destroy())
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    server.on('error', () => {})
    const address = server.address() as AddressInfo
    return {
      host: address.address,
      port: address.port,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve())
          server.closeAllConnections()
        }),
    }
  },

  request(host, port, { method, target, headers, body }): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const outgoing = nodeRequest(
        { host, port, method, path: target, headers, agent: false },
        (incoming) => {
          text(incoming, Number.POSITIVE_INFINITY).then((received) => {
            const contentType = incoming.headers['content-type'] ?? ''
            resolve({ status: incoming.statusCode ?? 0, contentType, body: received ?? '' })
          }, reject)
        },
      )
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  },
}

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  answer: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<void> {
  const body = await text(message, BODY_MAX)
  if (body === null) {
    response.writeHead(413, { connection: 'close' }).end()
    return
  }
  const headers: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const { method = '', url: target = '' } = message
  const answered = await answer({ method, target, headers, body })
  response.writeHead(answered.status, {
    'content-type': answered.contentType,
    'content-length': Buffer.byteLength(answered.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(answered.body)
}

/** All of a body; null when there is more than `max` bytes of it. */
async function text(message: IncomingMessage, max: number): Promise<string | null> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > max) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
