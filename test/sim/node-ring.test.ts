import { expect, test } from 'vitest'
import { WholeNodes } from './whole-nodes.ts'

/**
 * Whole nodes of a ring on a simulated clock, network and disks: they are told to change the schema all at once, links between
 * them are cut, processes die and come back. In the end all have the same schema and ring, and every table whose making was
 * acknowledged.
 *
 *   SEEDS=1000 npx vitest run test/sim/node-ring.test.ts      8 seeds without it; SEED=n for one
 */
const seeds =
  process.env['SEED'] === undefined
    ? Array.from({ length: Number(process.env['SEEDS'] ?? 8) }, (_, seed) => seed)
    : [Number(process.env['SEED'])]

interface Told {
  /** Tables by name that were made and that nobody was told to drop. */
  readonly tables: Set<string>
  serial: number
}

function statement(ring: WholeNodes, told: Told): { readonly text: string; readonly table: string | null } {
  const { random } = ring
  const shared = `shared${random.below(2)}`
  switch (random.below(6)) {
    case 0:
    case 1: {
      const table = `t${told.serial++}`
      return { text: `CREATE TABLE ks.${table} (k int PRIMARY KEY, v text)`, table }
    }
    case 2:
      return {
        text: `CREATE TABLE IF NOT EXISTS ks.${shared} (k int PRIMARY KEY, c${random.below(3)} int)`,
        table: null,
      }
    case 3:
      return { text: `ALTER TABLE ks.${shared} ADD d${random.below(4)} int`, table: null }
    case 4:
      return { text: `ALTER TABLE ks.${shared} WITH comment = 'c${told.serial++}'`, table: null }
    default:
      return { text: `DROP TABLE IF EXISTS ks.${shared}`, table: null }
  }
}

async function tell(ring: WholeNodes, told: Told): Promise<void> {
  const running = ring.nodes.filter(({ isRunning }) => isRunning)
  const node = running[ring.random.below(running.length)]
  if (node === undefined) return
  const client = await node.connect()
  const { text, table } = statement(ring, told)
  const answer = await Promise.race([client.query(text), ring.timers.advance(300).then(() => null)])
  if (table !== null && answer?.['kind'] === 'schema_change') told.tables.add(table)
}

async function trouble(ring: WholeNodes): Promise<void> {
  const { random, network, nodes, hosts } = ring
  const [a, b] = [random.below(3), random.below(3)]
  switch (random.below(5)) {
    case 0:
      if (a !== b) network.cut(hosts[a]!, hosts[b]!)
      break
    case 1:
      network.healAll()
      break
    case 2:
      if (nodes[a]!.isRunning) nodes[a]!.crash(random.chance(0.5) ? 'power' : 'kill')
      break
    case 3:
      if (!nodes[a]!.isRunning) {
        const started = nodes[a]!.start().catch(() => undefined)
        await Promise.race([started, ring.timers.advance(2000)])
      }
      break
    default:
      await ring.timers.advance(random.below(500))
  }
}

async function run(seed: number): Promise<void> {
  const ring = new WholeNodes(seed, 3)
  await ring.start()
  await ring.until('all see each other', () => ring.nodes.every(({ node }) => node!.sees(3)), 10_000)
  const first = await ring.nodes[0]!.connect()
  const created = await ring.timers.run(
    first.query("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"),
  )
  expect(created).toMatchObject({ kind: 'schema_change' })
  await ring.timers.advance(500)
  const told: Told = { tables: new Set(), serial: 0 }
  for (let step = 0; step < 25; step++) {
    if (ring.random.chance(0.6)) await tell(ring, told)
    else await trouble(ring)
  }
  ring.network.healAll()
  for (const node of ring.nodes) if (!node.isRunning) node.crash('kill')
  await ring.start(ring.nodes.filter(({ isRunning }) => !isRunning))
  const agree = (): boolean => ring.nodes.every(({ node }) => node!.sees(3))
  await ring.until(`seed ${seed}: all agree`, agree, 120_000)
  const views = []
  for (const node of ring.nodes) {
    const client = await node.connect()
    const read = async (query: string): Promise<unknown> =>
      (await ring.timers.run(client.query(query)))?.['rows']
    views.push({
      tables: await read(
        `SELECT table_name, id, comment FROM system_schema.tables WHERE keyspace_name = 'ks'`,
      ),
      columns: await read(
        `SELECT table_name, column_name, type FROM system_schema.columns WHERE keyspace_name = 'ks'`,
      ),
    })
    for (const table of told.tables) {
      const answer = await ring.timers.run(client.query(`SELECT * FROM ks.${table}`))
      expect(answer, `seed ${seed}: ${table} at ${node.host}`).toMatchObject({ kind: 'rows' })
    }
  }
  expect(views[1], `seed ${seed}`).toEqual(views[0])
  expect(views[2], `seed ${seed}`).toEqual(views[0])
  // What was taken over table by table is what the rows come to when all of them are read.
  const version = await versionOf(ring)
  await ring.timers.run(Promise.all(ring.nodes.map((node) => node.stop())))
  await ring.start()
  expect(await versionOf(ring), `seed ${seed}`).toEqual(version)
  await ring.timers.run(Promise.all(ring.nodes.map((node) => node.stop())))
}

async function versionOf(ring: WholeNodes): Promise<unknown> {
  const client = await ring.nodes[0]!.connect()
  return (await ring.timers.run(client.query('SELECT schema_version FROM system.local')))?.['rows']
}

test.each(seeds)('nodes of a ring come to one schema, whatever happens: seed %i', run, 120_000)
