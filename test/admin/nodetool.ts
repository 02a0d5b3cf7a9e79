import { resolve } from 'node:path'
import { runNodetool } from '../../src/admin/nodetool/command.ts'
import type { Sibyl } from '../../src/index.ts'
import { nodeHttp } from '../../src/io/node-http.ts'

/** What nodetool said, and its exit code. */
export interface Said {
  readonly out: string
  readonly err: string
  readonly code: number
}

/** Runs `sibyl nodetool` against a server. */
export async function nodetool(server: Pick<Sibyl, 'adminPort'>, ...args: readonly string[]): Promise<Said> {
  let out = ''
  let err = ''
  const code = await runNodetool(['-p', String(server.adminPort), ...args], {
    http: nodeHttp,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    resolve,
    nowMs: () => Date.now(),
  })
  return { out, err, code }
}
