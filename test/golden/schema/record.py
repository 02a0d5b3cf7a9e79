#!/usr/bin/env python3
"""Records what Apache Cassandra answers to NAME.cql: `cassandra python record.py [host] [NAME...]` writes NAME.json, of
ddl and options unless names are given.

Each section is run on a connection of its own, one statement a line. Of a statement that succeeds are kept the
change, the events, the warnings and the rows of system_schema that differ afterwards: texts as texts, other values as
hex. The id of a table that gave none and the time of a DROP that gave none are `*`.
"""
import json
import os
import select
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.environ.get("ORACLE_MAKE", os.path.join(os.path.dirname(__file__), "../../../../shared/oracle/make")))
import rawcql  # noqa: E402

KEYS = {"keyspaces": 1, "tables": 2, "columns": 3, "types": 2, "dropped_columns": 3}
TEXT = ("varchar", "ascii", "text")


def rows(conn):
    out = {}
    for table, n in KEYS.items():
        cols, rs = conn.rows("SELECT * FROM system_schema." + table)
        for r in rs:
            vals = [None if v is None else bytes.fromhex(v).decode() if c["type"] in TEXT else v for c, v in zip(cols, r)]
            if vals[0].startswith("sg") and vals[0] != "selgold":
                out[(table,) + tuple(vals[:n])] = {c["name"]: v for c, v in list(zip(cols, vals))[n:]}
    return out


def events(conn):
    found = []
    while select.select([conn.sock if hasattr(conn, "sock") else conn.s], [], [], 0.25)[0]:
        d = conn.recv().dec()
        if d["event"] == "SCHEMA_CHANGE" and d["change"]["keyspace"].startswith("sg"):
            c = d["change"]
            found.append(" ".join([c["change_type"], c["target"], c["keyspace"] + ("." + c["name"] if "name" in c else "")]))
    return found


def main(host, script):
    sections, name = {}, None
    for line in open(os.path.join(HERE, script + ".cql")):
        line = line.rstrip("\n")
        if line.startswith("-- "):
            name = line[3:]
            sections[name] = []
        elif line:
            sections[name].append(line)
    admin = rawcql.Conn(host, version=4)
    listener = rawcql.Conn(host, version=4)
    listener.call("REGISTER", rawcql.short(1) + rawcql.string("SCHEMA_CHANGE"))
    out = {}
    for name, statements in sections.items():
        for key in list(rows(admin)):
            if key[0] == "keyspaces":
                admin.query('DROP KEYSPACE IF EXISTS "%s"' % key[1])
        events(listener)
        conn = rawcql.Conn(host, version=4)
        before = rows(admin)
        recorded = out[name] = []
        for cql in statements:
            entry = {"cql": cql}
            recorded.append(entry)
            try:
                d = conn.query(cql)
            except rawcql.CqlError as e:
                entry["error"] = [e.d["code"], e.d["message"]]
                if "warnings" in e.d:
                    entry["warnings"] = e.d["warnings"]
                continue
            if "warnings" in d:
                entry["warnings"] = d["warnings"]
            if d["kind"] == "set_keyspace":
                continue
            c = d.get("change")
            entry["change"] = c and " ".join(
                [c["change_type"], c["target"], c["keyspace"] + ("." + c["name"] if "name" in c else "")])
            if not c:
                continue
            seen = events(listener)
            if seen != [entry["change"]]:
                entry["events"] = seen
            after = rows(admin)
            put = {}
            for key, value in after.items():
                if before.get(key) == value:
                    continue
                value = dict(value)
                if key[0] == "tables" and "WITH ID" not in cql:
                    value["id"] = "*"
                if key[0] == "dropped_columns" and "USING TIMESTAMP" not in cql:
                    value["dropped_time"] = "*"
                put.setdefault(key[0], {})["/".join(key[1:])] = value
            gone = sorted("/".join(k) for k in before if k not in after)
            if put:
                entry["rows"] = put
            if gone and not cql.startswith("DROP KEYSPACE"):
                entry["gone"] = gone
            before = after
        conn.close()
    for key in list(rows(admin)):
        if key[0] == "keyspaces":
            admin.query('DROP KEYSPACE IF EXISTS "%s"' % key[1])
    with open(os.path.join(HERE, script + ".json"), "w") as f:
        f.write("{\n" + ",\n".join(
            json.dumps(n) + ": [\n" + ",\n".join(" " + json.dumps(e, ensure_ascii=False) for e in es) + "]"
            for n, es in out.items()) + "\n}\n")
    print({n: (len(es), sum("error" in e for e in es)) for n, es in out.items()})


for each in sys.argv[2:] or ["ddl", "options"]:
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.61", each)
