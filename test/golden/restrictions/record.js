/**
 * Records what Apache Cassandra answers to `cases.js` into restrictions.json:
 * `node test/golden/restrictions/record.js [host] [port]`.
 */

import { record } from '../select/recorder.js'
import { cases, KEYSPACE, setup } from './cases.js'

await record({ keyspace: KEYSPACE, setup, cases, file: new URL('restrictions.json', import.meta.url) })
