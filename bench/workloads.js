/**
 * What is measured. Every request of a workload is an EXECUTE, or a QUERY, of one size, so that requests are made
 * once, in one buffer, and the load generator only copies them.
 */

const columnBytes = 34
const columns = ['c0', 'c1', 'c2', 'c3', 'c4']
const columnList = columns.join(', ')
const columnTypes = columns.map((name) => `${name} blob`).join(', ')
const columnSizes = columns.map(() => columnBytes)

export const keys = 100_000
const rowsPerPartition = 1000
const sliceRows = 20
const longSliceRows = 100
const devices = 1000

/**
 * @typedef {object} Workload
 * @property {string} statement what is prepared
 * @property {readonly number[]} sizes bytes of each value
 * @property {number} requests how many different ones there are
 * @property {(request: Buffer, offsets: readonly number[], n: number) => void} fill writes the values of request n
 * @property {((out: Buffer, at: number, offsets: readonly number[], n: number) => void)=} stamp writes into the n-th that is sent
 * @property {number} answerBytes of the body of the right answer
 * @property {boolean=} isUnprepared sent as text, with values beside it
 * @property {number=} literalAt where in the text a value begins that `fill` writes, behind the offsets of the values
 * @property {string=} populate the workload to run once, in order, before this one
 */

const rowsHeaderBytes = 16
const rowBytes = columns.length * (4 + columnBytes)

/** @param {Buffer} request @param {readonly number[]} offsets @param {number} first @param {number} n */
function fillColumns(request, offsets, first, n) {
  for (let column = 0; column < columns.length; column++) {
    let state = (n * 31 + column + 1) >>> 0
    for (let at = 0; at < columnBytes; at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      request[offsets[first + column] + at] = state >>> 24
    }
  }
}

/** @param {Buffer} request @param {number} at @param {number} n */
function fillKey(request, at, n) {
  request.write(`k${String(n).padStart(9, '0')}`, at, 'latin1')
}

/** @param {number} replicationFactor */
export const schemaOf = (replicationFactor) => [
  `CREATE KEYSPACE IF NOT EXISTS bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${replicationFactor}}`,
  `CREATE TABLE IF NOT EXISTS bench.kv (k text PRIMARY KEY, ${columnTypes})`,
  `CREATE TABLE IF NOT EXISTS bench.wide (p bigint, c bigint, ${columnTypes}, PRIMARY KEY (p, c))`,
  `CREATE TABLE IF NOT EXISTS bench.series (device text, day int, at timestamp, value double, note blob,
     PRIMARY KEY ((device, day), at)) WITH CLUSTERING ORDER BY (at DESC)`,
  'CREATE TABLE IF NOT EXISTS bench.small (k bigint PRIMARY KEY, v int)',
]

/** @type {Record<string, Workload>} */
export const workloads = {
  writes: {
    statement: `INSERT INTO bench.kv (k, ${columnList}) VALUES (?, ?, ?, ?, ?, ?)`,
    sizes: [10, ...columnSizes],
    requests: keys,
    fill: (request, offsets, n) => {
      fillKey(request, offsets[0], n)
      fillColumns(request, offsets, 1, n)
    },
    answerBytes: 4,
  },
  reads: {
    statement: `SELECT k, ${columnList} FROM bench.kv WHERE k = ?`,
    sizes: [10],
    requests: keys,
    fill: (request, offsets, n) => fillKey(request, offsets[0], n),
    answerBytes: rowsHeaderBytes + 4 + 10 + rowBytes,
    populate: 'writes',
  },
  slices: {
    statement: `SELECT c, ${columnList} FROM bench.wide WHERE p = ? AND c >= ? LIMIT ${sliceRows}`,
    sizes: [8, 8],
    requests: keys,
    fill: (request, offsets, n) => {
      request.writeBigInt64BE(BigInt(Math.floor(n / rowsPerPartition)), offsets[0])
      request.writeBigInt64BE(BigInt((n * 7) % (rowsPerPartition - sliceRows)), offsets[1])
    },
    answerBytes: rowsHeaderBytes + sliceRows * (4 + 8 + rowBytes),
    populate: 'wideRows',
  },
  longSlices: {
    statement: `SELECT c, ${columnList} FROM bench.wide WHERE p = ? AND c >= ? LIMIT ${longSliceRows}`,
    sizes: [8, 8],
    requests: keys,
    fill: (request, offsets, n) => {
      request.writeBigInt64BE(BigInt(Math.floor(n / rowsPerPartition)), offsets[0])
      request.writeBigInt64BE(BigInt((n * 7) % (rowsPerPartition - longSliceRows)), offsets[1])
    },
    answerBytes: rowsHeaderBytes + longSliceRows * (4 + 8 + rowBytes),
    populate: 'wideRows',
  },
  counts: {
    statement: 'SELECT count(*) FROM bench.wide WHERE p = ?',
    sizes: [8],
    requests: keys / rowsPerPartition,
    fill: (request, offsets, n) => request.writeBigInt64BE(BigInt(n), offsets[0]),
    answerBytes: rowsHeaderBytes + 4 + 8,
    populate: 'wideRows',
  },
  series: {
    statement: 'INSERT INTO bench.series (device, day, at, value, note) VALUES (?, ?, ?, ?, ?)',
    sizes: [10, 4, 8, 8, columnBytes],
    requests: devices,
    fill: (request, offsets, n) => {
      fillKey(request, offsets[0], n)
      request.writeInt32BE(20_000, offsets[1])
      request.writeDoubleBE(n / 7, offsets[3])
    },
    // Times go on from run to run: the wall clock in milliseconds, a thousand of them for each.
    stamp: (out, at, offsets, n) => {
      const time = seriesStart + n
      out.writeUInt32BE(Math.floor(time / 0x1_0000_0000), at + offsets[2])
      out.writeUInt32BE(time >>> 0, at + offsets[2] + 4)
    },
    answerBytes: 4,
  },
  wideRows: {
    statement: `INSERT INTO bench.wide (p, c, ${columnList}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    sizes: [8, 8, ...columnSizes],
    requests: keys,
    fill: (request, offsets, n) => {
      request.writeBigInt64BE(BigInt(Math.floor(n / rowsPerPartition)), offsets[0])
      request.writeBigInt64BE(BigInt(n % rowsPerPartition), offsets[1])
      fillColumns(request, offsets, 2, n)
    },
    answerBytes: 4,
  },
  smallRows: {
    statement: 'INSERT INTO bench.small (k, v) VALUES (?, ?)',
    sizes: [8, 4],
    requests: 1,
    fill: () => {},
    stamp: (out, at, offsets, n) => {
      out.writeUInt32BE(Math.imul(n, 0x9e3779b1) >>> 0, at + offsets[0] + 4)
      out.writeUInt32BE(n, at + offsets[1])
    },
    answerBytes: 4,
  },
}

/** How many partitions `manyReads` reads of those that `manyWrites` wrote. */
const manyPartitions = Number(process.env['BENCH_PARTITIONS'] ?? 5_000_000)

/** @param {Buffer} out @param {number} at @param {number} n */
function stampKey(out, at, n) {
  for (let digit = 9, left = n; digit > 0; digit--) {
    out[at + digit] = 0x30 + (left % 10)
    left = Math.floor(left / 10)
  }
}

// As many partitions as wanted, each with its own key, of about 200 bytes.
workloads['manyWrites'] = {
  ...workloads['writes'],
  stamp: (out, at, offsets, n) => stampKey(out, at + offsets[0], n),
}
workloads['manyReads'] = {
  ...workloads['reads'],
  stamp: (out, at, offsets, n) => {
    // A permutation of 32 bits, so that keys come in no order.
    let x = Math.imul(n ^ (n >>> 16), 0x45d9f3b)
    x = Math.imul(x ^ (x >>> 16), 0x45d9f3b)
    stampKey(out, at + offsets[0], ((x ^ (x >>> 16)) >>> 0) % manyPartitions)
  },
}

workloads['unpreparedWrites'] = { ...workloads['writes'], isUnprepared: true }
workloads['unpreparedReads'] = { ...workloads['reads'], isUnprepared: true }

const literalRead = `SELECT k, ${columnList} FROM bench.kv WHERE k = '`
workloads['literalReads'] = {
  ...workloads['reads'],
  statement: `${literalRead}k000000000'`,
  sizes: [],
  isUnprepared: true,
  literalAt: literalRead.length,
}

const literalWrite = `INSERT INTO bench.kv (${columnList}, k) VALUES (${columns
  .map((_, i) => `0x${String(i).repeat(2 * columnBytes)}`)
  .join(', ')}, '`
workloads['literalWrites'] = {
  ...workloads['writes'],
  statement: `${literalWrite}k000000000')`,
  sizes: [],
  isUnprepared: true,
  literalAt: literalWrite.length,
  fill: (request, offsets, n) => fillKey(request, offsets[0], n),
}

const seriesStart = Date.now() * 1000

export const measured = ['writes', 'reads', 'slices', 'series']
