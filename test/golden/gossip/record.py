"""Records what the nodes of a real ring say of each other: recorded.json, which gossip.test.ts compares.

    ./cassandra --name gossip start --fresh --nodes 3 --vnodes 8 --ip-prefix 127.0.30.      (in the oracle kit)
    ./cassandra --name gossip python record.py
    ./cassandra --name gossip stop --wipe

Each step of the ring's life has nodetool's output at each node that runs, the rows of system.local, peers and
peers_v2 there, and the events that a client of node 1 got since the step before.
"""
import json
import os
import subprocess
import sys
import time

from cassandra.cluster import Cluster, ExecutionProfile, EXEC_PROFILE_DEFAULT
from cassandra.policies import WhiteListRoundRobinPolicy

HERE = os.path.dirname(os.path.abspath(__file__))
ORACLE = os.environ.get("ORACLE", os.path.join(HERE, "../../../../shared/oracle"))
PREFIX = os.environ.get("IP_PREFIX", "127.0.30.")
COMMANDS = [["gossipinfo"], ["-pp", "gossipinfo"], ["describecluster"], ["-pp", "describecluster"], ["status"],
            ["-pp", "status"], ["status", "system_auth"]]


def kit(*args):
    return subprocess.run([os.path.join(ORACLE, "cassandra"), "--name", "gossip", *args], capture_output=True, text=True)


def rows(node, table):
    profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([PREFIX + str(node)]))
    with Cluster([PREFIX + str(node)], execution_profiles={EXEC_PROFILE_DEFAULT: profile}) as cluster:
        return [json.loads(r[0]) for r in cluster.connect().execute(f"SELECT JSON * FROM system.{table}")]


class Events:
    """Topology and status events as node 1 pushes them."""

    def __init__(self):
        self.seen = []
        profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([PREFIX + "1"]))
        self.cluster = Cluster([PREFIX + "1"], execution_profiles={EXEC_PROFILE_DEFAULT: profile})
        self.cluster.connect()
        connection = self.cluster.control_connection._connection
        for kind in ("TOPOLOGY_CHANGE", "STATUS_CHANGE"):
            connection.register_watcher(kind, lambda e, kind=kind: self.seen.append(
                [kind, e["change_type"], "%s:%d" % e["address"]]))

    def take(self):
        seen, self.seen = self.seen, []
        return seen


def snapshot(name, nodes, events, output):
    print(name, flush=True)
    step = {"name": name, "events": events.take(), "nodes": {}}
    for node in nodes:
        outputs = {" ".join(c): kit("nodetool", "--node", str(node), *c).stdout for c in COMMANDS}
        step["nodes"][PREFIX + str(node)] = {
            "nodetool": outputs, **{t: rows(node, t) for t in ("local", "peers", "peers_v2")}}
    output.append(step)


def main():
    output = []
    events = Events()
    time.sleep(3)
    snapshot("three nodes", [1, 2, 3], events, output)
    kit("stop", "--node", "3", "--kill")
    time.sleep(25)
    snapshot("node 3 killed", [1, 2], events, output)
    kit("start", "--node", "3")
    time.sleep(8)
    snapshot("node 3 started again", [1, 3], events, output)
    kit("stop", "--node", "3")
    time.sleep(5)
    snapshot("node 3 stopped", [1, 2], events, output)
    kit("start", "--node", "3")
    time.sleep(8)
    kit("nodetool", "--node", "3", "disablebinary")
    time.sleep(4)
    snapshot("node 3 without native transport", [1], events, output)
    kit("nodetool", "--node", "3", "enablebinary")
    time.sleep(4)
    kit("nodetool", "--node", "3", "disablegossip")
    time.sleep(4)
    snapshot("node 3 without gossip", [1], events, output)
    kit("nodetool", "--node", "3", "enablegossip")
    time.sleep(8)
    snapshot("node 3 with gossip again", [1], events, output)
    kit("nodetool", "--node", "3", "decommission", "--force")
    time.sleep(4)
    snapshot("node 3 decommissioned", [1, 2], events, output)
    kit("stop", "--node", "3", "--kill")
    kit("nodetool", "--node", "1", "assassinate", PREFIX + "2")
    time.sleep(4)
    snapshot("node 2 assassinated", [1], events, output)
    with open(os.path.join(HERE, "recorded.json"), "w") as file:
        json.dump({"prefix": PREFIX, "steps": output}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
