"""Prints what the Python driver finds at 127.0.0.1 and the port that is given: hosts with their ports, and which of them answered. It reads
system.peers_v2."""

import json
import sys

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RoundRobinPolicy

profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), consistency_level=ConsistencyLevel.QUORUM)
cluster = Cluster(["127.0.0.1"], port=int(sys.argv[1]), execution_profiles={EXEC_PROFILE_DEFAULT: profile})
session = cluster.connect()
hosts = sorted(str(each.endpoint) for each in cluster.metadata.all_hosts())
asked = {session.execute("SELECT rpc_port FROM system.local").one().rpc_port for _ in range(30)}
rows = [[row.k, row.v] for row in session.execute("SELECT k, v FROM one_address.t")]
print(json.dumps({"hosts": hosts, "asked": sorted(asked), "rows": rows}))
cluster.shutdown()
