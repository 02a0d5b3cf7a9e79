/**
 * Records what Apache Cassandra answers to `cases.js` into aggregation.json:
 * `node test/golden/aggregation/record.js [host] [port]`.
 */

import { record } from '../select/recorder.js'
import { cases, KEYSPACE, setup } from './cases.js'

await record({ keyspace: KEYSPACE, setup, cases, file: new URL('aggregation.json', import.meta.url) })
