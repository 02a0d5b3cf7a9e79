import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { dirname } from 'node:path'
import { type ConfigFile, readCassandraYaml } from '../node/cassandra-yaml.ts'

/** A cassandra.yaml; the files that snitches read lie beside it. Throws a ConfigurationError that names the file. */
export function readConfigFile(path: string): ConfigFile {
  const { options, warnings } = readCassandraYaml(readFileSync(path, 'utf8'), path, networkInterfaces())
  return { options: { ...options, configDirectory: dirname(path) }, warnings }
}
