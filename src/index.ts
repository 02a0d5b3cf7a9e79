/**
 * Sibyl in a test or a program: `Sibyl.start` gives a running server.
 *
 * ```ts
 * await using db = await Sibyl.start({ port: 0, dir: ':memory:', init: ['schema.cql'] })
 * const client = new Client(db.driverOptions)
 * ```
 */
export {
  type DriverOptions,
  Sibyl,
  type SibylNode,
  type SibylOptions,
  type StartOptions,
} from './node/sibyl.ts'
