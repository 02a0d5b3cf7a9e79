import { describe, expect, it } from 'vitest'
import type { SibylOptions } from './options.ts'
import { isRingNode } from './ring-mode.ts'
import { ringAddressesOf } from './ring-options.ts'

const NAMES: Readonly<Record<string, string>> = { '': '172.17.0.2', cassandra1: '172.17.0.3', six: '::1' }

async function found(options: SibylOptions): Promise<{ readonly [name: string]: unknown }> {
  const warnings: string[] = []
  const lookup = async (name: string): Promise<string | null> => NAMES[name] ?? null
  const { listen, broadcast, rpcHost, nativeHost, seeds } = await ringAddressesOf(options, lookup, {
    warn: (text) => void warnings.push(text),
  })
  return {
    listen: `${listen.host}:${listen.port}`,
    broadcast: broadcast.text,
    rpcHost,
    nativeHost,
    seeds: seeds.map(({ text }) => text),
    warnings,
  }
}

describe('a server is a node of a ring', () => {
  it('where something of a ring is said, and else alone', () => {
    expect(isRingNode({})).toBe(false)
    expect(isRingNode({ host: '10.0.0.1', dataCenter: 'dc1', rack: 'r1', numTokens: 16 })).toBe(false)
    expect(isRingNode({ seeds: '10.0.0.1' })).toBe(true)
    expect(isRingNode({ listenAddress: '10.0.0.1' })).toBe(true)
    expect(isRingNode({ endpointSnitch: 'SimpleSnitch' })).toBe(true)
  })
})

describe('addresses of a node', () => {
  it('follow from one another', async () => {
    const local = '127.0.0.1'
    expect(await found({ seeds: '127.0.0.1' })).toEqual({
      listen: `${local}:7000`,
      broadcast: `${local}:7000`,
      rpcHost: local,
      nativeHost: local,
      seeds: [`${local}:7000`],
      warnings: [],
    })
    expect(await found({ host: '10.0.0.5', seeds: ['10.0.0.1', '10.0.0.2:7001'] })).toMatchObject({
      listen: '10.0.0.5:7000',
      nativeHost: '10.0.0.5',
      seeds: ['10.0.0.1:7000', '10.0.0.2:7001'],
    })
    expect(await found({ listenAddress: '10.0.0.5', storagePort: 7100 })).toMatchObject({
      listen: '10.0.0.5:7100',
      rpcHost: '10.0.0.5',
      seeds: ['10.0.0.5:7100'],
    })
  })

  it('are those of the image where clients are served at all', async () => {
    expect(await found({ host: '0.0.0.0', listenAddress: 'auto', seeds: 'cassandra1, nobody' })).toEqual({
      listen: '172.17.0.2:7000',
      broadcast: '172.17.0.2:7000',
      rpcHost: '0.0.0.0',
      nativeHost: '172.17.0.2',
      seeds: ['172.17.0.3:7000'],
      warnings: ["Seed provider couldn't lookup host nobody"],
    })
    expect(
      await found({ host: '0.0.0.0', broadcastAddress: '8.8.8.8', broadcastRpcAddress: '9.9.9.9' }),
    ).toMatchObject({
      listen: '172.17.0.2:7000',
      broadcast: '8.8.8.8:7000',
      nativeHost: '9.9.9.9',
    })
  })

  it('are refused in the words of Cassandra', async () => {
    await expect(found({ listenAddress: 'nobody' })).rejects.toThrow("Unknown listen_address 'nobody'")
    await expect(found({ listenAddress: '0.0.0.0' })).rejects.toThrow(
      'listen_address cannot be a wildcard address (0.0.0.0)!',
    )
    await expect(found({ seeds: '1.2.3.4', broadcastAddress: '0.0.0.0' })).rejects.toThrow(
      'broadcast_address cannot be a wildcard address (0.0.0.0)!',
    )
    await expect(found({ seeds: 'nobody' })).rejects.toThrow('The seed provider lists no seeds.')
    await expect(found({ seeds: 'x', host: 'nobody', listenAddress: 'six' })).rejects.toThrow(
      'Unknown host in rpc_address nobody',
    )
  })
})
