/**
 * Internode messaging over loopback: request and response pairs between two processes, with payloads of 200 bytes each
 * way, so many requests open at a time. Bundle it and run it: rolldown bench/messaging.ts --platform node --file FILE,
 * node FILE. PAYLOAD, OPEN and SECONDS change what is sent.
 */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseEndpoint } from '../src/cluster/endpoint.ts'
import { InternodeMessaging } from '../src/cluster/messaging/internode-messaging.ts'
import type { RequestCallback } from '../src/cluster/messaging/messaging-service.ts'
import { Verb } from '../src/cluster/messaging/verb.ts'
import { nodeClock } from '../src/io/node-clock.ts'
import { NodeNetwork } from '../src/io/node-network.ts'
import { nodeRandom } from '../src/io/node-random.ts'
import { nodeTimers } from '../src/io/node-timers.ts'

const PAYLOAD = Number(process.env['PAYLOAD'] ?? 200)
const SECONDS = Number(process.env['SECONDS'] ?? 3)
const SERVER = parseEndpoint('127.0.0.1:17101')!
const CLIENT = parseEndpoint('127.0.0.1:17100')!
const payload = new Uint8Array(PAYLOAD).fill(1)

function service(self: typeof SERVER): InternodeMessaging {
  return new InternodeMessaging({
    self,
    network: new NodeNetwork(),
    clock: nodeClock,
    timers: nodeTimers,
    random: nodeRandom,
  })
}

async function serve(): Promise<void> {
  const server = service(SERVER)
  server.handle(Verb.MUTATION_REQ, (message) => message.respond(payload))
  await server.listen()
  process.send!('ready')
  process.on('disconnect', () => process.exit())
}

/** Keeps `open` requests open for a while; returns how many were answered in a second. */
async function measure(client: InternodeMessaging, open: number, seconds: number): Promise<number> {
  let answered = 0
  let failed = 0
  let isOver = false
  const startedMs = performance.now()
  await new Promise<void>((resolve) => {
    let left = open
    const next = (): void => {
      if (!isOver) client.request(SERVER, Verb.MUTATION_REQ, payload, callback)
      else if (--left === 0) resolve()
    }
    const callback: RequestCallback = {
      timeoutMs: 5000,
      onResponse() {
        answered++
        next()
      },
      onFailure() {
        failed++
        next()
      },
    }
    for (let i = 0; i < open; i++) next()
    setTimeout(() => (isOver = true), seconds * 1000)
  })
  if (failed > 0) throw new Error(`${failed} requests failed`)
  return Math.round((answered / (performance.now() - startedMs)) * 1000)
}

async function main(): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ['serve'])
  await new Promise((resolve) => server.once('message', resolve))
  const client = service(CLIENT)
  await client.listen()
  await measure(client, 64, 1)
  for (const open of process.env['OPEN'] === undefined ? [1, 16, 128, 1024] : [Number(process.env['OPEN'])]) {
    const before = process.cpuUsage()
    const rate = await measure(client, open, SECONDS)
    const { user, system } = process.cpuUsage(before)
    const micros = (user + system) / (rate * SECONDS)
    console.log(
      `${open} open: ${rate} pairs/s of ${PAYLOAD} bytes, ${micros.toFixed(2)} us of CPU a pair here`,
    )
  }
  await client.close()
  server.disconnect()
}

await (process.argv[2] === 'serve' ? serve() : main())
