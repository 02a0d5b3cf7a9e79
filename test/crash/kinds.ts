/** What is written under the kill: each kind of data with its operations and what they leave behind. */

import { type Client, types } from 'cassandra-driver'
import { certain, type Kind, type Operation } from './register.ts'

const prepared = { prepare: true } as const
const ttlSeconds = 1_000_000

function sorted<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
}

function without<Value>(
  record: Readonly<Record<string, Value>>,
  gone: (key: string) => boolean,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !gone(key)))
}

// ---- a row that is overwritten, deleted, and given a TTL

interface RowState {
  /** It was inserted: there even when all columns are null. */
  readonly live: boolean
  readonly v: string | null
  readonly w: number | null
  /** `byte x length` of a blob of one byte over and over */
  readonly x: string | null
  readonly ttl: boolean
}

const noRow: RowState = { live: false, v: null, w: null, x: null, ttl: false }

export const row: Kind<RowState> = {
  name: 'row',
  schema: ['CREATE TABLE r (k int PRIMARY KEY, v text, w int, x blob)'],
  initial: noRow,
  next: (id, _state, random, serial) => {
    const v = `v${serial}`
    const byte = random.below(256)
    const length = random.pick([0, 1, 30, 1000, random.below(20_000), random.chance(0.05) ? 300_000 : 100])
    switch (random.below(7)) {
      case 0:
      case 1:
        return certain(
          `INSERT v=${v} w=${serial} x=${byte}x${length}`,
          (client) =>
            client.execute(
              'INSERT INTO r (k, v, w, x) VALUES (?, ?, ?, ?)',
              [id, v, serial, Buffer.alloc(length, byte)],
              prepared,
            ),
          () => ({ live: true, v, w: serial, x: `${length === 0 ? 0 : byte}x${length}`, ttl: false }),
        )
      case 2:
        return certain(
          `INSERT v=${v} TTL`,
          (client) =>
            client.execute(`INSERT INTO r (k, v) VALUES (?, ?) USING TTL ${ttlSeconds}`, [id, v], prepared),
          (state) => ({ ...state, live: true, v, ttl: true }),
        )
      case 3:
        return certain(
          `UPDATE v=${v}`,
          (client) => client.execute('UPDATE r SET v = ? WHERE k = ?', [v, id], prepared),
          (state) => ({ ...state, v, ttl: false }),
        )
      case 4:
        return certain(
          `UPDATE w=${serial}, by text`,
          (client) => client.execute(`UPDATE r SET w = ${serial} WHERE k = ${id}`),
          (state) => ({ ...state, w: serial }),
        )
      case 5:
        return certain(
          'DELETE v, x',
          (client) => client.execute('DELETE v, x FROM r WHERE k = ?', [id], prepared),
          (state) => ({ ...state, v: null, x: null, ttl: false }),
        )
      default:
        return certain(
          'DELETE',
          (client) => client.execute('DELETE FROM r WHERE k = ?', [id], prepared),
          () => noRow,
        )
    }
  },
  observe: ({ live, v, w, x, ttl }) => {
    if (!live && v === null && w === null && x === null) return 'nothing'
    return `v=${v}${ttl ? ' with TTL' : ''} w=${w} x=${x}`
  },
  read: async (client, id) => {
    const result = await client.execute('SELECT v, w, x, ttl(v) AS t FROM r WHERE k = ?', [id], prepared)
    if (result.rowLength === 0) return 'nothing'
    const { v, w, x, t } = result.first()
    return `v=${v}${t === null ? '' : ' with TTL'} w=${w} x=${x === null ? null : blobText(x)}`
  },
  tamper: (id) => `INSERT INTO r (k, v) VALUES (${id}, 'tampered')`,
}

function blobText(bytes: Buffer): string {
  const byte = bytes[0] ?? 0
  return bytes.every((one) => one === byte) ? `${byte}x${bytes.length}` : `mixed bytes x${bytes.length}`
}

// ---- a partition of rows with a static, deleted by row, range and whole

interface PartitionState {
  readonly s: string | null
  readonly rows: Readonly<Record<string, string>>
}

const clusterings = 20

export const partition: Kind<PartitionState> = {
  name: 'partition',
  schema: [
    'CREATE TABLE p (p int, c int, v text, s text static, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC)',
  ],
  initial: { s: null, rows: {} },
  next: (id, _state, random, serial) => {
    const c = random.below(clusterings)
    const v = `v${serial}`
    switch (random.below(9)) {
      case 0:
        return certain(
          `DELETE c=${c}`,
          (client) => client.execute('DELETE FROM p WHERE p = ? AND c = ?', [id, c], prepared),
          ({ s, rows }) => ({ s, rows: without(rows, (key) => Number(key) === c) }),
        )
      case 1: {
        const end = c + 1 + random.below(8)
        return certain(
          `DELETE c >= ${c} and < ${end}`,
          (client) =>
            client.execute('DELETE FROM p WHERE p = ? AND c >= ? AND c < ?', [id, c, end], prepared),
          ({ s, rows }) => ({ s, rows: without(rows, (key) => Number(key) >= c && Number(key) < end) }),
        )
      }
      case 2:
        if (!random.chance(0.3)) break
        return certain(
          'DELETE the partition',
          (client) => client.execute('DELETE FROM p WHERE p = ?', [id], prepared),
          () => ({ s: null, rows: {} }),
        )
      case 3:
        return certain(
          `UPDATE s=${v}`,
          (client) => client.execute('UPDATE p SET s = ? WHERE p = ?', [v, id], prepared),
          ({ rows }) => ({ s: v, rows }),
        )
      case 4:
        if (!random.chance(0.3)) break
        return certain(
          'DELETE s',
          (client) => client.execute('DELETE s FROM p WHERE p = ?', [id], prepared),
          ({ rows }) => ({ s: null, rows }),
        )
      default:
    }
    return certain(
      `INSERT c=${c} v=${v}`,
      (client) => client.execute('INSERT INTO p (p, c, v) VALUES (?, ?, ?)', [id, c, v], prepared),
      ({ s, rows }) => ({ s, rows: sorted({ ...rows, [c]: v }) }),
    )
  },
  observe: ({ s, rows }) => {
    const list = Object.entries(rows).sort(([a], [b]) => Number(b) - Number(a))
    if (list.length === 0) return s === null ? 'nothing' : `s=${s} alone`
    return `s=${s} ${list.map(([c, v]) => `${c}:${v}`).join(' ')}`
  },
  read: async (client, id) => {
    const { rows } = await client.execute('SELECT c, v, s FROM p WHERE p = ?', [id], prepared)
    if (rows.length === 0) return 'nothing'
    if (rows[0].c === null) return `s=${rows[0].s} alone`
    return `s=${rows[0].s} ${rows.map(({ c, v }) => `${c}:${v}`).join(' ')}`
  },
  tamper: (id) => `INSERT INTO p (p, c, v) VALUES (${id}, 99, 'tampered')`,
}

// ---- counters

export const counter: Kind<readonly [number | null, number | null]> = {
  name: 'counter',
  schema: ['CREATE TABLE n (k int PRIMARY KEY, a counter, b counter)'],
  initial: [null, null],
  next: (id, _state, random) => {
    const by = random.below(1000) - 400
    const add = (value: number | null, more: number) => (value ?? 0) + more
    const long = types.Long.fromNumber(by)
    switch (random.below(3)) {
      case 0:
        return certain(
          `a + ${by}, b - ${by}`,
          (client) =>
            client.execute('UPDATE n SET a = a + ?, b = b - ? WHERE k = ?', [long, long, id], prepared),
          ([a, b]) => [add(a, by), add(b, -by)],
        )
      case 1:
        return certain(
          `batch of a + ${by} twice`,
          (client) =>
            client.batch(
              [1, 2].map(() => ({ query: 'UPDATE n SET a = a + ? WHERE k = ?', params: [long, id] })),
              { ...prepared, counter: true },
            ),
          ([a, b]) => [add(a, 2 * by), b],
        )
      default:
        return certain(
          `a + ${by}`,
          (client) => client.execute('UPDATE n SET a = a + ? WHERE k = ?', [long, id], prepared),
          ([a, b]) => [add(a, by), b],
        )
    }
  },
  observe: ([a, b]) => `a=${a} b=${b}`,
  read: async (client, id) => {
    const found = (await client.execute('SELECT a, b FROM n WHERE k = ?', [id], prepared)).first()
    return found === null ? 'a=null b=null' : `a=${found.a} b=${found.b}`
  },
  tamper: (id) => `UPDATE n SET a = a + 1 WHERE k = ${id}`,
}

// ---- collections

interface CollectionState {
  readonly l: readonly number[]
  readonly s: readonly number[]
  readonly m: Readonly<Record<string, string>>
}

const emptyCollections: CollectionState = { l: [], s: [], m: {} }

export const collection: Kind<CollectionState> = {
  name: 'collection',
  schema: ['CREATE TABLE c (k int PRIMARY KEY, l list<int>, s set<int>, m map<text, text>)'],
  initial: emptyCollections,
  next: (id, state, random, serial) => {
    const run =
      (set: string, ...params: unknown[]) =>
      (client: Client) =>
        client.execute(`UPDATE c SET ${set} WHERE k = ?`, [...params, id], prepared)
    const element = random.below(10)
    const key = `key${element}`
    const v = `v${serial}`
    const whole = Array.from({ length: random.below(4) }, (_, n) => serial * 10 + n)
    switch (random.below(state.l.length > 30 ? 3 : 12)) {
      case 0:
        return certain(`l = [${whole}]`, run('l = ?', whole), (old) => ({ ...old, l: whole }))
      case 1:
        if (random.chance(0.3)) {
          return certain(
            'DELETE all',
            (client) => client.execute('DELETE FROM c WHERE k = ?', [id], prepared),
            () => emptyCollections,
          )
        }
        return certain(`m = {${key}: ${v}}`, run('m = ?', { [key]: v }), (old) => ({
          ...old,
          m: { [key]: v },
        }))
      case 2:
        if (state.l.length > 0) {
          const gone = random.pick(state.l)
          return certain(`l - ${gone}`, run('l = l - ?', [gone]), (old) => ({
            ...old,
            l: old.l.filter((one) => one !== gone),
          }))
        }
        return certain(`s = {${element}}`, run('s = ?', [element]), (old) => ({ ...old, s: [element] }))
      case 3:
      case 4:
        return certain(`l + ${serial}`, run('l = l + ?', [serial]), (old) => ({
          ...old,
          l: [...old.l, serial],
        }))
      case 5:
        return certain(`${serial} + l`, run('l = ? + l', [serial]), (old) => ({
          ...old,
          l: [serial, ...old.l],
        }))
      case 6:
      case 7:
        return certain(`s + ${element}`, run('s = s + ?', [element]), (old) => ({
          ...old,
          s: [...new Set([...old.s, element])].sort((a, b) => a - b),
        }))
      case 8:
        return certain(`s - ${element}`, run('s = s - ?', [element]), (old) => ({
          ...old,
          s: old.s.filter((one) => one !== element),
        }))
      case 9:
        return certain(
          `DELETE m[${key}]`,
          (client) => client.execute('DELETE m[?] FROM c WHERE k = ?', [key, id], prepared),
          (old) => ({ ...old, m: without(old.m, (one) => one === key) }),
        )
      default:
        return certain(`m[${key}] = ${v}`, run('m[?] = ?', key, v), (old) => ({
          ...old,
          m: sorted({ ...old.m, [key]: v }),
        }))
    }
  },
  observe: ({ l, s, m }) => `l=${JSON.stringify(l)} s=${JSON.stringify(s)} m=${JSON.stringify(m)}`,
  read: async (client, id) => {
    const found = (await client.execute('SELECT l, s, m FROM c WHERE k = ?', [id], prepared)).first()
    return collection.observe({ l: found?.l ?? [], s: found?.s ?? [], m: sorted(found?.m ?? {}) })
  },
  tamper: (id) => `UPDATE c SET s = s + {777} WHERE k = ${id}`,
}

// ---- batches over partitions and tables

type Cells = readonly (string | null)[]

const batchCells = 4

export const batch: Kind<Cells> = {
  name: 'batch',
  schema: [
    'CREATE TABLE b0 (k int, part int, v text, PRIMARY KEY ((k, part)))',
    'CREATE TABLE b1 (k int, part int, v text, PRIMARY KEY ((k, part)))',
  ],
  initial: Array.from({ length: batchCells }, () => null),
  next: (id, _state, random, serial) => {
    const logged = random.chance(0.7)
    const changes = Array.from({ length: batchCells }, (_, part) => part)
      .filter(() => random.chance(0.6))
      .map((part) => ({ part, v: random.chance(0.2) ? null : `v${serial}.${part}` }))
    if (changes.length === 0) changes.push({ part: 0, v: `v${serial}.0` })
    const queries = changes.map(({ part, v }) =>
      v === null
        ? { query: `DELETE FROM b${part % 2} WHERE k = ? AND part = ?`, params: [id, part] }
        : { query: `INSERT INTO b${part % 2} (k, part, v) VALUES (?, ?, ?)`, params: [id, part, v] },
    )
    const apply = (state: Cells, some: (n: number) => boolean): Cells => {
      const after = [...state]
      changes.forEach(({ part, v }, n) => {
        if (some(n)) after[part] = v
      })
      return after
    }
    return {
      text: `${logged ? 'logged' : 'unlogged'} batch ${changes.map(({ part, v }) => `${part}=${v}`).join(' ')}`,
      run: async (client) => {
        await client.batch(queries, { ...prepared, logged })
        return undefined
      },
      acknowledged: (state) => [apply(state, () => true)],
      // All or nothing is what the log of a batch is for; without it any part may be missing.
      unknown: (state) =>
        logged
          ? [apply(state, () => true)]
          : Array.from({ length: 1 << changes.length }, (_, mask) =>
              apply(state, (n) => (mask & (1 << n)) !== 0),
            ),
    }
  },
  observe: (state) => state.join(' '),
  read: async (client, id) => {
    const cells = await Promise.all(
      Array.from({ length: batchCells }, async (_, part) => {
        const result = await client.execute(
          `SELECT v FROM b${part % 2} WHERE k = ? AND part = ?`,
          [id, part],
          prepared,
        )
        return result.rowLength === 0 ? null : (result.first().v as string)
      }),
    )
    return batch.observe(cells)
  },
  tamper: (id) => `INSERT INTO b0 (k, part, v) VALUES (${id}, 0, 'tampered')`,
}

// ---- conditional writes

type Pair = readonly [number | null, number | null]

export const conditional: Kind<Pair> = {
  name: 'conditional',
  schema: ['CREATE TABLE l (p int, c int, v int, PRIMARY KEY (p, c))'],
  initial: [null, null],
  next: (id, state, random, serial) => {
    const c = random.below(2)
    // Now and then what is expected is wrong.
    const expected = random.chance(0.8) ? state[c] : -1
    const change = (pair: Pair, v: number | null): Pair => (c === 0 ? [v, pair[1]] : [pair[0], v])
    const form = random.below(4)
    if (form === 0 || state[c] === null) {
      return compareAndSet(
        `INSERT c=${c} v=${serial} IF NOT EXISTS`,
        (client) =>
          client.execute('INSERT INTO l (p, c, v) VALUES (?, ?, ?) IF NOT EXISTS', [id, c, serial], prepared),
        (pair) => pair[c] === null,
        (pair) => change(pair, serial),
      )
    }
    if (form === 1 && random.chance(0.4)) {
      return compareAndSet(
        `DELETE c=${c} IF EXISTS`,
        (client) => client.execute('DELETE FROM l WHERE p = ? AND c = ? IF EXISTS', [id, c], prepared),
        (pair) => pair[c] !== null,
        (pair) => change(pair, null),
      )
    }
    if (form === 2 && state[0] !== null && state[1] !== null) {
      const [first, second] = state
      return compareAndSet(
        `batch c=0 v=${serial} IF v=${first}, c=1 v=${serial} IF v=${second}`,
        (client) =>
          client.batch(
            [first, second].map((was, n) => ({
              query: 'UPDATE l SET v = ? WHERE p = ? AND c = ? IF v = ?',
              params: [serial, id, n, was],
            })),
            prepared,
          ),
        (pair) => pair[0] === first && pair[1] === second,
        () => [serial, serial],
      )
    }
    return compareAndSet(
      `UPDATE c=${c} v=${serial} IF v=${expected}`,
      (client) =>
        client.execute(
          'UPDATE l SET v = ? WHERE p = ? AND c = ? IF v = ?',
          [serial, id, c, expected],
          prepared,
        ),
      (pair) => pair[c] !== null && pair[c] === expected,
      (pair) => change(pair, serial),
    )
  },
  observe: ([first, second]) => `${first} ${second}`,
  read: async (client, id) => {
    const { rows } = await client.execute('SELECT c, v FROM l WHERE p = ?', [id], {
      ...prepared,
      consistency: types.consistencies.serial,
    })
    const found = (c: number): number | null => rows.find((one) => one.c === c)?.v ?? null
    return conditional.observe([found(0), found(1)])
  },
  tamper: (id) => `INSERT INTO l (p, c, v) VALUES (${id}, 0, 123456789)`,
}

function compareAndSet(
  text: string,
  run: (client: Client) => Promise<types.ResultSet>,
  holds: (state: Pair) => boolean,
  set: (state: Pair) => Pair,
): Operation<Pair> {
  return {
    text,
    run: async (client) => (await run(client)).wasApplied(),
    acknowledged: (state, answer) => {
      if (answer !== holds(state)) return []
      return [answer ? set(state) : state]
    },
    unknown: (state) => (holds(state) ? [set(state)] : []),
  }
}

// ---- tables that come, change and go

interface TableState {
  readonly columns: readonly string[]
  readonly rows: Readonly<Record<string, Readonly<Record<string, number>>>>
}

const columnNames = ['a', 'b', 'c', 'd']

export const table: Kind<TableState | null> = {
  name: 'table',
  schema: [],
  initial: null,
  next: (id, state, random, serial) => {
    const name = `d${id}`
    const run = (statement: string) => (client: Client) => client.execute(statement)
    if (state === null) {
      const statement = `CREATE TABLE ${name} (k int PRIMARY KEY, a int)`
      return certain(statement, run(statement), () => ({ columns: ['a'], rows: {} }))
    }
    const { columns } = state
    const roll = random.below(20)
    const absent = columnNames.filter((column) => !columns.includes(column))
    if (roll === 0) return certain(`DROP TABLE ${name}`, run(`DROP TABLE ${name}`), () => null)
    if (roll === 1) {
      return certain(`TRUNCATE ${name}`, run(`TRUNCATE ${name}`), (old) =>
        old === null ? null : { ...old, rows: {} },
      )
    }
    if (roll <= 4 && absent.length > 0) {
      const column = random.pick(absent)
      const statement = `ALTER TABLE ${name} ADD ${column} int`
      return certain(statement, run(statement), (old) =>
        old === null ? null : { ...old, columns: [...old.columns, column].sort() },
      )
    }
    if (roll <= 6 && columns.length > 1) {
      const column = random.pick(columns)
      const statement = `ALTER TABLE ${name} DROP ${column}`
      return certain(statement, run(statement), (old) =>
        old === null
          ? null
          : {
              columns: old.columns.filter((one) => one !== column),
              rows: Object.fromEntries(
                Object.entries(old.rows).map(([k, cells]) => [k, without(cells, (one) => one === column)]),
              ),
            },
      )
    }
    const k = random.below(5)
    const some = columns.filter(() => random.chance(0.7))
    const statement = `INSERT INTO ${name} (${['k', ...some].join(', ')}) VALUES (${[k, ...some.map(() => serial)].join(', ')})`
    return certain(statement, run(statement), (old) =>
      old === null
        ? null
        : {
            ...old,
            rows: sorted({
              ...old.rows,
              [k]: sorted({ ...old.rows[k], ...Object.fromEntries(some.map((column) => [column, serial])) }),
            }),
          },
    )
  },
  observe: (state) => (state === null ? 'no table' : `(${state.columns}) ${JSON.stringify(state.rows)}`),
  read: async (client, id) => {
    const columns = await client.execute(
      'SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
      [client.keyspace, `d${id}`],
      prepared,
    )
    if (columns.rowLength === 0) return 'no table'
    const names = columns.rows.map((one) => one.column_name as string).filter((name) => name !== 'k')
    const { rows } = await client.execute(`SELECT ${['k', ...names].join(', ')} FROM d${id}`)
    const found = rows.map((one) => [
      one.k,
      Object.fromEntries(names.filter((name) => one[name] !== null).map((name) => [name, one[name]])),
    ])
    return table.observe({ columns: names, rows: sorted(Object.fromEntries(found)) })
  },
  tamper: (id) => `CREATE TABLE IF NOT EXISTS d${id} (k int PRIMARY KEY, tampered int)`,
}

export const kinds = [row, partition, counter, collection, batch, conditional, table]
