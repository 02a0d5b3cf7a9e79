"""
Records what Apache Cassandra answers to statements.json, statements on virtual tables, into recorded.json:
`cassandra python test/golden/views/record.py [host] [port]` with the oracle's `cassandra`.
"""

import json
import os
import sys

from cassandra.cluster import Cluster

here = os.path.dirname(os.path.abspath(__file__))
host = sys.argv[1] if len(sys.argv) > 1 else '127.0.0.61'
port = int(sys.argv[2]) if len(sys.argv) > 2 else 9042

cluster = Cluster([host], port=port)
session = cluster.connect()
session.default_fetch_size = 5000


def answer(statement):
    try:
        rows = session.execute(statement)
    except Exception as error:  # what is refused is recorded, too
        text = str(error)
        code = text.split('code=')[1][:4]
        return {'code': int(code, 16), 'message': text.split('message="', 1)[1].rsplit('"', 1)[0]}
    return {'columns': rows.column_names or [], 'rows': [[str(value) for value in row] for row in rows]}


with open(os.path.join(here, 'statements.json')) as file:
    statements = json.load(file)
recorded = [{'statement': statement, **answer(statement)} for statement in statements]
with open(os.path.join(here, 'recorded.json'), 'w') as file:
    json.dump(recorded, file, indent=1, ensure_ascii=False)
    file.write('\n')
cluster.shutdown()
