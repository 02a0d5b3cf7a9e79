import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeHttp } from '../../src/io/node-http.ts'
import { failure, Workbench } from '../node/support.ts'
import { nodetool } from './nodetool.ts'

/** The admin port as whoever reaches it sees it. */

const bench = new Workbench()
afterEach(() => bench.release())

const JSON_TYPE = { 'content-type': 'application/json' }

async function open() {
  const server = await bench.start({ adminPort: 0 })
  const ask = async (method: string, target: string, headers: Record<string, string> = {}, body = '') => {
    const all = { host: `127.0.0.1:${server.adminPort}`, ...headers }
    const response = await nodeHttp.request('127.0.0.1', server.adminPort!, {
      method,
      target,
      headers: all,
      body,
    })
    return { status: response.status, body: response.body === '' ? null : JSON.parse(response.body) }
  }
  return { server, ask }
}

describe('the admin port', () => {
  it('is off unless it is asked for, and closes with the server', async () => {
    expect((await bench.start()).adminPort).toBeNull()
    expect((await bench.start({ adminPort: 'off' })).adminPort).toBeNull()
    const { server } = await open()
    expect((await nodetool(server, 'version')).out).toBe('ReleaseVersion: 5.0.6\n')
    await server.stop()
    const { err, code } = await nodetool(server, 'version')
    expect(err).toMatch(/^nodetool: Failed to connect to '127\.0\.0\.1:\d+' - .*ECONNREFUSED/)
    expect(code).toBe(1)
  })

  it('keeps a server from starting only where that port was asked for', async () => {
    const busy = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => busy.once('listening', resolve))
    const { port } = busy.address() as AddressInfo
    expect((await failure(bench.start({ adminPort: port }))).message).toContain('EADDRINUSE')
    await new Promise((resolve) => busy.close(resolve))
    const [first, second] = await Promise.all([
      bench.start({ adminPort: 'auto' }),
      bench.start({ adminPort: 'auto' }),
    ])
    // One of them at most has it, and neither has failed.
    for (const server of [first, second]) await bench.connect(server)
    expect([first.adminPort, second.adminPort].filter((one) => one === 7199).length).toBeLessThan(2)
  })

  it('answers JSON, and changes something for POST alone', async () => {
    const { ask } = await open()
    expect(await ask('GET', '/v1/version')).toEqual({ status: 200, body: { result: '5.0.6' } })
    expect(await ask('POST', '/v1/version')).toEqual({ status: 200, body: { result: '5.0.6' } })
    expect((await ask('GET', '/v1/flush')).status).toBe(405)
    expect((await ask('DELETE', '/v1/version')).status).toBe(405)
    expect((await ask('POST', '/v1/flush')).status).toBe(200)
    expect((await ask('GET', '/v1/toString')).status).toBe(404)
    expect((await ask('GET', '/')).status).toBe(404)
    expect(await ask('POST', '/v1/flush', JSON_TYPE, '{"keyspace": "nope"}')).toEqual({
      status: 400,
      body: { error: { kind: 'badUse', message: 'Keyspace [nope] does not exist.' } },
    })
    for (const body of ['{', '[]', '1', '{"keyspace": 1}']) {
      expect((await ask('POST', '/v1/flush', JSON_TYPE, body)).status).toBe(400)
    }
    const large = JSON.stringify({ keyspace: 'x'.repeat(1024 * 1024) })
    const refused = await ask('POST', '/v1/flush', JSON_TYPE, large).catch((error: Error) => error)
    expect(refused instanceof Error ? 413 : refused.status).toBe(413)
    expect((await ask('GET', '/v1/version')).status).toBe(200)
  })

  it('refuses what a browser may have been made to send', async () => {
    const { server, ask } = await open()
    const own = `127.0.0.1:${server.adminPort}`
    const refused: Record<string, string>[] = [
      { host: 'evil.example' },
      { host: `evil.example:${server.adminPort}` },
      { host: '127.0.0.1.evil.example' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: `https://${own}` },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of refused) {
      expect((await ask('POST', '/v1/drain', headers)).status).toBe(403)
      expect((await ask('GET', '/v1/version', headers)).status).toBe(403)
    }
    // A form is sent without asking first; JSON is not.
    expect((await ask('POST', '/v1/flush', { 'content-type': 'text/plain' }, '{}')).status).toBe(400)
    const allowed: Record<string, string>[] = [
      { host: 'localhost:1' },
      { host: '[::1]:7199' },
      { origin: `http://${own}` },
    ]
    for (const headers of allowed) {
      expect((await ask('GET', '/v1/version', headers)).status).toBe(200)
    }
    expect((await nodetool(server, 'statusbinary')).out).toBe('running\n')
  })

  it('does what can be done without files', async () => {
    const { server } = await open()
    const client = await bench.connect(server)
    expect((await client.execute('SELECT key FROM system.local')).rows).toHaveLength(1)
    for (const verb of [
      'tablestats',
      'compactionstats',
      'compactionhistory',
      'info',
      'status',
      'listsnapshots',
      'flush',
      'compact',
    ]) {
      expect(await nodetool(server, verb)).toMatchObject({ err: '', code: 0 })
    }
    expect((await nodetool(server, 'snapshot', '-t', 's')).err).toBe(
      'error: Data lives in memory alone: there is nothing to take a snapshot of\n',
    )
  })

  it('has a page of help for each verb', async () => {
    const { server } = await open()
    const { out } = await nodetool(server, 'help')
    const verbs = [...out.matchAll(/^ {4}(\w+) {2,}\S/gm)].map((match) => match[1]!)
    expect(verbs.length).toBeGreaterThan(20)
    for (const verb of verbs) {
      expect((await nodetool(server, 'help', verb)).out).toContain(`nodetool ${verb} - `)
    }
    expect(await nodetool(server, 'frobnicate')).toEqual({
      out: "nodetool: Found unexpected parameters: [frobnicate]\nSee 'nodetool help' or 'nodetool help <command>'.\n",
      err: '',
      code: 1,
    })
  })
})
