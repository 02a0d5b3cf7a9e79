#!/usr/bin/env python3
"""Records data directories of Apache Cassandra and what it answers about them: `cassandra python record.py`.

A node of its own is started for each version of SSTables; it executes corpus.cql, answers the questions, is drained and
stopped. Its data directory becomes VERSION.json.gz, the answers VERSION-answers.json.gz. Of `nb` there is also the
commit log of the same node before it was drained (undrained.json.gz), of `da` (BTI) a single table. `nb` has roles.

A file of a directory is its path, its size, and its bytes in base64 without the zeros at its end. A question is a text
and its values in hex; an answer, the rows as hex of the values.
"""
import base64
import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ORACLE = os.environ.get("ORACLE", os.path.join(HERE, "../../../../shared/oracle"))
sys.path.insert(0, os.path.join(ORACLE, "make"))
from rawcql import Conn, CqlError  # noqa: E402

NAME = "foreign"
ADDRESS = "127.0.75.1"
VERSIONS = {
    "nb": ["--auth", "--set", "role_manager=CassandraRoleManager"],
    "oa": ["--set", "storage_compatibility_mode=NONE", "--set", "uuid_sstable_identifiers_enabled=true"],
    "da": ["--set", "storage_compatibility_mode=NONE", "--set", "sstable.selected_format=bti"],
}
MASKS = ["--set", "dynamic_data_masking_enabled=true"]
KEYSPACES = ["shop", "Mixed", "later"]
ROWS = {
    "shop.wide": ["INSERT INTO shop.wide (p,c1,c2,v,n) VALUES ('long',%d,'c%d','%s',%d)" % (i // 7, i, "w" * 100, i)
                  for i in range(400)],
    "shop.unified": ["INSERT INTO shop.unified (p, v) VALUES (%d, 'value %d')" % (i, i) for i in range(150)],
}


def oracle(*args):
    done = subprocess.run([os.path.join(ORACLE, "cassandra"), "--name", NAME, *args], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit("cassandra %s failed: %s" % (" ".join(args), done.stdout))
    return done.stdout


def execute(conn, only=None, without_roles=False):
    """Runs corpus.cql, or those of its lines that `only` takes, without flushes."""
    for line in open(os.path.join(HERE, "corpus.cql"), encoding="utf8"):
        line = line.strip().rstrip(";")
        word = line[3:].split(" ")[0] if line.startswith("-- ") else ""
        if word == "flush" and only is None:
            oracle("nodetool", "flush")
        elif word == "wait":
            time.sleep(2.5)
        elif word == "time":
            time.sleep(0.1)
        elif word == "rows" and only is None:
            for statement in ROWS[line.split(" ")[2]]:
                conn.query(statement)
        elif without_roles and (line.split(" ")[1:3] == ["ROLE", "ada"] or line.endswith("TO ada")):
            pass
        elif not line.startswith("--") and (only is None or only(line)):
            conn.query(line)


def quoted(name):
    return '"%s"' % name.replace('"', '""')


def questions(conn):
    """Of each table: all of it, counts, each key, rows and slices both ways, ranges of the ring, times of cells."""
    for keyspace in KEYSPACES:
        columns = {}
        where = "SELECT table_name, column_name, kind, position, type FROM system_schema.columns WHERE keyspace_name = '%s'"
        for row in conn.query(where % keyspace)["rows"]:
            table, name, kind, position, cql_type = [bytes.fromhex(v) for v in row]
            columns.setdefault(table.decode(), []).append(
                (kind.decode(), struct.unpack(">i", position)[0], name.decode(), cql_type.decode()))
        views = [bytes.fromhex(v).decode() for v, in conn.query(
            "SELECT view_name FROM system_schema.views WHERE keyspace_name = '%s'" % keyspace)["rows"]]
        for table, of in sorted(columns.items()):
            if table not in views:
                yield from about(conn, "%s.%s" % (quoted(keyspace), quoted(table)), of)


def about(conn, table, columns):
    def named(kind):
        return [quoted(name) for k, _, name, _ in sorted(columns, key=lambda c: c[1]) if k == kind]
    keys, clusterings = named("partition_key"), named("clustering")
    yield "SELECT * FROM %s" % table, []
    yield "SELECT count(*) FROM %s" % table, []
    yield "SELECT DISTINCT %s FROM %s" % (", ".join(keys + named("static")), table), []
    plain = [quoted(name) for kind, _, name, t in columns
             if kind in ("regular", "static") and t != "counter" and "<" not in t.replace("frozen<", "").split(">")[0]]
    plain = [name for name in plain if name not in ('"u"', '"deep"', '"t"', '"vt"', '"v"')]
    for name in plain[:8]:
        yield "SELECT %s, writetime(%s) FROM %s" % (", ".join(keys), name, table), []
    of_key = " AND ".join("%s = ?" % k for k in keys)
    token = "token(%s)" % ", ".join(keys)
    rows = conn.query("SELECT %s FROM %s" % (", ".join(keys + clusterings), table))["rows"]
    partitions = {}
    for row in rows:
        partitions.setdefault(tuple(row[:len(keys)]), []).append(row[len(keys):])
    for i, (key, inside) in enumerate(list(partitions.items())[:12]):
        key = list(key)
        yield "SELECT * FROM %s WHERE %s" % (table, of_key), key
        if not clusterings:
            continue
        yield "SELECT count(*) FROM %s WHERE %s" % (table, of_key), key
        # ORDER BY DESC turns the first clustering column of all tables but the one that is declared so.
        reverse = "ASC" if table == '"shop"."wide"' else "DESC"
        yield "SELECT * FROM %s WHERE %s ORDER BY %s %s" % (table, of_key, clusterings[0], reverse), key
        there = [c for c in inside if None not in c]
        for c in there[:: max(1, len(there) // 4)]:
            for sign in ("=", ">", "<="):
                yield "SELECT * FROM %s WHERE %s AND %s %s ?" % (table, of_key, clusterings[0], sign), key + c[:1]
            yield "SELECT * FROM %s WHERE %s AND (%s) > (%s) ORDER BY %s %s LIMIT 5" % (
                table, of_key, ", ".join(clusterings), ", ".join("?" for _ in c), clusterings[0], reverse), key + c
    tokens = sorted(struct.unpack(">q", bytes.fromhex(t))[0] for t, in
                    conn.query("SELECT %s FROM %s" % (token, table))["rows"])
    for bound in tokens[:: max(1, len(tokens) // 3)]:
        for sign in (">", "<="):
            yield "SELECT * FROM %s WHERE %s %s %d" % (table, token, sign, bound), []


def answer(conn, text, values):
    return [text, values, conn.query(text, values=[bytes.fromhex(v) for v in values])["rows"]]


def contents(root, wanted):
    files = []
    for folder, _, names in sorted(os.walk(root)):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if not wanted(path):
                continue
            data = open(os.path.join(folder, name), "rb").read()
            files.append([path, len(data), base64.b64encode(data.rstrip(b"\0")).decode()])
    return files


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(HERE, name + ".json.gz"), "wb") as f:
        f.write(gzip.compress(text.encode(), 9, mtime=0))
    print(name, os.path.getsize(f.name))


def node_directory():
    home = os.environ.get("CASSANDRA_ORACLE_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cassandra-oracle")
    return os.path.join(home, "clusters", NAME, "node1", "data")


def record(version):
    directory = node_directory()
    oracle("start", "--fresh", "--ip-prefix", ADDRESS[:-1], *MASKS, *VERSIONS[version])
    time.sleep(12 if version == "nb" else 0)  # The superuser is made 10 s after the start.
    conn = Conn(ADDRESS, version=4, user="cassandra", password="cassandra", timeout=60)
    if version == "da":
        execute(conn, lambda line: "shop.untouched" in line or line.startswith("CREATE KEYSPACE shop"))
        conn.query("INSERT INTO shop.untouched (p, v) VALUES (1, 'bti')")
    else:
        execute(conn, without_roles=version != "nb")
        answers = [answer(conn, *question) for question in questions(conn)]
        describe = [[bytes.fromhex(v).decode() for v in row] for row in conn.query("DESCRIBE SCHEMA")["rows"]]
        local = conn.query("SELECT host_id, cluster_name, data_center, rack, tokens FROM system.local")["rows"][0]
        counts = {t: len(conn.query("SELECT * FROM %s" % t)["rows"]) for t in
                  ["system_schema.indexes", "system_schema.views", "system_schema.functions", "system_schema.aggregates",
                   "system_schema.column_masks", "system_auth.roles", "system_auth.role_permissions"]}
        write(version + "-answers", {"answers": answers, "describe": describe, "local": local, "counts": counts})
    if version == "nb":
        write("undrained", contents(directory, lambda path: path.startswith("commitlog/")))
    oracle("nodetool", "drain")
    conn.close()
    oracle("stop")
    if version == "da":
        wanted = lambda path: path.startswith(("data/system_schema/", "data/shop/"))  # noqa: E731
    else:
        wanted = lambda path: True  # noqa: E731
    write(version, contents(directory, wanted))
    if os.environ.get("KEEP"):
        shutil.copytree(directory, os.path.join(os.environ["KEEP"], version), dirs_exist_ok=True)
    oracle("stop", "--wipe")


if __name__ == "__main__":
    for one in sys.argv[1:] or VERSIONS:
        record(one)
