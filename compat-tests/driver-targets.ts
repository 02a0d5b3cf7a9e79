/** The servers that a driver's own program tests, and how it is told of them. */

import { spawnSibyl, startTarget, temporaryDirectory } from './harness.ts'

export interface DriverTargets {
  /** The environment variables that name the servers. */
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/**
 * The named server, or a Sibyl; and beside the latter one that asks for credentials, since the program cannot ask for
 * that itself.
 */
export async function startDriverTargets(): Promise<DriverTargets> {
  const target = await startTarget()
  const env: Record<string, string> = { CASSANDRA_CONTACT_POINTS: `${target.host}:${target.port}` }
  if (target.kind === 'named') return { env, stop: () => target.stop() }
  const directory = temporaryDirectory('compat-auth')
  const guarded = await spawnSibyl({
    dir: directory.path,
    args: ['--authenticator', 'PasswordAuthenticator'],
  })
  env['CASSANDRA_AUTH_CONTACT_POINTS'] = `${guarded.host}:${guarded.port}`
  return {
    env,
    stop: async () => {
      await guarded.kill('SIGTERM')
      directory.remove()
      await target.stop()
    },
  }
}
