/**
 * Records what Apache Cassandra answers to `cases.js` into select.json:
 * `node test/golden/select/record.js [host] [port]`.
 */

import { cases, KEYSPACE, modifications, setup } from './cases.js'
import { record } from './recorder.js'

await record({
  keyspace: KEYSPACE,
  setup,
  cases,
  modifications,
  file: new URL('select.json', import.meta.url),
})
