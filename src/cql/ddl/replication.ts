/** Replication options of a keyspace (`ReplicationParams`, `AbstractReplicationStrategy` and its strategies). */

import { ConfigurationError, ServerError } from '../../common/errors.ts'
import {
  factorOf,
  factorProblem,
  isSystemKeyspace,
  STRATEGY_PACKAGE,
  strategyName,
} from '../../schema/index.ts'
import { guardMaximum, guardMinimum } from '../guardrails/guardrails.ts'
import type { Execution } from './context.ts'
import { hashOrder } from './java.ts'

const FACTOR = 'replication_factor'

type Strategy = 'SimpleStrategy' | 'NetworkTopologyStrategy' | 'LocalStrategy' | 'OldNetworkTopologyStrategy'

/** Options with `class` as its full name, prepared as the strategy wants them; nothing validated yet. */
export function replicationFromOptions(
  execution: Execution,
  options: ReadonlyMap<string, string>,
  previous: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const prepared = inHashOrder(options)
  prepared.delete('class')
  const name = options.get('class')
  // `replication = {}` passes Cassandra's check for a class and runs into this.
  if (name === undefined) {
    throw new ServerError(
      'java.lang.NullPointerException: Cannot invoke "String.contains(java.lang.CharSequence)" because "cls" is null',
    )
  }
  const strategy = strategyOf(execution, name)
  const before = new Map(previous)
  before.delete('class')
  switch (strategy) {
    case 'NetworkTopologyStrategy':
      prepareNetworkTopology(execution, prepared, before)
      break
    case 'SimpleStrategy':
    case 'OldNetworkTopologyStrategy': {
      const factor = before.get(FACTOR) ?? String(execution.config.defaultKeyspaceRf)
      if (!prepared.has(FACTOR)) prepared.set(FACTOR, factor)
      break
    }
    case 'LocalStrategy':
  }
  return new Map([['class', STRATEGY_PACKAGE + strategy], ...prepared])
}

function inHashOrder(options: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(hashOrder(options.keys()).map((name) => [name, options.get(name)!]))
}

function strategyOf(execution: Execution, name: string): Strategy {
  const className = name.includes('.') ? name : STRATEGY_PACKAGE + name
  const simpleName = className.startsWith(STRATEGY_PACKAGE) ? className.slice(STRATEGY_PACKAGE.length) : ''
  switch (simpleName) {
    case 'SimpleStrategy':
    case 'NetworkTopologyStrategy':
    case 'LocalStrategy':
      return simpleName
    case 'OldNetworkTopologyStrategy':
      if (!execution.config.strict) return simpleName
      throw new ConfigurationError(
        'The support for the OldNetworkTopologyStrategy has been removed in C* version 4.0. The keyspace strategy should be switch to NetworkTopologyStrategy',
      )
    default:
      throw new ConfigurationError(`Unable to find replication strategy class '${className}'`)
  }
}

/** `replication_factor` becomes one option for each data centre (`NetworkTopologyStrategy.prepareOptions`). */
function prepareNetworkTopology(
  execution: Execution,
  options: Map<string, string>,
  previous: ReadonlyMap<string, string>,
): void {
  if (options.size === 0) {
    options.set(FACTOR, previous.get(FACTOR) ?? String(execution.config.defaultKeyspaceRf))
  }
  const factor = options.get(FACTOR)
  options.delete(FACTOR)
  if (factor !== undefined) {
    for (const [name, value] of previous) {
      if (name !== FACTOR && !options.has(name)) options.set(name, value)
    }
    // What is no factor ends the preparation without a word; validation then finds what is missing.
    if (factorProblem(factor) !== null) return
    for (const datacenter of execution.config.datacenters.keys()) {
      if (!options.has(datacenter)) options.set(datacenter, factorText(factor))
    }
  }
  for (const [name, value] of options) if (value === '0') options.delete(name)
}

function factorText(text: string): string {
  return String(factorOf(text))
}

/** `KeyspaceParams.validate`. */
export function validateReplication(
  execution: Execution,
  keyspace: string,
  replication: ReadonlyMap<string, string>,
): void {
  const strategy = strategyName(replication) as Strategy
  const options = new Map(replication)
  options.delete('class')
  if (strategy === 'NetworkTopologyStrategy') validateNetworkTopology(execution, keyspace, options)
  else validateSimple(execution, keyspace, strategy, options)
}

function refuse(problem: string | null): void {
  if (problem !== null) throw new ConfigurationError(problem)
}

function unrecognized(option: string, strategy: Strategy, keyspace: string): ConfigurationError {
  return new ConfigurationError(
    `Unrecognized strategy option {${option}} passed to ${strategy} for keyspace ${keyspace}`,
  )
}

function validateSimple(
  execution: Execution,
  keyspace: string,
  strategy: Strategy,
  options: ReadonlyMap<string, string>,
): void {
  const factor = options.get(FACTOR)!
  refuse(factorProblem(factor))
  for (const name of options.keys()) if (name !== FACTOR) throw unrecognized(name, strategy, keyspace)
  if (isSystemKeyspace(keyspace)) return
  const replicas = factorOf(factor)
  const nodes = [...execution.config.datacenters.values()].reduce((sum, count) => sum + count, 0)
  guardFactor(execution, keyspace, replicas)
  if (replicas > nodes && nodes !== 0) {
    execution.warnings.push(
      `Your replication factor ${replicas} for keyspace ${keyspace} is higher than the number of nodes ${nodes}`,
    )
  }
}

function validateNetworkTopology(
  execution: Execution,
  keyspace: string,
  options: ReadonlyMap<string, string>,
): void {
  const { datacenters } = execution.config
  for (const [name, value] of options) {
    if (name.toLowerCase() === FACTOR) {
      throw new ConfigurationError(
        `${FACTOR} should not appear as an option at construction time for NetworkTopologyStrategy`,
      )
    }
    refuse(factorProblem(value))
  }
  if (options.size === 0)
    throw new ConfigurationError('Configuration for at least one datacenter must be present')
  for (const name of options.keys()) {
    if (!datacenters.has(name)) throw unrecognized(name, 'NetworkTopologyStrategy', keyspace)
  }
  if (keyspace.toLowerCase() === 'system_auth') {
    const missing = [...datacenters.keys()].filter((name) => !options.has(name))
    if (missing.length > 0) {
      throw new ConfigurationError(
        `Following datacenters have active nodes and must be present in replication options for keyspace system_auth: [${missing.join(', ')}]`,
      )
    }
  }
  if (isSystemKeyspace(keyspace)) return
  for (const [datacenter, value] of options) {
    const replicas = factorOf(value)
    const nodes = datacenters.get(datacenter) ?? 0
    guardFactor(execution, keyspace, replicas)
    if (replicas > nodes && nodes !== 0) {
      execution.warnings.push(
        `Your replication factor ${replicas} for keyspace ${keyspace} is higher than the number of nodes ${nodes} for datacenter ${datacenter}`,
      )
    }
  }
}

function guardFactor(execution: Execution, keyspace: string, replicas: number): void {
  const { minimumReplicationFactor, maximumReplicationFactor } = execution.config.guardrails
  const text = (side: string) => (isWarning: boolean, threshold: number) =>
    `The keyspace ${keyspace} has a replication factor of ${replicas}, ${side} the ${isWarning ? 'warning' : 'failure'} threshold of ${threshold}.`
  guardMinimum(execution, 'minimum_replication_factor', replicas, minimumReplicationFactor, text('below'))
  guardMaximum(execution, 'maximum_replication_factor', replicas, maximumReplicationFactor, text('above'))
}
