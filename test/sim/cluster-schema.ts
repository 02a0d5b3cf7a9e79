import type { Answer } from './cluster-client.ts'
import { type Part, type PartContext, unexpected, Violation } from './cluster-part.ts'

/** What is known of a thing that DDL makes or takes away. */
type Known = 'there' | 'gone' | 'unknown'

interface Made {
  readonly name: string
  table: Known
  /** By names: columns that were added. */
  readonly columns: Map<string, Known>
  isBusy: boolean
}

/** DDL from several nodes at once: in the end all have one schema, which is what it says together. */
export class SchemaChanges implements Part {
  readonly tables: readonly string[] = []
  readonly ddl: readonly string[] = []
  readonly #context: PartContext
  readonly #made: Made[] = []

  constructor(context: PartContext) {
    this.#context = context
  }

  async act(): Promise<void> {
    const { random } = this.#context
    const free = this.#made.filter(({ isBusy, table }) => !isBusy && table === 'there')
    if (free.length === 0 || random.chance(0.4)) return this.#create()
    const made = random.pick(free)
    made.isBusy = true
    if (random.chance(0.75)) await this.#addColumn(made)
    else await this.#drop(made)
    made.isBusy = false
  }

  async #create(): Promise<void> {
    const made: Made = {
      name: `made${this.#made.length}`,
      table: 'unknown',
      columns: new Map(),
      isBusy: true,
    }
    this.#made.push(made)
    const answer = await this.#ask(`CREATE TABLE ks.${made.name} (p int PRIMARY KEY, v int)`)
    made.isBusy = false
    if (answer?.kind === 'done') made.table = 'there'
    else if (answer === null) made.table = 'gone'
  }

  async #addColumn({ name, columns }: Made): Promise<void> {
    const column = `x${columns.size}`
    columns.set(column, 'unknown')
    const answer = await this.#ask(`ALTER TABLE ks.${name} ADD ${column} int`)
    columns.set(column, answer?.kind === 'done' ? 'there' : answer?.kind === 'lost' ? 'unknown' : 'gone')
  }

  async #drop(made: Made): Promise<void> {
    made.table = 'unknown'
    const answer = await this.#ask(`DROP TABLE ks.${made.name}`)
    if (answer?.kind === 'done') made.table = 'gone'
    else if (answer?.kind === 'failed' || answer === null) made.table = 'there'
  }

  async #ask(cql: string): Promise<Answer | null> {
    const { client, count } = this.#context
    const host = client.pick()
    if (host === null) return null
    const statement = { cql, values: [] }
    const answer = await client.ask(host, statement, { level: 1 })
    // A node may not have heard of a table yet.
    const isUnheard = answer.kind === 'failed' && answer.error.constructor.name === 'InvalidRequestError'
    if (!isUnheard) unexpected(answer, statement)
    if (answer.kind === 'done') count('schemaChanges')
    return answer
  }

  async finish(): Promise<void> {
    for (const { database, name } of this.#context.client.cluster.hosts) {
      for (const made of this.#made) {
        const table = database.schema.current.table('ks', made.name)
        if (table === null) {
          if (made.table === 'there') throw new Violation(`${name} has no ${made.name}`)
          continue
        }
        if (made.table === 'gone') throw new Violation(`${name} has ${made.name}`)
        const names = new Set([...table.columns.keys()])
        for (const [column, known] of made.columns) {
          const isThere = names.has(column)
          if (known !== 'unknown' && isThere !== (known === 'there')) {
            throw new Violation(
              `${name}: ${made.name}.${column} is ${isThere ? '' : 'not '}there, and ${known}`,
            )
          }
        }
      }
    }
  }
}
