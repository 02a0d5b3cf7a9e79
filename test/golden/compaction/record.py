#!/usr/bin/env python3
"""Records what Apache Cassandra answers to the table options of options.txt: `cassandra python record.py [host]` (of the
oracle kit) writes options.json, which options.test.ts compares.

A line is the options of a CREATE TABLE; one that begins with ALTER those of an ALTER TABLE of the table before it. Kept
are the error, or the warnings and the options as system_schema has them afterwards.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.environ.get("ORACLE_MAKE", os.path.join(HERE, "../../../../shared/oracle/make")))
import rawcql  # noqa: E402

KS = "cmpn_options"
KEPT = ["bloom_filter_fp_chance", "caching", "compaction", "compression"]


def main(host):
    conn = rawcql.Conn(host, version=4)
    conn.query("DROP KEYSPACE IF EXISTS " + KS)
    conn.query("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}" % KS)
    out = []
    table = 0
    for line in open(os.path.join(HERE, "options.txt")):
        options = line.rstrip("\n")
        if not options or options.startswith("--"):
            continue
        if options.startswith("ALTER "):
            cql = "ALTER TABLE %s.t%d WITH %s" % (KS, table, options[6:])
        else:
            table += 1
            cql = "CREATE TABLE %s.t%d (k int PRIMARY KEY, v int) WITH %s" % (KS, table, options)
        found = {"cql": cql}
        try:
            answer = conn.query(cql)
            if answer.get("warnings"):
                found["warnings"] = answer["warnings"]
            cols, rows = conn.rows("SELECT %s FROM system_schema.tables WHERE keyspace_name = '%s' AND table_name = 't%d'"
                                   % (", ".join(KEPT), KS, table))
            found["options"] = dict(zip((c["name"] for c in cols), rows[0]))
        except rawcql.CqlError as error:
            found["error"] = [error.d["code"], error.d["message"]]
        out.append(found)
    conn.query("DROP KEYSPACE " + KS)
    with open(os.path.join(HERE, "options.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(found) for found in out) + "\n]\n")
    print(len(out), "recorded,", sum("error" in found for found in out), "errors")


main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.61")
