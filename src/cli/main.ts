import { createLogger } from '../node/logger.ts'
import { ringNodeName } from '../node/ring-mode.ts'
import { Sibyl } from '../node/sibyl.ts'
import { RELEASE_VERSION } from '../node/version.ts'
import { parseArguments, USAGE } from './arguments.ts'
import { readConfigFile } from './config-file.ts'

/** The command: serves until SIGTERM or SIGINT, or runs a tool. */
async function main(): Promise<number> {
  const args = process.argv.slice(2)
  if (args[0] === 'sstable') {
    const { runSSTableCommand } = await import('../admin/sstable-tools/index.ts')
    return runSSTableCommand(args.slice(1), process.stdout, process.stderr)
  }
  if (args[0] === 'nodetool') return nodetool(args.slice(1))
  if (args[0] === 'cluster') return (await import('./cluster.ts')).runCluster(args.slice(1))
  const parsed = parseArguments(args, process.env, readConfigFile)
  if (parsed.kind === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (parsed.kind === 'error') {
    process.stderr.write(`sibyl: ${parsed.message}\n\n${USAGE}`)
    return 2
  }
  const { options, warnings } = parsed
  const logger = createLogger(options.logLevel ?? 'info', ringNodeName(options))
  for (const warning of warnings) logger.warn(warning)
  const db = await Sibyl.start(options)
  // The loop's delay is asked for by signal where it is being measured.
  if (process.env['SIBYL_LOOP_DELAY'] === '1') await watchLoopDelay()
  process.stdout.write(
    `Sibyl ${RELEASE_VERSION}-compatible is listening for CQL clients on ${db.host}:${db.port} (dir ${db.dir}, data centre ${db.localDataCenter})\n`,
  )
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
    // Whoever started it over a channel, as `sibyl cluster` does its nodes, is gone.
    process.once('disconnect', () => resolve())
  })
  await db.stop()
  if (process.connected) process.disconnect()
  return 0
}

async function nodetool(args: readonly string[]): Promise<number> {
  const [{ runNodetool }, { nodeHttp }, { resolve }] = await Promise.all([
    import('../admin/nodetool/command.ts'),
    import('../io/node-http.ts'),
    import('node:path'),
  ])
  // Whoever reads may have seen enough: `nodetool ring | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  return runNodetool(args, {
    http: nodeHttp,
    out: process.stdout,
    err: process.stderr,
    resolve,
    nowMs: () => Date.now(),
  })
}

async function watchLoopDelay(): Promise<void> {
  const { monitorEventLoopDelay } = await import('node:perf_hooks')
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  process.on('SIGUSR2', () => {
    const ms = (nanos: number): string => (nanos / 1e6).toFixed(2)
    process.stdout.write(
      `loop-delay p99.9 ${ms(histogram.percentile(99.9))} ms max ${ms(histogram.max)} ms\n`,
    )
    histogram.reset()
  })
}

main().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`sibyl: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  },
)
