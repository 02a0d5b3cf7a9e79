import { expect, it } from 'vitest'
import { InProcessNetwork } from './in-process-network.ts'
import type { NetworkConnection } from './network.ts'
import { nodeTimers } from './node-timers.ts'

async function pair(): Promise<{
  near: NetworkConnection
  far: NetworkConnection
  close: () => Promise<void>
}> {
  const network = new InProcessNetwork(nodeTimers)
  let far: NetworkConnection | null = null
  const listener = await network.host('10.0.0.1').listen({ host: '10.0.0.1', port: 7000 }, (connection) => {
    far = connection
  })
  const near = await network.host('10.0.0.2').connect('10.0.0.1', 7000)
  return { near, far: far!, close: () => listener.close() }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

it('brings bytes in order, later, and says who they are of', async () => {
  const { near, far } = await pair()
  expect([far.remoteAddress, far.localAddress, far.localPort]).toEqual(['10.0.0.2', '10.0.0.1', 7000])
  const chunks: string[] = []
  far.onData((chunk) => chunks.push(chunk.toString()))
  near.write(Buffer.from('one'))
  near.write(Buffer.from('two'))
  expect(chunks).toEqual([])
  await turn()
  expect(chunks.join('')).toBe('onetwo')
})

it('keeps what comes while it is paused, and lets the writer wait', async () => {
  const { near, far } = await pair()
  let bytes = 0
  far.onData((chunk) => {
    bytes += chunk.length
  })
  far.pause()
  let drained = 0
  near.onDrain(() => drained++)
  expect(near.write(Buffer.alloc(1 << 21))).toBe(false)
  await turn()
  expect([bytes, near.unsentBytes, drained]).toEqual([0, 1 << 21, 0])
  far.resume()
  await turn()
  expect([bytes, near.unsentBytes, drained]).toEqual([1 << 21, 0, 1])
})

it('ends on both sides, behind what was written', async () => {
  const { near, far } = await pair()
  const told: string[] = []
  far.onData((chunk) => told.push(chunk.toString()))
  far.onClose(() => told.push('far closed'))
  near.onClose(() => told.push('near closed'))
  near.write(Buffer.from('last'))
  near.end()
  await turn()
  await turn()
  expect(told.filter((text) => text !== 'near closed')).toEqual(['last', 'far closed'])
  expect(told).toContain('near closed')
})

it('refuses where nobody listens, and addresses that are taken', async () => {
  const network = new InProcessNetwork(nodeTimers)
  const host = network.host('10.0.0.1')
  await expect(host.connect('10.0.0.1', 7000)).rejects.toThrow('ECONNREFUSED')
  const listener = await host.listen({ host: '10.0.0.1', port: 7000 }, () => {})
  await expect(host.listen({ host: '10.0.0.1', port: 7000 }, () => {})).rejects.toThrow('EADDRINUSE')
  await listener.close()
  await host.listen({ host: '10.0.0.1', port: 7000 }, () => {})
})
