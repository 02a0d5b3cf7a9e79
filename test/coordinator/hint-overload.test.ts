import { expect, test } from 'vitest'
import type { HintSink } from '../../src/cluster/coordinator/batchlog.ts'
import type { RingNode } from '../../src/cluster/ring/ring.ts'
import { ConsistencyLevel as Level, OverloadedError } from '../../src/common/errors.ts'
import { StoreWorld } from '../sim/ring/store-world.ts'
import { SimRing } from './sim-ring.ts'

/** Hints that nobody takes are not heaped up: writes to those that cause them are refused (`StorageProxy.checkHintOverload`). */

test('a node whose hints wait while the disk takes nothing is not written to', () => {
  const world = new StoreWorld(1, 3, 3)
  const [writer, down, healthy] = world.machines
  const { hints } = writer!.process!
  world.dead.set(down!.node.endpoint.text, world.clock.nowMs())
  writer!.disk.faults.push({ operation: 'write', code: 'EIO', after: 0 })
  // What follows the mutation is nobody's; it makes the hint a large one.
  const mutation = new Uint8Array(1 << 20)
  mutation.set(world.mutation(1))
  for (let i = 1; i <= 24; i++) {
    expect(hints.isOverloaded).toBe(false)
    hints.store([down!.node], mutation)
  }
  expect(hints.isOverloaded).toBe(true)
  expect(() => hints.checkOverload(down!.node)).toThrow(
    new OverloadedError(
      `Too many in flight hints: 24 destination: /${down!.node.endpoint.text} destination hints: 24`,
    ),
  )
  hints.checkOverload(healthy!.node)
  writer!.disk.faults.length = 0
  hints.flush()
  expect(hints.isOverloaded).toBe(false)
  hints.checkOverload(down!.node)
})

class Overloaded implements HintSink {
  readonly isOverloaded = true
  readonly stored: RingNode[] = []
  readonly #host: string

  constructor(host: string) {
    this.#host = host
  }

  checkOverload({ endpoint }: RingNode): void {
    if (endpoint.host === this.#host) throw new OverloadedError('Too many in flight hints')
  }

  shouldHint(): boolean {
    return true
  }

  store(nodes: readonly RingNode[]): null {
    this.stored.push(...nodes)
    return null
  }
}

test('such a write is refused before anything is sent', async () => {
  const tokens = [-6148914691236517206n, 0n, 6148914691236517206n]
  const ring = await SimRing.start({ places: tokens.map((token) => ({ tokens: [token] })) })
  await ring.schema(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
    'CREATE TABLE ks.t (p int PRIMARY KEY) WITH id = 11111111-1111-4111-8111-111111111111',
  )
  const hints = new Overloaded('10.0.0.3')
  ring.nodes[0]!.coordinator.useHints(hints)
  ring.markDown(2)
  for (const cql of [
    'INSERT INTO ks.t (p) VALUES (1)',
    'BEGIN BATCH INSERT INTO ks.t (p) VALUES (1); INSERT INTO ks.t (p) VALUES (2); APPLY BATCH',
  ]) {
    const error = await ring.error(0, cql, Level.ONE)
    expect(error).toMatchObject({ code: 0x1001, message: 'Too many in flight hints' })
  }
  expect(hints.stored).toEqual([])
  for (let n = 0; n < 3; n++) expect(await ring.ownRows(n, 'SELECT * FROM ks.t')).toEqual([])
  expect(await ring.rows(0, 'SELECT * FROM ks.t', Level.QUORUM)).toEqual([])
})
