import cassandra, { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { driverOptions, refusal, useSession } from '../harness.ts'

const { Client } = cassandra
const db = useSession('connect')

describe('connecting', () => {
  test('the driver finds one host, its version, data centre, rack and tokens', () => {
    const hosts = db.client.hosts.values()
    expect(hosts).toHaveLength(1)
    const [host] = hosts
    expect(host.isUp()).toBe(true)
    expect(host.cassandraVersion).toMatch(/^5\.0\.\d+/)
    expect(host.datacenter).toBe('datacenter1')
    expect(host.rack).toBe('rack1')
    expect(host.tokens.length).toBeGreaterThan(0)
    expect(String(host.hostId)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
  })

  test('system.local names the cluster as drivers expect it', async () => {
    const [row] = (
      await db.run('SELECT key, partitioner, cql_version, native_protocol_version FROM system.local')
    ).rows
    expect(row.key).toBe('local')
    expect(row.partitioner).toBe('org.apache.cassandra.dht.Murmur3Partitioner')
    expect(row.cql_version).toBe('3.4.7')
    expect(row.native_protocol_version).toBe('5')
  })

  test.each([3, 4])('protocol version %i can be asked for', async (version) => {
    const client = new Client({
      ...driverOptions(db.target),
      protocolOptions: { port: db.target.port, maxVersion: version },
    })
    await client.connect()
    expect(
      (client as unknown as { controlConnection: { protocolVersion: number } }).controlConnection
        .protocolVersion,
    ).toBe(version)
    const result = await client.execute('SELECT key FROM system.local WHERE key = ?', ['local'], {
      prepare: true,
    })
    expect(result.first().key).toBe('local')
    await client.shutdown()
  })

  test('by default the driver ends at the newest version that both speak', async () => {
    const client = new Client(driverOptions(db.target))
    await client.connect()
    expect(
      (client as unknown as { controlConnection: { protocolVersion: number } }).controlConnection
        .protocolVersion,
    ).toBe(4)
    await client.shutdown()
  })

  test('credentials are not asked for, and harmless if given', async () => {
    const client = new Client({
      ...driverOptions(db.target),
      credentials: { username: 'cassandra', password: 'cassandra' },
    })
    await client.connect()
    await client.shutdown()
  })

  test('a keyspace that is not there is refused', async () => {
    const client = new Client({ ...driverOptions(db.target), keyspace: 'compat_no_such_keyspace' })
    let text = ''
    try {
      await client.connect()
    } catch (error) {
      text = `${(error as Error).message} ${JSON.stringify(Object.values((error as { innerErrors?: object }).innerErrors ?? {}).map((inner) => (inner as Error).message))}`
    }
    await client.shutdown()
    expect(text).toContain("Keyspace 'compat_no_such_keyspace' does not exist")
  })

  test('USE changes the keyspace of later statements, quoted names too', async () => {
    const client = new Client(driverOptions(db.target))
    await client.connect()
    await client.execute(`USE ${db.keyspace}`)
    expect(client.keyspace).toBe(db.keyspace)
    await client.execute('CREATE TABLE "Used" (k int PRIMARY KEY, "Value" text)')
    await client.execute('INSERT INTO "Used" (k, "Value") VALUES (1, \'one\')')
    expect((await client.execute('SELECT "Value" FROM "Used" WHERE k = 1')).first()['Value']).toBe('one')
    expect(await refusal(client.execute('SELECT value FROM "Used" WHERE k = 1'))).toBe(
      '0x2200 Undefined column name value in table compat_connect."Used"',
    )
    await client.shutdown()
  })

  test('every consistency level that one node can keep is taken', async () => {
    await db.run('CREATE TABLE levels (k int PRIMARY KEY, v int)')
    const levels = ['one', 'quorum', 'all', 'localQuorum', 'localOne'] as const
    for (const level of levels) {
      const consistency = types.consistencies[level]
      await db.run('INSERT INTO levels (k, v) VALUES (?, ?)', [1, consistency], { consistency })
      expect(await db.rows('SELECT v FROM levels WHERE k = ?', [1], { consistency })).toEqual([[consistency]])
    }
    await db.run('INSERT INTO levels (k, v) VALUES (2, 2)', [], { consistency: types.consistencies.any })
    expect(await db.rows('SELECT v FROM levels WHERE k = 2')).toEqual([[2]])
  })

  test('an empty result and a result of many columns keep their column list', async () => {
    await db.run('CREATE TABLE wide (k int PRIMARY KEY, a text, b text, c text, d text, e text)')
    const result = await db.run('SELECT * FROM wide')
    expect(result.columns.map((column) => column.name)).toEqual(['k', 'a', 'b', 'c', 'd', 'e'])
    expect(result.rows).toHaveLength(0)
  })
})
