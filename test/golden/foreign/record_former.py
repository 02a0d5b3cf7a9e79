#!/usr/bin/env python3
"""Records a directory of Sibyl as it was before it had SSTables: `cassandra python record_former.py CHECKOUT`.

CHECKOUT is a built clone at revision 6edc813. What it had was a commit log, and nothing else: it is written to, asked,
and killed. former.json.gz and former-answers.json.gz are as those of record.py.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

from record import contents, write
from rawcql import Conn

PORT = 19742
SCHEMA = [
    "CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    "CREATE TYPE shop.point (x int, y text)",
    "CREATE TABLE shop.wide (p text, c int, s int static, v text, m map<text, int>, l list<int>, u point, "
    "fu frozen<point>, ve vector<float, 3>, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC)",
    "CREATE TABLE shop.counts (p text PRIMARY KEY, n counter)",
    "CREATE TABLE shop.altered (p int PRIMARY KEY, a text, b int)",
    "CREATE TABLE shop.truncated (p int PRIMARY KEY)",
    "CREATE TABLE shop.dropped (p int PRIMARY KEY)",
]
DATA = [
    *["INSERT INTO shop.wide (p, c, v, m, l, u, fu, ve, s) VALUES ('p%d', %d, 'v%d', {'a': %d, 'b': 2}, [%d, 1], "
      "{x: %d, y: 'u'}, {x: 1, y: 'f'}, [1, 2, %d], %d)" % (i % 3, *[i] * 7) for i in range(60)],
    "DELETE FROM shop.wide WHERE p = 'p1' AND c > 40",
    "DELETE m['a'] FROM shop.wide WHERE p = 'p0' AND c = 3",
    *["UPDATE shop.counts SET n = n + %d WHERE p = 'a'" % i for i in range(5)],
    "INSERT INTO shop.altered (p, a, b) VALUES (1, 'a', 2)",
    "ALTER TABLE shop.altered DROP b",
    "ALTER TABLE shop.altered ADD c set<text>",
    "INSERT INTO shop.altered (p, a, c) VALUES (2, 'a', {'x'})",
    "INSERT INTO shop.truncated (p) VALUES (1)",
    "TRUNCATE shop.truncated",
    "INSERT INTO shop.truncated (p) VALUES (2)",
    "INSERT INTO shop.dropped (p) VALUES (1)",
    "DROP TABLE shop.dropped",
]
QUESTIONS = [
    "SELECT * FROM shop.wide",
    "SELECT * FROM shop.wide WHERE p = 'p1' ORDER BY c ASC",
    "SELECT * FROM shop.wide WHERE p = 'p1' AND c > 20 LIMIT 3",
    "SELECT count(*) FROM shop.wide",
    "SELECT p, c, writetime(v), writetime(s) FROM shop.wide",
    "SELECT * FROM shop.counts",
    "SELECT * FROM shop.altered",
    "SELECT * FROM shop.truncated",
    "SELECT host_id, cluster_name, tokens FROM system.local",
    "DESCRIBE KEYSPACE shop",
]


def main(checkout):
    folder = tempfile.mkdtemp()
    server = subprocess.Popen(["node", os.path.join(checkout, "bin/sibyl.js"), "--port", str(PORT), "--dir", folder,
                               "--num-tokens", "16", "--set", "commitlog_segment_size=96KiB"])
    time.sleep(2)
    conn = Conn("127.0.0.1", PORT, version=4)
    for statement in SCHEMA + DATA:
        conn.query(statement)
    answers = [[text, [], conn.query(text)["rows"]] for text in QUESTIONS]
    server.send_signal(signal.SIGKILL)
    server.wait()
    write("former-answers", {"answers": answers})
    write("former", contents(folder, lambda path: path.startswith("commitlog/")))


if __name__ == "__main__":
    main(sys.argv[1])
