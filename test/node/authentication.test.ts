import cassandra from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import { failure, Workbench } from './support.ts'

/** PasswordAuthenticator, with the stock driver. */

const bench = new Workbench()
afterEach(() => bench.release())

const QUERY = `SELECT release_version FROM system.local WHERE key = 'local'`

/** What the driver's NoHostAvailableError has inside. */
function inner(error: Error): Error | undefined {
  const { innerErrors } = error as Error & { readonly innerErrors?: Readonly<Record<string, Error>> }
  return Object.values(innerErrors ?? {})[0]
}

describe('PasswordAuthenticator', () => {
  it('lets in cassandra with its password', async () => {
    const server = await bench.start({ authenticator: 'PasswordAuthenticator' })
    const client = await bench.connect(server, {
      credentials: { username: 'cassandra', password: 'cassandra' },
    })
    expect((await client.execute(QUERY)).rows[0]!['release_version']).toBe('5.0.6')
    const { rows } = await client.execute('SELECT username FROM system_views.clients')
    expect(rows.map((row) => row['username'])).toContain('cassandra')
    const shown = await client.execute(`SELECT value FROM system_views.settings WHERE name = 'authenticator'`)
    expect(shown.rows[0]!['value']).toBe('PasswordAuthenticator')
  })

  it('lets in by the SASL provider too', async () => {
    const server = await bench.start({ authenticator: 'PasswordAuthenticator' })
    const authProvider = new cassandra.auth.PlainTextAuthProvider('cassandra', 'cassandra')
    const client = await bench.connect(server, { authProvider })
    expect((await client.execute(QUERY)).rowLength).toBe(1)
  })

  it.each([
    ['a wrong password', 'cassandra', 'wrong'],
    ['an unknown user', 'nobody', 'cassandra'],
    ['an empty password', 'cassandra', ''],
    ['a wrong case', 'Cassandra', 'cassandra'],
  ])('keeps out %s', async (_what, username, password) => {
    const server = await bench.start({ authenticator: 'PasswordAuthenticator' })
    const client = bench.client(server, { credentials: { username, password } })
    const error = inner(await failure(client.connect()))
    expect(error?.name).toBe('AuthenticationError')
    // The server is there for the next one.
    const good = await bench.connect(server, {
      credentials: { username: 'cassandra', password: 'cassandra' },
    })
    expect((await good.execute(QUERY)).rowLength).toBe(1)
  })

  it('keeps out who says nothing', async () => {
    const server = await bench.start({ authenticator: 'PasswordAuthenticator' })
    const error = inner(await failure(bench.client(server).connect()))
    expect(error?.name).toBe('AuthenticationError')
  })
})

it('AllowAllAuthenticator takes clients that send credentials', async () => {
  const client = await bench.connect(await bench.start(), {
    credentials: { username: 'anybody', password: 'anything' },
  })
  expect((await client.execute(QUERY)).rowLength).toBe(1)
})
