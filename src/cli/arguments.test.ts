import { describe, expect, it } from 'vitest'
import { parseArguments, USAGE } from './arguments.ts'

function options(args: readonly string[], env: Readonly<Record<string, string>> = {}): object {
  const parsed = parseArguments(args, env)
  if (parsed.kind !== 'options') throw new Error(JSON.stringify(parsed))
  return parsed.options
}

describe('arguments', () => {
  it('have defaults', () => {
    expect(options([])).toEqual({
      port: 9042,
      adminPort: 'auto',
      dir: './data',
      init: [],
      logLevel: 'info',
      settings: {},
    })
  })

  it('are flags with their value behind or beside them', () => {
    expect(options(['--port', '0', '--dir=:memory:', '--init', 'a', '--init=b'])).toMatchObject({
      port: 0,
      dir: ':memory:',
      init: ['a', 'b'],
    })
  })

  it('come from the environment where no flag is given', () => {
    const env = { SIBYL_PORT: '1', SIBYL_HOST: '::1', SIBYL_CLUSTER_NAME: 'Delphi' }
    expect(options(['--port', '2'], env)).toMatchObject({ port: 2, host: '::1', clusterName: 'Delphi' })
  })

  it('give settings, those of the environment first', () => {
    const env = { SIBYL_SET: 'max_mutation_size=1MiB, commitlog_sync_period=5s' }
    const args = ['--set', 'max_mutation_size=2MiB', '--set=tombstone_warn_threshold=3']
    expect(options(args, env)).toMatchObject({
      settings: { max_mutation_size: '2MiB', commitlog_sync_period: '5s', tombstone_warn_threshold: '3' },
    })
  })

  it('turn TLS on with a keystore', () => {
    expect(options(['--tls-keystore', 'k.pem', '--tls-optional', '--tls-truststore', 't.pem'])).toMatchObject(
      {
        clientEncryption: {
          enabled: true,
          optional: true,
          keystore: 'k.pem',
          truststore: 't.pem',
          require_client_auth: true,
        },
      },
    )
  })

  it.each([
    [['--prot', '1'], 'unknown argument --prot'],
    [['serve'], 'unknown argument serve'],
    [['--port'], '--port needs a value'],
    [['--port', '65536'], '--port takes a whole number from 0 to 65535, not 65536'],
    [['--commitlog-sync', 'never'], '--commitlog-sync is one of periodic, batch, group, not never'],
    [['--set', 'max_mutation_size'], '--set takes name=value, not max_mutation_size'],
    [['--tls-optional'], '--tls-optional needs --tls-keystore'],
    [['--tls-truststore', 't.pem'], '--tls-truststore needs --tls-keystore'],
  ])('refuse %j', (args, message) => {
    expect(parseArguments(args, {})).toEqual({ kind: 'error', message })
  })

  it('name every flag and variable in the help', () => {
    expect(parseArguments(['-h'], {})).toEqual({ kind: 'help' })
    for (const [, flag] of USAGE.matchAll(/^ {2}--([a-z-]+)/gm)) {
      if (flag !== 'help') expect(USAGE).toContain(`SIBYL_${flag!.toUpperCase().replaceAll('-', '_')}`)
    }
  })
})
