import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dump } from '../../src/admin/sstable-tools/dump.ts'
import { createNodeDisk } from '../../src/io/node-disk.ts'
import { componentPath, type Descriptor, parseFileName } from '../../src/storage/sstable/descriptor.ts'
import { openOffline } from '../../src/storage/sstable/offline-sstable.ts'
import { EngineNode } from './engine-node.ts'
import { Cassandra, isOracleHere, type ToolCall } from './oracle.ts'
import { askedSeconds, askSibyl, produce, produceRandom } from './produce.ts'
import { type Question, questionsAbout, type Reply } from './questions.ts'
import { inKeyspace, type Shape, schemaOf } from './shape.ts'
import { SHAPES, SHARE } from './shapes.ts'

/**
 * The referee: Apache Cassandra judges SSTables that were written here. Its tools read and verify them, what sstabledump says
 * is what `sibyl sstable dump` says; a node that is given them answers every question as Sibyl does, and again after it has
 * compacted them. REFEREE=all takes all shapes and RANDOM_TABLES random tables; else it is a share of them.
 */

const TAKES_ALL = process.env['REFEREE'] === 'all'
const RANDOM_TABLES = Number(process.env['RANDOM_TABLES'] ?? (TAKES_ALL ? 40 : 6))
/** Or names of shapes. */
const NAMED = new Set(process.env['REFEREE']?.split(','))
const shapes = TAKES_ALL ? SHAPES : NAMED.size > 0 ? SHAPES.filter(({ name }) => NAMED.has(name)) : SHARE
const TIMES = { writtenSeconds: Math.floor(Date.now() / 1000) - 5 * 86_400 }
const WAYS = ['flushed', 'compacted', 'random'] as const
type Way = (typeof WAYS)[number]

const disk = createNodeDisk()
const isHere = isOracleHere()

/** What the referee finds about one table. */
interface Verdict {
  readonly way: Way
  readonly name: string
  sstables: number
  /** SSTables that Cassandra's sstabledump cannot show. */
  undumped: number
  questions: number
  /** sstabledump's exit status and output, and ours; of SSTables where they are not the same. */
  readonly dumps: string[]
  readonly verified: string[]
  /** Questions that are answered otherwise, at first and after `nodetool compact`. */
  readonly answers: string[]
  readonly compacted: string[]
}

const verdicts = new Map<string, Verdict>()
const names: Readonly<Record<Way, readonly string[]>> = {
  flushed: shapes.map(({ name }) => name),
  compacted: shapes.map(({ name }) => name),
  random: Array.from({ length: RANDOM_TABLES }, (_, i) => `random_${i + 1}`),
}

function verdictOf(way: Way, name: string): Verdict {
  const key = `${way} ${name}`
  let verdict = verdicts.get(key)
  if (verdict === undefined) {
    verdict = {
      way,
      name,
      sstables: 0,
      undumped: 0,
      questions: 0,
      dumps: [],
      verified: [],
      answers: [],
      compacted: [],
    }
    verdicts.set(key, verdict)
  }
  return verdict
}

/** The first place at which two texts are not the same. */
function difference(theirs: string, ours: string): string {
  let at = 0
  while (at < theirs.length && theirs[at] === ours[at]) at++
  const from = Math.max(0, at - 150)
  return `Cassandra: ${theirs.slice(from, at + 250)}\nSibyl:     ${ours.slice(from, at + 250)}`
}

function descriptorsIn(directory: string): Descriptor[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory).flatMap((name) => {
    const file = parseFileName(directory, name)
    return file?.component === 'Data.db' ? [file.descriptor] : []
  })
}

function ourDump(descriptor: Descriptor): string {
  const offline = openOffline(disk, descriptor)
  const options = {
    rawTimestamps: true,
    keys: [],
    excludedKeys: [],
    enumerateKeys: false,
    debug: false,
    lines: false,
  }
  try {
    return [...dump(offline, options, Math.floor(Date.now() / 1000))].join('')
  } catch (error) {
    return String(error)
  } finally {
    offline.sstable.close()
  }
}

class Referee {
  readonly #scratch = mkdtempSync(join(tmpdir(), 'sibyl-referee-'))
  readonly #nodes = new Map<Way, EngineNode>()
  readonly #made = new Map<Way, Shape[]>()
  #cassandra: Cassandra | null = null

  async judge(): Promise<void> {
    await this.#produce()
    const cassandra = await Cassandra.fresh()
    this.#cassandra = cassandra
    await this.#giveSchema(cassandra)
    cassandra.nodetool('drain')
    cassandra.stop()
    this.#giveFiles(cassandra)
    await this.#tools(cassandra)
    // Where a tool without the table's schema finds a summary of another interval, it removes that.
    this.#giveFiles(cassandra)
    await cassandra.start()
    await this.#questions(cassandra)
  }

  #giveFiles(cassandra: Cassandra): void {
    for (const { node, shape, table } of this.#all()) {
      cassandra.copyInto(table.keyspace, table.name, table.id, node.store(shape.name).directory)
    }
  }

  /** Writes everything here. */
  async #produce(): Promise<void> {
    for (const way of WAYS) {
      const node = await EngineNode.start(`ref_${way}`, join(this.#scratch, way))
      this.#nodes.set(way, node)
      const made: Shape[] = []
      this.#made.set(way, made)
      if (way === 'random') {
        const udt: Shape = { name: '', schema: ['CREATE TYPE $ks.u (a blob, b blob, c blob)'], writes: [] }
        await node.client.query(inKeyspace(udt.schema[0]!, node.keyspace, udt))
        for (let seed = 1; seed <= RANDOM_TABLES; seed++) {
          const shape = await produceRandom(node, seed)
          made.push(seed === 1 ? { ...shape, schema: [...udt.schema, ...shape.schema] } : shape)
        }
        continue
      }
      for (const shape of shapes) {
        await produce(node, shape, TIMES, way === 'compacted')
        made.push(shape)
      }
    }
  }

  *#all() {
    for (const way of WAYS) {
      const node = this.#nodes.get(way)!
      for (const shape of this.#made.get(way)!) yield { way, node, shape, table: node.table(shape.name) }
    }
  }

  /** The same tables there, by the same ids. */
  async #giveSchema(cassandra: Cassandra): Promise<void> {
    for (const way of WAYS) {
      const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
      await cassandra.run(`CREATE KEYSPACE ref_${way} WITH replication = ${replication}`)
    }
    for (const { node, shape, table } of this.#all()) {
      for (const statement of schemaOf(shape)) {
        const cql = inKeyspace(statement, node.keyspace, shape)
        const isTable = cql.startsWith('CREATE TABLE')
        const id = ` ${cql.includes(' WITH ') ? 'AND' : 'WITH'} ID = ${table.id}`
        await cassandra.run(isTable ? `${cql}${id}` : cql)
      }
    }
  }

  /** sstabledump of every SSTable, sstableverify of every table. */
  async #tools(cassandra: Cassandra): Promise<void> {
    const calls: ToolCall[] = []
    const after: ((run: { status: number; stdout: string; stderr: string }) => void)[] = []
    for (const { way, node, shape, table } of this.#all()) {
      const verdict = verdictOf(way, shape.name)
      const directory = cassandra.tableDirectory(table.keyspace, table.name, table.id)
      const descriptors = descriptorsIn(directory)
      verdict.sstables = descriptors.length
      // First, since sstabledump does not know the table's index interval, and removes a Summary.db of another one.
      calls.push(['sstableverify', '-e', '-f', table.keyspace, table.name])
      after.push(({ status, stdout, stderr }) => {
        const succeeded = stdout.match(/succeeded\. All \d+ rows read successfully/g)?.length ?? 0
        if (status !== 0 || succeeded !== verdict.sstables || /WARN/.test(stdout + stderr))
          verdict.verified.push(`${status}, ${succeeded} of ${verdict.sstables}: ${stdout}${stderr}`)
      })
      for (const descriptor of descriptors) {
        calls.push(['sstabledump', componentPath(descriptor, 'Data.db'), '-t'])
        after.push(({ status, stdout, stderr }) => {
          if (shape.undumpable !== undefined && status !== 0) {
            verdict.undumped++
            return
          }
          if (status !== 0) verdict.dumps.push(`sstabledump ended with ${status}: ${stderr}`)
          const ours = ourDump({ ...descriptor, directory: node.store(shape.name).directory })
          if (stdout !== ours) verdict.dumps.push(difference(stdout, ours))
        })
      }
    }
    const runs = await cassandra.tools(calls)
    for (const [i, run] of runs.entries()) after[i]!(run)
  }

  async #questions(cassandra: Cassandra): Promise<void> {
    const asked: {
      verdict: Verdict
      questions: readonly Question[]
      replies: readonly Reply[]
      hasCollections: boolean
    }[] = []
    const now = askedSeconds(TIMES)
    for (const { way, node, shape, table } of this.#all()) {
      const ask = (question: Question): Promise<Reply> => askSibyl(node, question, TIMES)
      const questions = await questionsAbout(table, shape.absent ?? [], ask)
      const replies: Reply[] = []
      for (const question of questions) replies.push(await ask(question))
      const verdict = verdictOf(way, shape.name)
      verdict.questions = questions.length
      const hasCollections = table.regulars.some(({ type }) => type.multiCell)
      asked.push({ verdict, questions, replies, hasCollections })
    }
    const compare = async (kind: 'answers' | 'compacted'): Promise<void> => {
      for (const { verdict, questions, replies, hasCollections } of asked) {
        const theirs = await cassandra.askAll(questions, now)
        questions.forEach((question, i) => {
          // Where the row's own liveness has expired, Cassandra may not see that cells that are not asked for are live
          // (`DeserializationHelper.includes`), if both lie in one SSTable, until a compaction has purged the liveness, and unless
          // the cells are of a collection. We do as if it never saw them (docs/compatibility.md).
          const isOfOneColumn = /^SELECT "/.test(question.text)
          const isInOne = kind === 'answers' && verdict.sstables === 1 && !hasCollections
          if (verdict.way === 'random' && isOfOneColumn && !isInOne) return
          const [a, b] = [JSON.stringify(theirs[i]), JSON.stringify(replies[i])]
          if (a !== b) verdict[kind].push(`${question.text} ${question.values}\n${difference(a, b)}`)
        })
      }
    }
    await compare('answers')
    for (const way of WAYS) cassandra.nodetool('compact', `ref_${way}`)
    await compare('compacted')
  }

  /** Errors in the node's log, and warnings about these tables. */
  complaints(): string[] {
    const log = readFileSync(join(this.#cassandra!.directory, 'logs', 'system.log'), 'utf8')
    return log.split('\n').filter((line) => /^ERROR|^WARN.*ref_/.test(line))
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) await node.stop()
    if (process.env['REFEREE_KEEP'] === undefined) {
      this.#cassandra?.wipe()
      rmSync(this.#scratch, { recursive: true })
    }
  }
}

describe.skipIf(!isHere)('Apache Cassandra judges SSTables that were written here', () => {
  const referee = new Referee()
  beforeAll(() => referee.judge(), 3_600_000)
  afterAll(async () => {
    let sstables = 0
    let questions = 0
    let undumped = 0
    for (const verdict of verdicts.values()) {
      sstables += verdict.sstables
      questions += verdict.questions
      undumped += verdict.undumped
    }
    console.log(
      `${verdicts.size} tables, ${sstables} SSTables (${undumped} of them beyond sstabledump), ${questions} questions, twice`,
    )
    const report = process.env['REFEREE_REPORT']
    if (report !== undefined) writeFileSync(report, JSON.stringify([...verdicts.values()], null, 1))
    await referee.close()
  })

  test('the node complains of nothing', () => {
    expect(referee.complaints()).toEqual([])
  })

  describe.each(WAYS)('%s', (way) => {
    test.each(names[way])('%s: sstabledump says what we say', (name) => {
      expect(verdictOf(way, name).dumps.slice(0, 3)).toEqual([])
    })
    test.each(names[way])('%s: sstableverify', (name) => {
      expect(verdictOf(way, name).verified.slice(0, 3)).toEqual([])
    })
    test.each(names[way])('%s: a node answers as we do', (name) => {
      const { answers, questions } = verdictOf(way, name)
      expect(questions).toBeGreaterThan(0)
      expect(answers.slice(0, 3)).toEqual([])
    })
    test.each(names[way])('%s: and after it has compacted', (name) => {
      expect(verdictOf(way, name).compacted.slice(0, 3)).toEqual([])
    })
  })
})
