"""Prints how the Python driver sees a ring, a line of JSON for each line that it reads: hosts, their tokens and states, and the
replicas of keys. Arguments: host, keyspace, keys."""

import json
import sys

from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import RoundRobinPolicy

host, keyspace, keys = sys.argv[1], sys.argv[2], sys.argv[3:]
# It has no opinion of nodes that it does not talk to.
profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy())
cluster = Cluster([host], execution_profiles={EXEC_PROFILE_DEFAULT: profile})
cluster.connect()
for _ in sys.stdin:
    metadata = cluster.metadata
    tokens = {}
    for token, owner in metadata.token_map.token_to_host_owner.items():
        tokens.setdefault(owner.address, []).append(str(token.value))
    hosts = {
        each.address: {
            "dataCenter": each.datacenter,
            "rack": each.rack,
            "isUp": bool(each.is_up),
            "tokens": sorted(tokens.get(each.address, [])),
        }
        for each in metadata.all_hosts()
    }
    replicas = {key: sorted(each.address for each in metadata.get_replicas(keyspace, key.encode())) for key in keys}
    print(json.dumps({"hosts": hosts, "replicas": replicas}), flush=True)
cluster.shutdown()
