#!/usr/bin/env python3
"""Records what Apache Cassandra answers to the scripts of this directory: each NAME.cql becomes NAME.json.

    python3 record.py [--host 127.0.0.61] NAME...

A script has sections (`-- name`), each run on a connection and in a keyspace of its own, one statement a line. Before a
statement may stand what its request asks for, as JSON: {"cl": "QUORUM", "serial": "LOCAL_SERIAL", "page": 100,
"timestamp": 5, "values": ["0000002a", null, "unset"], "prepare": true}. A section whose name begins with `as user` is
run by a user that is no superuser. scripts.test.ts compares.

A script that begins with `# settings: name=value ...` is run on a node of its own with these, and with users.
"""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.environ.get("ORACLE_MAKE", os.path.join(HERE, "../../../../shared/oracle/make")))
import rawcql  # noqa: E402

KEYSPACE = "ddl_gold"


def sections_of(name):
    """[(section, [(options, cql)])]"""
    sections = []
    for line in open(os.path.join(HERE, name + ".cql"), encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("-- "):
            sections.append((line[3:], []))
        elif line and not line.startswith("#"):
            options = {}
            if line.startswith("{"):
                options, end = json.JSONDecoder().raw_decode(line)
                line = line[end:].strip()
            sections[-1][1].append((options, line))
    return sections


def settings_of(name):
    first = open(os.path.join(HERE, name + ".cql"), encoding="utf-8").readline()
    return first.split()[2:] if first.startswith("# settings:") else None


def cassandra(*arguments):
    subprocess.run([os.path.join(os.path.dirname(rawcql.HERE), "cassandra"), "--name", "scripts", *arguments], check=True)


def values_of(options):
    return [v if v is None or v == "unset" else bytes.fromhex(v) for v in options["values"]]


def params(conn, options):
    return rawcql.query_params(conn.version, options.get("cl", "ONE"), values_of(options) if "values" in options else None,
                               page_size=options.get("page"), serial=options.get("serial"),
                               timestamp=options.get("timestamp"))


def ask(conn, options, cql):
    if options.get("prepare"):
        frame = conn.call("PREPARE", rawcql.long_string(cql)).dec()
        if "code" in frame:
            return frame
        body = rawcql.short_bytes(bytes.fromhex(frame["id"])) + params(conn, options)
        return conn.call("EXECUTE", body).dec()
    return conn.call("QUERY", rawcql.long_string(cql) + params(conn, options)).dec()


def timeless(text):
    """Limits of timestamps are as far from now as they are set to."""
    return re.sub(r"threshold -?\d{15,}", "threshold *", text)


def answer(d):
    out = {}
    if "code" in d:
        out["error"] = [d["code"], timeless(d["message"])]
    if "warnings" in d:
        out["warnings"] = [timeless(warning) for warning in d["warnings"]]
    if d.get("kind") == "rows":
        out["columns"] = ["%s: %s" % (c["name"], c["type"]) for c in d["metadata"]["columns"]]
        out["rows"] = [" ".join("null" if v is None else v or "''" for v in row) for row in d["rows"]]
    if d.get("change"):
        c = d["change"]
        out["change"] = " ".join([c["change_type"], c["target"], c["keyspace"] + ("." + c["name"] if "name" in c else "")])
    return out


def drop_all(admin):
    for (name,) in [[bytes.fromhex(r[0]).decode()] for r in admin.query("SELECT keyspace_name FROM system_schema.keyspaces")["rows"]]:
        if name.startswith(KEYSPACE):
            admin.query("DROP KEYSPACE " + name)


def record(name, host, password="cassandra"):
    admin = rawcql.Conn(host, version=4, password=password)
    recorded = []
    for section, statements in sections_of(name):
        drop_all(admin)
        admin.query("CREATE KEYSPACE %s WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}" % KEYSPACE)
        as_user = section.startswith("as user")
        conn = rawcql.Conn(host, version=4, user="ordinary" if as_user else "cassandra", password="ordinary" if as_user else password)
        conn.query("USE " + KEYSPACE)
        steps = []
        for options, cql in statements:
            step = {"cql": cql}
            if options:
                step["options"] = options
            step.update(answer(ask(conn, options, cql)))
            steps.append(step)
        conn.close()
        recorded.append({"section": section, "steps": steps})
    drop_all(admin)
    with open(os.path.join(HERE, name + ".json"), "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(
            '{"section": %s, "steps": [\n' % json.dumps(r["section"]) +
            ",\n".join(" " + json.dumps(s, ensure_ascii=False) for s in r["steps"]) + "]}" for r in recorded) + "\n]\n")
    count = sum(len(r["steps"]) for r in recorded)
    print(name, count, "statements,", sum("error" in s for r in recorded for s in r["steps"]), "refused")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    host = "127.0.0.61"
    if arguments and arguments[0] == "--host":
        host, arguments = arguments[1], arguments[2:]
    for each in arguments:
        settings = settings_of(each)
        if settings is None:
            record(each, host)
            continue
        cassandra("start", "--fresh", "--auth", "--ip-prefix", "127.0.0.18", *[a for s in settings for a in ("--set", s)])
        try:
            admin = rawcql.Conn("127.0.0.181", version=4)
            admin.query("CREATE ROLE ordinary WITH PASSWORD = 'ordinary' AND LOGIN = true")
            admin.query("GRANT ALL PERMISSIONS ON ALL KEYSPACES TO ordinary")
            record(each, "127.0.0.181")
        finally:
            cassandra("stop", "--wipe")
