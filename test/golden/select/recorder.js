/**
 * Asks Apache Cassandra for the answers to a list of SELECTs, with their metadata, warnings and pages. The recorders of
 * this folder and of its neighbours are made of it; the node's address stands on their command lines.
 */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'

const host = process.argv[2] ?? '127.0.0.61'
const port = Number(process.argv[3] ?? 9042)

/** A client of frames of protocol v3 and v4, one request at a time. */
class Client {
  constructor(version) {
    this.version = version
    this.buffered = Buffer.alloc(0)
    this.waiting = null
  }

  async open() {
    this.socket = connect(port, host)
    this.socket.on('data', (chunk) => {
      this.buffered = Buffer.concat([this.buffered, chunk])
      if (this.buffered.length < 9) return
      const length = this.buffered.readInt32BE(5)
      if (this.buffered.length < 9 + length) return
      const frame = this.buffered.subarray(0, 9 + length)
      this.buffered = this.buffered.subarray(9 + length)
      this.waiting({ flags: frame[1], opcode: frame[4], body: frame.subarray(9) })
    })
    await once(this.socket, 'connect')
    await this.request(1, Buffer.concat([short(1), string('CQL_VERSION'), string('3.0.0')]))
  }

  request(opcode, body) {
    const header = Buffer.from([this.version, 0, 0, 1, opcode, 0, 0, 0, 0])
    header.writeInt32BE(body.length, 5)
    return new Promise((resolve) => {
      this.waiting = resolve
      this.socket.write(Buffer.concat([header, body]))
    })
  }

  async query(query, { values, pageSize, pagingState } = {}) {
    let flags = 0
    const parts = []
    if (values !== undefined) {
      flags |= 1
      parts.push(short(values.length), ...values.map(bytes))
    }
    if (pageSize !== undefined) {
      flags |= 4
      parts.push(int(pageSize))
    }
    if (pagingState !== undefined) {
      flags |= 8
      parts.push(bytes(pagingState))
    }
    const body = Buffer.concat([longString(query), short(1), Buffer.from([flags]), ...parts])
    return decode(await this.request(7, body))
  }

  async prepare(query) {
    const { flags: frameFlags, opcode, body } = await this.request(9, longString(query))
    if (opcode === 0) return null
    const reader = new Reader(body)
    // It warns of USE with prepared statements.
    if (frameFlags & 8) for (let n = reader.short(); n > 0; n--) reader.string()
    reader.int()
    reader.skip(reader.short())
    const flags = reader.int()
    const count = reader.int()
    const pk = this.version > 3 ? Array.from({ length: reader.int() }, () => reader.short()) : []
    const columns = []
    if (flags & 1) {
      reader.string()
      reader.string()
    }
    for (let i = 0; i < count; i++) {
      if (!(flags & 1)) {
        reader.string()
        reader.string()
      }
      const name = reader.string()
      columns.push(`${name}: ${reader.type()}`)
    }
    return { bind: columns, pk }
  }
}

const short = (n) => Buffer.from([n >> 8, n])
const int = (n) => Buffer.from([n >> 24, n >> 16, n >> 8, n])
const string = (s) => Buffer.concat([short(Buffer.byteLength(s)), Buffer.from(s)])
const longString = (s) => Buffer.concat([int(Buffer.byteLength(s)), Buffer.from(s)])
const bytes = (hex) => (hex === null ? int(-1) : hex === 'unset' ? int(-2) : Buffer.concat([int(hex.length / 2), Buffer.from(hex, 'hex')]))

class Reader {
  constructor(buffer) {
    this.buffer = buffer
    this.at = 0
  }
  short() {
    this.at += 2
    return this.buffer.readUInt16BE(this.at - 2)
  }
  int() {
    this.at += 4
    return this.buffer.readInt32BE(this.at - 4)
  }
  skip(length) {
    this.at += length
  }
  string() {
    const length = this.short()
    this.at += length
    return this.buffer.toString('utf8', this.at - length, this.at)
  }
  bytes() {
    const length = this.int()
    if (length < 0) return null
    this.at += length
    return this.buffer.toString('hex', this.at - length, this.at)
  }
  type() {
    const id = this.short()
    switch (id) {
      case 0:
        return this.string()
      case 0x20:
        return `list<${this.type()}>`
      case 0x22:
        return `set<${this.type()}>`
      case 0x21:
        return `map<${this.type()}, ${this.type()}>`
      case 0x30: {
        this.string()
        const name = this.string()
        const fields = Array.from({ length: this.short() }, () => `${this.string()} ${this.type()}`)
        return `${name}(${fields.join(', ')})`
      }
      case 0x31:
        return `tuple<${Array.from({ length: this.short() }, () => this.type()).join(', ')}>`
      default:
        return TYPES[id]
    }
  }
}

const TYPES = { 1: 'ascii', 2: 'bigint', 3: 'blob', 4: 'boolean', 5: 'counter', 6: 'decimal', 7: 'double', 8: 'float', 9: 'int', 11: 'timestamp', 12: 'uuid', 13: 'text', 14: 'varint', 15: 'timeuuid', 16: 'inet', 17: 'date', 18: 'time', 19: 'smallint', 20: 'tinyint', 21: 'duration' }

function decode({ flags, opcode, body }) {
  const reader = new Reader(body)
  const warnings = []
  if (flags & 8) {
    const count = reader.short()
    for (let i = 0; i < count; i++) warnings.push(reader.string())
  }
  if (opcode === 0) return { error: { code: reader.int(), message: reader.string() } }
  if (reader.int() !== 2) return {}
  const metadataFlags = reader.int()
  const count = reader.int()
  const pagingState = metadataFlags & 2 ? reader.bytes() : null
  const columns = []
  if (metadataFlags & 1) {
    reader.string()
    reader.string()
  }
  for (let i = 0; i < count; i++) {
    if (!(metadataFlags & 1)) {
      reader.string()
      reader.string()
    }
    const name = reader.string()
    columns.push(`${name}: ${reader.type()}`)
  }
  const rows = Array.from({ length: reader.int() }, () => Array.from({ length: count }, () => reader.bytes()).map((v) => v ?? 'null').join(' '))
  return { columns, rows, ...(pagingState === null ? {} : { pagingState }), ...(warnings.length > 0 ? { warnings } : {}) }
}

/** Writes the answers to the file; `modifications` are statements of which only the refusals are of interest. */
export async function record({ keyspace, setup, cases, modifications = [], file }) {
  const clients = { 3: new Client(3), 4: new Client(4) }
  for (const client of Object.values(clients)) await client.open()
  const admin = clients[4]
  await admin.query(`DROP KEYSPACE IF EXISTS ${keyspace}`)
  await admin.query(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  for (const client of Object.values(clients)) await client.query(`USE ${keyspace}`)
  for (const statement of setup) {
    const { error } = await admin.query(statement)
    if (error !== undefined) throw new Error(`${statement}: ${error.message}`)
  }
  const recorded = []
  for (const { query, values, pageSize, paged, pagingState, version = 4 } of cases) {
    const client = clients[version]
    const entry = { query }
    if (values !== undefined) {
      entry.values = values
      const prepared = await client.prepare(query)
      if (prepared !== null) Object.assign(entry, prepared)
    }
    if (version !== 4) entry.version = version
    if (pageSize !== undefined) entry.pageSize = pageSize
    if (pagingState !== undefined) entry.pagingState = pagingState
    let page = await client.query(query, { values, pageSize, pagingState })
    entry.answers = [page]
    while (paged && page.pagingState !== undefined) {
      page = await client.query(query, { values, pageSize, pagingState: page.pagingState })
      delete page.columns
      entry.answers.push(page)
    }
    recorded.push(entry)
  }
  const modified = []
  for (const statement of modifications) {
    const { error } = await admin.query(statement)
    modified.push({ statement, error: error?.message ?? null })
  }
  await admin.query(`DROP KEYSPACE ${keyspace}`)
  for (const client of Object.values(clients)) client.socket.destroy()
  const lines = recorded.map((entry) => JSON.stringify(entry).replace(/(61){1000,}/g, (run) => `@${run.length / 2}`))
  writeFileSync(
    file,
    `{"keyspace":${JSON.stringify(keyspace)},"setup":${JSON.stringify(setup, null, 1)},"cases":[\n${lines.join(',\n')}\n],"modifications":[\n${modified.map((entry) => JSON.stringify(entry)).join(',\n')}\n]}\n`,
  )
  const failed = recorded.filter((entry) => entry.answers[0].error !== undefined).length
  process.stdout.write(`${recorded.length} cases, ${failed} of them refusals\n`)
}
