#!/usr/bin/env python3
"""Records what Apache Cassandra answers to describe.cql: `cassandra python record.py HOST` writes describe.json.gz.

HOST has to be a node of its own, alone and without a schema, started with `--set drop_compact_storage_enabled=true`:
`DESCRIBE SCHEMA` shows all there is, and every keyspace that is not Cassandra's is dropped. Each section is run on a
connection of its own, one statement a line. Of DESCRIBE are kept the columns and the rows, of other statements
whether they were refused. `PREPARE`, `KEYSPACE ks`, `VALUES n` and `BATCH` before a statement are not CQL: the statement is
prepared and executed, is sent with that keyspace (protocol v5), with n values, or in a batch. `DESCRIBE CLUSTER`'s
tokens differ from node to node: of range_ownership only the number of endpoints a range is kept.

everything.json.gz is DESCRIBE SCHEMA of all these schemas together; WITH INTERNALS of the tables whose id is given.
pages.json holds pages of one statement and size, in each protocol version, and the answers to odd paging states.
"""
import gzip
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.environ.get("ORACLE_MAKE", os.path.join(HERE, "../../../../shared/oracle/make")))
import rawcql as r  # noqa: E402


def ask(conn, line):
    """The decoded answer to a line of a section; CqlErrors are raised."""
    word, _, rest = line.partition(" ")
    if word == "PREPARE":
        prepared = call(conn, "PREPARE", r.long_string(rest) + (r.i32(0) if conn.version >= 5 else b""))
        body = r.short_bytes(bytes.fromhex(prepared["id"]))
        if conn.version >= 5:
            body += r.short_bytes(bytes.fromhex(prepared["result_metadata_id"]))
        d = call(conn, "EXECUTE", body + r.query_params(conn.version, skip_metadata=True))
        d["prepared_columns"] = prepared["result_metadata"]["column_count"]
        return d
    if word == "BATCH":
        body = b"\0" + r.short(1) + b"\0" + r.long_string(rest) + r.short(0) + r.short(1)
        return call(conn, "BATCH", body + (r.i32(0) if conn.version >= 5 else b"\0"))
    options = {}
    if word == "KEYSPACE":
        options["keyspace"], _, rest = rest.partition(" ")
    elif word == "VALUES":
        n, _, rest = rest.partition(" ")
        options["values"] = [b"x"] * int(n)
    else:
        rest = line
    return query(conn, rest, **options)


def call(conn, op, body):
    d = conn.call(op, body).dec()
    if "code" in d:
        raise r.CqlError(d)
    return d


def query(conn, cql, **options):
    return call(conn, "QUERY", r.long_string(cql) + r.query_params(conn.version, **options))


def value(column, hexed):
    raw = bytes.fromhex(hexed)
    if column["type"] == "varchar":
        return raw.decode()
    reader = r.Reader(raw)
    return sorted({(reader.bytes(), struct.unpack(">i", reader.bytes()[:4])[0])[1] for _ in range(reader.int())})


def answer(conn, line, connection_of):
    try:
        d = ask(connection_of(line) or conn, line)
    except r.CqlError as e:
        return {"cql": line, "error": [e.d["code"], e.d["message"]]}
    entry = {"cql": line}
    if "rows" in d:
        m = d["metadata"]
        if "columns" in m:
            assert m["global_table_spec"] == ["system", "describe"]
            entry["columns"] = ["%s %s" % (c["name"], c["type"]) for c in m["columns"]]
        if m.get("new_metadata_id"):
            entry["metadataId"] = m["new_metadata_id"]
        if "prepared_columns" in d:
            entry["preparedColumns"] = d["prepared_columns"]
        entry["rows"] = [[value(c, v) for c, v in zip(m["columns"], row)] for row in d["rows"]]
    return entry


def user_keyspaces(admin):
    names = [bytes.fromhex(row[0]).decode() for row in admin.rows("SELECT keyspace_name FROM system_schema.keyspaces")[1]]
    return [name for name in names if not name.startswith("system")]


def clean(admin):
    for name in user_keyspaces(admin):
        admin.query('DROP KEYSPACE "%s"' % name)


def sections():
    found, name = {}, None
    for line in open(os.path.join(HERE, "describe.cql"), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("-- "):
            name = line[3:]
            found[name] = []
        elif line:
            found[name].append(line)
    return found


def write(name, data):
    text = (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode()
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)


def record_sections(host, admin):
    out = {}
    for name, lines in sections().items():
        clean(admin)
        conn = r.Conn(host, version=4)
        v5 = r.Conn(host, version=5)

        def connection_of(line):
            return v5 if line.split(" ")[0] in ("PREPARE", "KEYSPACE") else None

        out[name] = [answer(conn, line, connection_of) for line in lines]
        conn.close()
        v5.close()
        print(name, len(out[name]), sum("error" in entry for entry in out[name]))
    write("describe.json.gz", out)


def record_everything(host, admin):
    """One schema out of all sections that make one: each name is whose came first."""
    clean(admin)
    conn = r.Conn(host, version=4)
    for name, lines in sections().items():
        if name in NOT_EVERYTHING:
            continue
        for line in lines:
            if line.split(" ")[0] in ("CREATE", "ALTER", "USE"):
                try:
                    conn.query(line)
                except r.CqlError:
                    pass
    out = {}
    for cql in ("DESCRIBE SCHEMA", "DESCRIBE SCHEMA WITH INTERNALS"):
        answered = answer(r.Conn(host, version=4), cql, lambda line: None)
        if "INTERNALS" not in cql:
            out[cql] = answered["rows"]
        else:
            out[cql] = [row for row in answered["rows"] if row[1] != "table" or " WITH ID = 5a1c395e" in row[3]]
    print("everything", {cql: len(rows) for cql, rows in out.items()})
    write("everything.json.gz", out)


def record_pages(host, admin):
    clean(admin)
    admin.query("CREATE KEYSPACE dg WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    for i in range(5):
        admin.query("CREATE TABLE dg.t%d (k int PRIMARY KEY)" % i)
    out = {"pages": [], "states": []}

    def shown(state, version):
        """A paging state in hex, the schema's version in it as `VERSION`."""
        return state and state.replace(version, "VERSION")

    version = admin.rows("SELECT schema_version FROM system.local")[1][0][0]
    for protocol in (3, 4, 5):
        conn = r.Conn(host, version=protocol)
        for cql, size in (("DESCRIBE KEYSPACE dg", 2), ("DESCRIBE KEYSPACE dg", 3), ("DESCRIBE SCHEMA", 6),
                          ("DESCRIBE SCHEMA", 7), ("DESCRIBE KEYSPACES", 5), ("DESCRIBE CLUSTER", 1),
                          ("DESCRIBE TYPES", 1), ("DESCRIBE TABLES", 1000)):
            state, pages = None, []
            while True:
                d = query(conn, cql, page_size=size, paging_state=state)
                more = d["metadata"].get("paging_state")
                pages.append({"rows": len(d["rows"]), "state": shown(more, version)})
                if more is None:
                    break
                state = bytes.fromhex(more)
            out["pages"].append({"version": protocol, "cql": cql, "size": size, "pages": pages})
    conn = r.Conn(host, version=4)
    release = b"\0\x055.0.6"
    keys = ["", "00", "0002", "0001", "00010005" + b"abc".hex(), "00010005" + b"5.0.5".hex(), "0001" + release.hex(),
            "0001" + release.hex() + "616263", "000100023580", "0001" + release.hex() + "VERSION"]
    keys += ["0001" + release.hex() + "VERSION" + tail for tail in ("0000",) + tuple(
        struct.pack(">q", n).hex() for n in (-5, 0, 3, 6, 7, 100, 2 ** 31, 2 ** 62, 2 ** 63 - 1))]
    for key in keys:
        raw = bytes.fromhex(key.replace("VERSION", version))
        state = bytes([len(raw)]) + raw + b"\0\1\1"
        entry = {"key": key}
        try:
            d = query(conn, "DESCRIBE KEYSPACE dg", page_size=2, paging_state=state)
            entry.update(rows=len(d["rows"]), state=shown(d["metadata"].get("paging_state"), version))
        except r.CqlError as e:
            entry["error"] = [e.d["code"], e.d["message"]]
        out["states"].append(entry)
    state = bytes.fromhex(query(conn, "DESCRIBE KEYSPACE dg", page_size=2)["metadata"]["paging_state"])
    admin.query("CREATE TABLE dg.t9 (k int PRIMARY KEY)")
    try:
        query(conn, "DESCRIBE KEYSPACE dg", page_size=2, paging_state=state)
    except r.CqlError as e:
        out["changed"] = [e.d["code"], e.d["message"]]
    clean(admin)
    write("pages.json", out)


# What does not come back as it was: see DIFFERENCES of describe.test.ts; the empty type has no name that CQL takes, and
# compact tables are described in comments.
NOT_EVERYTHING = ("dropped between milliseconds", "dropped vectors of user types", "the empty type", "compact storage")


def main():
    host = sys.argv[1]
    admin = r.Conn(host, version=4)
    record_sections(host, admin)
    record_everything(host, admin)
    record_pages(host, admin)
    clean(admin)


main()
