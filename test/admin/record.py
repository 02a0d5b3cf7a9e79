"""Records what Apache Cassandra's nodetool prints after statements that have their timestamps, as nodetool.json.

    cassandra --name NAME python test/admin/record.py NODETOOL... > test/admin/nodetool.json

NODETOOL is the command that runs nodetool against that node, CONTACT_POINT (environment) its address. It is a fresh one: its history is recorded, too. Of the statements those that are
lists are commands of nodetool, whose output is recorded; figures that differ from one run to the next the test leaves out.
"""
import json
import os
import subprocess
import sys

from cassandra.cluster import Cluster

STATEMENTS = json.load(open(os.path.join(os.path.dirname(__file__), 'statements.json')))
session = Cluster([os.environ['CONTACT_POINT']]).connect()
recorded = []
for statement in STATEMENTS:
    if isinstance(statement, str):
        session.execute(statement)
        continue
    done = subprocess.run(sys.argv[1:] + statement, capture_output=True, text=True)
    # Behind the message there is a stack of Java.
    error = done.stderr.split('\n-- StackTrace --')[0].strip()
    recorded.append({'args': statement, 'out': done.stdout, 'err': error, 'code': done.returncode})
    print(statement, done.returncode, file=sys.stderr)
json.dump(recorded, sys.stdout, indent=2)
print()
