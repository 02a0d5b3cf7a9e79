/** What this server says it is: the version of Cassandra whose behaviour it has. */
export const RELEASE_VERSION = '5.0.6'
export const CQL_VERSION = '3.4.7'
export const NATIVE_PROTOCOL_VERSION = '5'
export const PARTITIONER = 'org.apache.cassandra.dht.Murmur3Partitioner'
