"""The DataStax Python driver against the server that CASSANDRA_CONTACT_POINTS names (host[:port]).

    CASSANDRA_CONTACT_POINTS=127.0.0.1:9042 python test_driver.py [ProtocolV3 | ProtocolV4 | ProtocolV5 | Negotiation]
"""
import datetime
import decimal
import ipaddress
import os
import time
import unittest
import uuid
import warnings

warnings.simplefilter("ignore")

from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest, ProtocolVersion, Unavailable  # noqa: E402
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile  # noqa: E402
from cassandra.concurrent import execute_concurrent, execute_concurrent_with_args  # noqa: E402
from cassandra.connection import locally_supported_compressions  # noqa: E402
from cassandra.policies import FallthroughRetryPolicy, RoundRobinPolicy  # noqa: E402
from cassandra.protocol import ConfigurationException, SyntaxException  # noqa: E402
from cassandra.query import (UNSET_VALUE, BatchStatement, BatchType, SimpleStatement, dict_factory,  # noqa: E402
                             named_tuple_factory)
from cassandra.util import Date, Duration, OrderedMapSerializedKey, SortedSet, Time  # noqa: E402

HOST, _, PORT = os.environ.get("CASSANDRA_CONTACT_POINTS", "127.0.0.1:9042").split(",")[0].partition(":")


def cluster(version=None, compression=True, **more):
    profile = ExecutionProfile(load_balancing_policy=RoundRobinPolicy(), retry_policy=FallthroughRetryPolicy(),
                               row_factory=named_tuple_factory, request_timeout=30)
    if version is not None:
        more["protocol_version"] = version
    return Cluster([HOST], port=int(PORT or 9042), compression=compression,
                   execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=10, control_connection_timeout=10,
                   schema_event_refresh_window=0, topology_event_refresh_window=0, **more)


class Versioned:
    """Everything, in one protocol version."""

    version = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = cluster(cls.version)
        cls.session = cls.cluster.connect()
        cls.keyspace = "compat_python_v%d" % cls.version
        cls.session.execute("DROP KEYSPACE IF EXISTS %s" % cls.keyspace)
        cls.session.execute("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
                            % cls.keyspace)
        cls.session.set_keyspace(cls.keyspace)

    @classmethod
    def tearDownClass(cls):
        cls.session.execute("DROP KEYSPACE %s" % cls.keyspace)
        cls.cluster.shutdown()

    def rows(self, query, *args, **more):
        return [tuple(row) for row in self.session.execute(query, *args, **more)]

    def test_the_version_is_the_one_asked_for(self):
        connection = self.cluster.control_connection._connection
        self.assertEqual(connection.protocol_version, self.version)

    def test_tweets(self):
        self.session.execute("""CREATE TABLE tweets (usuario text, year int, month int, timestamp timestamp, id timeuuid,
            texto text, PRIMARY KEY ((usuario, year, month), timestamp)) WITH CLUSTERING ORDER BY (timestamp DESC)""")
        insert = self.session.prepare(
            "INSERT INTO tweets (usuario, year, month, timestamp, id, texto) VALUES (?, ?, ?, ?, ?, ?)")
        for day in range(1, 6):
            self.session.execute(insert, ("ana", 2024, 5, datetime.datetime(2024, 5, day), uuid.uuid1(), "dia %d ✓" % day))
        select = self.session.prepare("SELECT texto FROM tweets WHERE usuario = ? AND year = ? AND month = ?")
        found = [row.texto for row in self.session.execute(select, ("ana", 2024, 5))]
        self.assertEqual(found, ["dia %d ✓" % day for day in range(5, 0, -1)])
        self.assertEqual(select.routing_key_indexes, [0, 1, 2])
        self.assertEqual(self.rows("SELECT texto FROM tweets WHERE usuario = %s AND year = 2024 AND month = 5 AND timestamp < %s",
                                   ("ana", datetime.datetime(2024, 5, 2))), [("dia 1 ✓",)])

    def test_every_type(self):
        self.session.execute("CREATE TYPE address (street text, zip int)")
        columns = {
            "a": ("ascii", "plain"), "t": ("text", "ação 🙂"), "b": ("blob", b"\x00\xff"), "bo": ("boolean", True),
            "ti": ("tinyint", -128), "si": ("smallint", 32767), "i": ("int", -2 ** 31), "bi": ("bigint", 2 ** 63 - 1),
            "vi": ("varint", -(2 ** 200)), "f": ("float", 1.5), "d": ("double", 0.1),
            "de": ("decimal", decimal.Decimal("5100.50")), "u": ("uuid", uuid.UUID("0b9e2ee5-8f45-4a3f-9d3d-3f5c2c3c7a11")),
            "tu": ("timeuuid", uuid.UUID("50554d6e-29bb-11e5-b345-feff819cdc9f")), "ip": ("inet", "2001:db8::ff00:42:8329"),
            "da": ("date", Date("2024-02-29")), "tm": ("time", Time("23:59:59.999999999")),
            "ts": ("timestamp", datetime.datetime(2024, 5, 6, 7, 8, 9, 123000)),
            "l": ("list<int>", [3, 1, 3]), "s": ("set<text>", SortedSet(["a", "b"])),
            "m": ("map<text, bigint>", {"a": 1, "b": -(2 ** 63)}), "fl": ("frozen<list<text>>", ["x", ""]),
            "n": ("map<text, frozen<list<int>>>", {"a": [1, 2], "b": []}), "tp": ("tuple<int, text, bigint>", (1, None, 3)),
            "v": ("vector<float, 3>", [0.5, -1.25, 3.0]),
        }
        if self.version >= 4:
            columns["du"] = ("duration", Duration(14, 3, -0 + 43200000000000))
        declared = ", ".join("%s %s" % (name, kind) for name, (kind, _) in columns.items())
        self.session.execute("CREATE TABLE every (k int PRIMARY KEY, %s, ad frozen<address>, an address)" % declared)
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        insert = self.session.prepare("INSERT INTO every (k, %s) VALUES (?, %s)" % (names, marks))
        values = [value for _, value in columns.values()]
        self.session.execute(insert, [1] + values)
        select = self.session.prepare("SELECT %s FROM every WHERE k = ?" % names)
        for key, how in ((1, "prepared"),):
            row = self.session.execute(select, [key]).one()
            for name, (_, value) in columns.items():
                found = getattr(row, name)
                if isinstance(found, OrderedMapSerializedKey):
                    found = {k: found[k] for k in found}
                self.assertEqual(found, value, "%s %s" % (how, name))
        # unset leaves what was there, null takes it away
        if self.version >= 4:
            self.session.execute(insert, [1] + [UNSET_VALUE] * len(values))
            self.assertEqual(self.session.execute(select, [1]).one().t, "ação 🙂")
        self.session.execute(insert, [1] + [None] * len(values))
        self.assertEqual([value for value in self.session.execute(select, [1]).one() if value is not None], [])

    def test_user_types(self):
        self.session.execute("CREATE TYPE home (street text, zip int, phones frozen<set<text>>)")
        self.session.execute("CREATE TABLE people (k int PRIMARY KEY, f frozen<home>, h home, l list<frozen<home>>)")

        class Home:
            def __init__(self, street, zip, phones):
                self.street, self.zip, self.phones = street, zip, phones

            def __eq__(self, other):
                return (self.street, self.zip, set(self.phones)) == (other.street, other.zip, set(other.phones))

        self.cluster.register_user_type(self.keyspace, "home", Home)
        home = Home("Rua A", 12345, {"1", "2"})
        insert = self.session.prepare("INSERT INTO people (k, f, h, l) VALUES (?, ?, ?, ?)")
        self.session.execute(insert, (1, home, home, [home]))
        row = self.session.execute("SELECT f, h, l FROM people WHERE k = 1").one()
        self.assertEqual((row.f, row.h, row.l[0]), (home, home, home))
        self.session.execute("UPDATE people SET h.zip = 7 WHERE k = 1")
        self.assertEqual(self.rows("SELECT h.zip, h.street FROM people WHERE k = 1"), [(7, "Rua A")])

    def test_named_values(self):
        self.session.execute("CREATE TABLE named (k int PRIMARY KEY, v text, w int)")
        insert = self.session.prepare("INSERT INTO named (k, v, w) VALUES (:key, :value, :other)")
        self.session.execute(insert, {"key": 1, "value": "one", "other": 10})
        self.session.execute("INSERT INTO named (k, v, w) VALUES (%(k)s, %(v)s, %(w)s)", {"k": 2, "v": "two", "w": 20})
        self.assertEqual(self.rows("SELECT k, v, w FROM named WHERE k IN (1, 2)"), [(1, "one", 10), (2, "two", 20)])
        select = self.session.prepare("SELECT v FROM named WHERE k = :k")
        self.assertEqual(self.session.execute(select, {"k": 2}).one().v, "two")

    def test_paging(self):
        self.session.execute("CREATE TABLE pages (p int, c int, PRIMARY KEY (p, c))")
        insert = self.session.prepare("INSERT INTO pages (p, c) VALUES (?, ?)")
        execute_concurrent_with_args(self.session, insert, [(p, c) for p in range(5) for c in range(50)])
        for size in (1, 7, 50, 249, 250, 251):
            found = [tuple(row) for row in self.session.execute(SimpleStatement("SELECT p, c FROM pages", fetch_size=size))]
            self.assertEqual(sorted(found), [(p, c) for p in range(5) for c in range(50)])
        select = self.session.prepare("SELECT c FROM pages WHERE p = ?")
        select.fetch_size = 20
        first = self.session.execute(select, (3,))
        self.assertTrue(first.has_more_pages)
        self.assertEqual([row.c for row in first.current_rows], list(range(20)))
        rest = self.session.execute(select, (3,), paging_state=first.paging_state)
        self.assertEqual([row.c for row in rest], list(range(20, 50)))
        down = SimpleStatement("SELECT c FROM pages WHERE p = 3 ORDER BY c DESC", fetch_size=13)
        self.assertEqual([row.c for row in self.session.execute(down)], list(range(49, -1, -1)))

    def test_batches(self):
        self.session.execute("CREATE TABLE b (k int PRIMARY KEY, v text)")
        self.session.execute("CREATE TABLE n (k int PRIMARY KEY, n counter)")
        insert = self.session.prepare("INSERT INTO b (k, v) VALUES (?, ?)")
        for kind in (BatchType.LOGGED, BatchType.UNLOGGED):
            batch = BatchStatement(batch_type=kind)
            for k in range(10):
                batch.add(insert, (k, str(kind)))
            batch.add("INSERT INTO b (k, v) VALUES (%s, 'simple')", (100,))
            batch.add(SimpleStatement("DELETE FROM b WHERE k = 3"))
            self.session.execute(batch)
            found = dict(self.rows("SELECT k, v FROM b"))
            self.assertEqual(found, {**{k: str(kind) for k in range(10) if k != 3}, 100: "simple"})
        batch = BatchStatement(batch_type=BatchType.COUNTER)
        update = self.session.prepare("UPDATE n SET n = n + ? WHERE k = ?")
        for _ in range(3):
            batch.add(update, (5, 1))
        self.session.execute(batch)
        self.assertEqual(self.rows("SELECT n FROM n WHERE k = 1"), [(15,)])
        mixed = BatchStatement()
        mixed.add(update, (1, 1))
        with self.assertRaises(InvalidRequest) as caught:
            self.session.execute(mixed)
        self.assertIn("Cannot include a counter statement in a logged batch", str(caught.exception))

    def test_conditional_writes(self):
        self.session.execute("CREATE TABLE lwt (k int PRIMARY KEY, v int)")
        insert = self.session.prepare("INSERT INTO lwt (k, v) VALUES (?, ?) IF NOT EXISTS")
        insert.serial_consistency_level = ConsistencyLevel.LOCAL_SERIAL
        self.assertTrue(self.session.execute(insert, (1, 1)).was_applied)
        refused = self.session.execute(insert, (1, 2))
        self.assertFalse(refused.was_applied)
        self.assertEqual(tuple(refused.one()), (False, 1, 1))
        update = self.session.prepare("UPDATE lwt SET v = ? WHERE k = ? IF v = ?")
        self.assertTrue(self.session.execute(update, (2, 1, 1)).was_applied)
        self.assertFalse(self.session.execute(update, (3, 1, 1)).was_applied)
        self.assertTrue(self.session.execute("DELETE FROM lwt WHERE k = 1 IF EXISTS").was_applied)
        self.assertFalse(self.session.execute("DELETE FROM lwt WHERE k = 1 IF EXISTS").was_applied)
        batch = BatchStatement()
        batch.add(insert, (2, 2))
        self.assertTrue(self.session.execute(batch).was_applied)

    def test_errors(self):
        self.session.execute("CREATE TABLE err (k int PRIMARY KEY, v text)")
        with self.assertRaises(SyntaxException) as caught:
            self.session.execute("SELEC * FROM err")
        self.assertIn("line 1:0 no viable alternative at input 'SELEC' ([SELEC]...)", str(caught.exception))
        with self.assertRaises(InvalidRequest) as caught:
            self.session.execute("SELECT nope FROM err")
        self.assertIn("Undefined column name nope in table %s.err" % self.keyspace, str(caught.exception))
        with self.assertRaises(InvalidRequest):
            self.session.prepare("SELECT * FROM nothing WHERE k = ?")
        with self.assertRaises(AlreadyExists) as caught:
            self.session.execute("CREATE TABLE err (k int PRIMARY KEY)")
        self.assertEqual((caught.exception.keyspace, caught.exception.table), (self.keyspace, "err"))
        with self.assertRaises(ConfigurationException):
            self.session.execute("CREATE TABLE x (k int PRIMARY KEY) WITH gc_grace_seconds = -1")
        with self.assertRaises(Unavailable) as caught:
            self.session.execute(SimpleStatement("INSERT INTO err (k) VALUES (1)", consistency_level=ConsistencyLevel.THREE))
        found = caught.exception
        self.assertEqual((found.consistency, found.required_replicas, found.alive_replicas), (ConsistencyLevel.THREE, 3, 1))

    def test_prepared_over_alter(self):
        self.session.execute("CREATE TABLE alt (k int PRIMARY KEY, v int)")
        select = self.session.prepare("SELECT * FROM alt WHERE k = ?")
        insert = self.session.prepare("INSERT INTO alt (k, v) VALUES (?, ?)")
        self.session.execute(insert, (1, 10))
        self.assertEqual(tuple(self.session.execute(select, (1,)).one()), (1, 10))
        self.session.execute("ALTER TABLE alt ADD a text")
        self.session.execute(insert, (2, 20))
        row = self.session.execute(select, (2,)).one()
        if self.version >= 5:
            # Result metadata ids: the server says that the columns have changed.
            self.assertEqual(row._asdict(), {"k": 2, "a": None, "v": 20})
        self.session.execute("ALTER TABLE alt DROP a")
        self.session.execute("ALTER TABLE alt ADD z int")
        self.session.execute(insert, (3, 30))
        if self.version >= 5:
            self.assertEqual(self.session.execute(select, (3,)).one()._asdict(), {"k": 3, "v": 30, "z": None})

    def test_timestamps_and_ttl(self):
        self.session.execute("CREATE TABLE tt (k int PRIMARY KEY, v text)")
        self.session.execute("INSERT INTO tt (k, v) VALUES (1, 'x') USING TIMESTAMP 1234 AND TTL 1000")
        row = self.session.execute("SELECT writetime(v) AS w, ttl(v) AS t FROM tt WHERE k = 1").one()
        self.assertEqual(row.w, 1234)
        self.assertTrue(990 <= row.t <= 1000)
        self.session.execute("INSERT INTO tt (k, v) VALUES (2, 'x')")
        written = self.session.execute("SELECT writetime(v) FROM tt WHERE k = 2").one()[0]
        self.assertLess(abs(written / 1e6 - time.time()), 60)

    def test_concurrent(self):
        self.session.execute("CREATE TABLE many (k int PRIMARY KEY, v text)")
        insert = self.session.prepare("INSERT INTO many (k, v) VALUES (?, ?)")
        select = self.session.prepare("SELECT v FROM many WHERE k = ?")
        count = 2000
        results = execute_concurrent_with_args(self.session, insert, [(k, "v%d" % k) for k in range(count)], concurrency=200)
        self.assertTrue(all(success for success, _ in results))
        results = execute_concurrent(self.session, [(select, (k,)) for k in range(count)], concurrency=200)
        self.assertEqual([result.one().v for _, result in results], ["v%d" % k for k in range(count)])

    def test_metadata(self):
        self.session.execute("CREATE TYPE mt (a int, b frozen<map<text, int>>)")
        self.session.execute("""CREATE TABLE meta (p int, q text, c timestamp, s int static, v frozen<mt>, l list<int>,
            PRIMARY KEY ((p, q), c)) WITH CLUSTERING ORDER BY (c DESC) AND comment = 'words' AND gc_grace_seconds = 77""")
        self.cluster.refresh_schema_metadata()
        keyspace = self.cluster.metadata.keyspaces[self.keyspace]
        self.assertEqual(keyspace.replication_strategy.export_for_schema(),
                         "{'class': 'SimpleStrategy', 'replication_factor': '1'}")
        table = keyspace.tables["meta"]
        self.assertEqual([column.name for column in table.partition_key], ["p", "q"])
        self.assertEqual([(column.name, column.is_reversed) for column in table.clustering_key], [("c", True)])
        self.assertEqual({name: column.cql_type for name, column in table.columns.items()},
                         {"p": "int", "q": "text", "c": "timestamp", "s": "int", "v": "frozen<mt>", "l": "list<int>"})
        self.assertTrue(table.columns["s"].is_static)
        self.assertEqual((table.options["comment"], table.options["gc_grace_seconds"]), ("words", 77))
        self.assertIn("CLUSTERING ORDER BY (c DESC)", table.export_as_string())
        self.assertEqual(keyspace.user_types["mt"].field_names, ["a", "b"])
        self.assertEqual(keyspace.user_types["mt"].as_cql_query(),
                         "CREATE TYPE %s.mt (a int, b frozen<map<text, int>>)" % self.keyspace)
        self.assertIn("local", self.cluster.metadata.keyspaces["system"].tables)
        self.assertGreater(len(self.cluster.metadata.token_map.ring), 0)

    def test_schema_events(self):
        other = cluster(self.version)
        try:
            session = other.connect(self.keyspace)
            session.execute("CREATE TABLE heard (k int PRIMARY KEY)")
            for _ in range(100):
                if "heard" in self.cluster.metadata.keyspaces[self.keyspace].tables:
                    break
                time.sleep(0.1)
            self.assertIn("heard", self.cluster.metadata.keyspaces[self.keyspace].tables)
        finally:
            other.shutdown()

    def test_compression(self):
        self.session.execute("CREATE TABLE packed (k int PRIMARY KEY, v text)")
        for name in locally_supported_compressions:
            # Snappy is not part of v5.
            if name == "snappy" and self.version >= 5:
                continue
            other = cluster(self.version, compression=name)
            try:
                session = other.connect(self.keyspace)
                insert = session.prepare("INSERT INTO packed (k, v) VALUES (?, ?)")
                select = session.prepare("SELECT v FROM packed WHERE k = ?")
                for k, value in enumerate(("", "short", "long " * 10_000, "é🙂" * 60_000, os.urandom(100_000).hex())):
                    session.execute(insert, (k, value))
                    self.assertEqual(session.execute(select, (k,)).one().v, value)
                self.assertEqual(other.control_connection._connection._compression_type, name)
            finally:
                other.shutdown()

    def test_without_compression(self):
        other = cluster(self.version, compression=False)
        try:
            self.assertEqual(other.connect().execute("SELECT key FROM system.local").one().key, "local")
        finally:
            other.shutdown()

    def test_row_factories_and_warnings_free_queries(self):
        self.session.execute("CREATE TABLE fact (k int PRIMARY KEY, \"Mixed Case\" int)")
        self.session.execute('INSERT INTO fact (k, "Mixed Case") VALUES (1, 2)')
        profile = self.session.execution_profile_clone_update(EXEC_PROFILE_DEFAULT, row_factory=dict_factory)
        result = self.session.execute("SELECT * FROM fact", execution_profile=profile)
        self.assertEqual(result.one(), {"k": 1, "Mixed Case": 2})
        self.assertEqual(result.column_names, ["k", "Mixed Case"])
        self.assertIsNone(result.response_future.warnings)

    def test_keyspace_of_a_query(self):
        if self.version < 5:
            self.skipTest("a query has no keyspace of its own before v5")
        self.session.execute("CREATE TABLE own (k int PRIMARY KEY)")
        other = cluster(self.version)
        try:
            session = other.connect()
            session.execute(SimpleStatement("INSERT INTO own (k) VALUES (1)", keyspace=self.keyspace))
            prepared = session.prepare("SELECT k FROM own WHERE k = ?", keyspace=self.keyspace)
            self.assertEqual(session.execute(prepared, (1,)).one().k, 1)
        finally:
            other.shutdown()

    def test_big_request_and_answer(self):
        # More than one v5 segment each way
        self.session.execute("CREATE TABLE big (k int PRIMARY KEY, v blob)")
        value = os.urandom(1_500_000)
        self.session.execute("INSERT INTO big (k, v) VALUES (%s, %s)", (1, value[:300_000]))
        insert = self.session.prepare("INSERT INTO big (k, v) VALUES (?, ?)")
        self.session.execute(insert, (2, value))
        self.assertEqual(self.session.execute("SELECT v FROM big WHERE k = 1").one().v, value[:300_000])
        self.assertEqual(self.session.execute("SELECT v FROM big WHERE k = 2").one().v, value)


class ProtocolV3(Versioned, unittest.TestCase):
    version = ProtocolVersion.V3


class ProtocolV4(Versioned, unittest.TestCase):
    version = ProtocolVersion.V4


class ProtocolV5(Versioned, unittest.TestCase):
    version = ProtocolVersion.V5


class Negotiation(unittest.TestCase):
    def test_the_driver_comes_down_to_v5_by_itself(self):
        found = cluster()
        try:
            session = found.connect()
            self.assertEqual(found.control_connection._connection.protocol_version, ProtocolVersion.V5)
            local = session.execute("SELECT rpc_address, release_version FROM system.local").one()
            self.assertEqual(ipaddress.ip_address(local.rpc_address).version, 4)
            self.assertRegex(local.release_version, r"^5\.0\.")
        finally:
            found.shutdown()

    def test_compressions_that_are_tried(self):
        print("compressions:", ", ".join(locally_supported_compressions))


if __name__ == "__main__":
    unittest.main(verbosity=2)
