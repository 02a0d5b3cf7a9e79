import type { Http, HttpListener, HttpRequest, HttpResponse } from '../io/http.ts'
import { type AdminNode, type Arguments, BadUseError, type Json } from './admin-node.ts'
import { OPERATIONS } from './operations.ts'

const PREFIX = '/v1/'

/** The admin port of a node: nodetool's verbs over HTTP. See docs/admin.md for what is asked and answered. */
export class AdminServer {
  readonly #listener: HttpListener

  private constructor(listener: HttpListener) {
    this.#listener = listener
  }

  /** Resolves when verbs are answered; port 0 takes a free one. Rejects when the address can't be had. */
  static async start(
    http: Http,
    address: { readonly host: string; readonly port: number },
    node: AdminNode,
  ): Promise<AdminServer> {
    return new AdminServer(await http.listen(address, (request) => answerAdmin(node, request)))
  }

  get host(): string {
    return this.#listener.host
  }

  get port(): number {
    return this.#listener.port
  }

  close(): Promise<void> {
    return this.#listener.close()
  }
}

/** Answers one request; never rejects. */
export async function answerAdmin(node: AdminNode, request: HttpRequest): Promise<HttpResponse> {
  const refusal = refusalOf(request)
  if (refusal !== null) return failure(403, 'forbidden', refusal)
  const url = new URL(request.target, 'http://localhost')
  const verb = url.pathname.startsWith(PREFIX) ? url.pathname.slice(PREFIX.length) : ''
  const operation = Object.hasOwn(OPERATIONS, verb) ? OPERATIONS[verb] : undefined
  if (operation === undefined) return failure(404, 'unknown', `There is no ${url.pathname}`)
  const { method } = request
  if (method !== 'POST' && (method !== 'GET' || operation.changes)) {
    return failure(405, 'method', `${verb} takes POST${operation.changes ? '' : ' or GET'}`)
  }
  try {
    const args = method === 'GET' ? {} : argumentsOf(request)
    return respond(200, { result: await operation.run(node, args) })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return error instanceof BadUseError ? failure(400, 'badUse', message) : failure(500, 'failure', message)
  }
}

function argumentsOf({ body, headers }: HttpRequest): Arguments {
  if (body === '') return {}
  // Which a page of another site cannot send without asking first.
  if (headers['content-type']?.split(';')[0]?.trim() !== 'application/json') {
    throw new BadUseError('The body is to be application/json')
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (error) {
    throw new BadUseError(`The body is no JSON: ${error instanceof Error ? error.message : error}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new BadUseError('The body is to be an object')
  }
  return parsed as Arguments
}

/**
 * Why a request is refused that a browser may have sent for another site; null where it is not. A page whose name was bound to
 * this address (DNS rebinding) comes with that name as its host, other pages with their origin.
 */
function refusalOf({ headers }: HttpRequest): string | null {
  const { host = '', origin } = headers
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const isAddress = /^\[[0-9a-f:.]+\]$/.test(name) || /^\d+\.\d+\.\d+\.\d+$/.test(name)
  if (name !== 'localhost' && !isAddress) return `Host ${host} is neither an address nor localhost`
  if (origin !== undefined && origin !== `http://${host}`) return `Requests of ${origin} are refused`
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return 'Requests of other sites are refused'
  return null
}

function failure(status: number, kind: string, message: string): HttpResponse {
  return respond(status, { error: { kind, message } })
}

function respond(status: number, body: Json): HttpResponse {
  return { status, contentType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` }
}
