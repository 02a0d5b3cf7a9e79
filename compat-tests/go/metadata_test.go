package compat

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

func TestSchemaMetadata(t *testing.T) {
	session := connect(t, cluster(5))
	name := table(t, session, `(p int, q text, c timestamp, d int, s int static, "Mixed Case" list<int>, v frozen<address>,
		e vector<float, 3>, PRIMARY KEY ((p, q), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)`)
	var metadata *gocql.TableMetadata
	var found *gocql.KeyspaceMetadata
	eventually(t, "the table is in the metadata", func() bool {
		var err error
		if found, err = session.KeyspaceMetadata(keyspace); err != nil {
			t.Fatal(err)
		}
		metadata = found.Tables[name]
		return metadata != nil
	})
	equal(t, "strategy", found.StrategyClass, "org.apache.cassandra.locator.SimpleStrategy")
	equal(t, "replication factor", found.StrategyOptions["replication_factor"], "1")
	equal(t, "durable writes", found.DurableWrites, true)
	names := func(columns []*gocql.ColumnMetadata) (names []string) {
		for _, column := range columns {
			names = append(names, column.Name)
		}
		return
	}
	equal(t, "partition key", names(metadata.PartitionKey), []string{"p", "q"})
	equal(t, "clustering", names(metadata.ClusteringColumns), []string{"c", "d"})
	equal(t, "order", metadata.ClusteringColumns[0].ClusteringOrder, "desc")
	equal(t, "static", metadata.Columns["s"].Kind, gocql.ColumnStatic)
	types := map[string]string{}
	for name, column := range metadata.Columns {
		types[name] = column.Validator
	}
	equal(t, "types", types, map[string]string{"p": "int", "q": "text", "c": "timestamp", "d": "int", "s": "int",
		"Mixed Case": "list<int>", "v": "frozen<address>", "e": "vector<float, 3>"})
	user := found.UserTypes["address"]
	if user == nil {
		t.Fatal("the user type is missing")
	}
	equal(t, "fields", user.FieldNames, []string{"street", "number", "tags"})
	all, err := session.AllKeyspaceMetadata()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"system", "system_schema", "system_auth", "system_traces", "system_distributed"} {
		if all[name] == nil || len(all[name].Tables) == 0 {
			t.Errorf("nothing is known of %s", name)
		}
	}
}

// listener gathers what the driver hears of tables and types.
type listener struct {
	mutex sync.Mutex
	heard []string
}

func (l *listener) hear(what string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.heard = append(l.heard, what)
}

func (l *listener) has(what string) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return strings.Contains(strings.Join(l.heard, ";")+";", what+";")
}

func (l *listener) OnTableCreated(e gocql.OnTableCreatedEvent) {
	l.hear("table created " + e.Table.Name)
}
func (l *listener) OnTableUpdated(e gocql.OnTableUpdatedEvent) { l.hear("table updated " + e.New.Name) }
func (l *listener) OnTableDropped(e gocql.OnTableDroppedEvent) {
	l.hear("table dropped " + e.Table.Name)
}
func (l *listener) OnUserTypeCreated(e gocql.OnUserTypeCreatedEvent) {
	l.hear("type created " + e.UserType.Name)
}
func (l *listener) OnUserTypeUpdated(e gocql.OnUserTypeUpdatedEvent) {
	l.hear("type updated " + e.New.Name)
}
func (l *listener) OnUserTypeDropped(e gocql.OnUserTypeDroppedEvent) {
	l.hear("type dropped " + e.UserType.Name)
}
func (l *listener) OnKeyspaceCreated(e gocql.OnKeyspaceCreatedEvent) {
	l.hear("keyspace created " + e.Keyspace.Name)
}
func (l *listener) OnKeyspaceUpdated(e gocql.OnKeyspaceUpdatedEvent) {
	l.hear("keyspace updated " + e.New.Name)
}
func (l *listener) OnKeyspaceDropped(e gocql.OnKeyspaceDroppedEvent) {
	l.hear("keyspace dropped " + e.Keyspace.Name)
}

func TestSchemaEvents(t *testing.T) {
	other := connect(t, cluster(4))
	run(t, other, "DROP KEYSPACE IF EXISTS compat_go_heard")
	heard := &listener{}
	config := cluster(5)
	config.Metadata.SchemaListener = gocql.SchemaListenersConfig{
		KeyspaceChangeListener: heard, TableChangeListener: heard, UserTypeChangeListener: heard,
	}
	connect(t, config)
	// The driver gathers changes for a second before it looks, so that those of different things are made at once.
	type change struct{ statement, event string }
	for _, changes := range [][]change{
		{{"CREATE KEYSPACE compat_go_heard WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}", "keyspace created compat_go_heard"}},
		{
			{"CREATE TYPE compat_go_heard.u (a int)", "type created u"},
			{"CREATE TABLE compat_go_heard.h (k int PRIMARY KEY)", "table created h"},
		},
		{
			{"ALTER KEYSPACE compat_go_heard WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}", "keyspace updated compat_go_heard"},
			{"ALTER TYPE compat_go_heard.u ADD b int", "type updated u"},
			{"ALTER TABLE compat_go_heard.h ADD v int", "table updated h"},
		},
		{
			{"DROP TABLE compat_go_heard.h", "table dropped h"},
			{"DROP TYPE compat_go_heard.u", "type dropped u"},
		},
		{{"DROP KEYSPACE compat_go_heard", "keyspace dropped compat_go_heard"}},
	} {
		for _, change := range changes {
			run(t, other, change.statement)
		}
		for _, change := range changes {
			eventually(t, change.event, func() bool { return heard.has(change.event) })
		}
	}
}

func TestTokenAwareRouting(t *testing.T) {
	forEachVersion(t, func(t *testing.T, _ *gocql.Session, version int) {
		config := cluster(version)
		config.Keyspace = keyspace
		config.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
		session := connect(t, config)
		name := table(t, session, "(a int, b text, v int, PRIMARY KEY ((a, b)))")
		for a := range 20 {
			run(t, session, "INSERT INTO "+name+" (b, v, a) VALUES (?, ?, ?)", "x", a, a)
		}
		var v int
		if err := session.Query("SELECT v FROM "+name+" WHERE a = ? AND b = ?", 7, "x").Scan(&v); err != nil || v != 7 {
			t.Errorf("%d, %v", v, err)
		}
		// What the driver routes by: the place of the key's parts among the markers. Up to v3 it makes do with the schema.
		if version < 4 {
			return
		}
		metadata, err := session.StatementMetadata(context.Background(), "INSERT INTO "+name+" (b, v, a) VALUES (?, ?, ?)", keyspace)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "key among the markers", metadata.PKBindColumnIndexes, []int{2, 0})
	})
}

type traces struct{ ids [][]byte }

func (t *traces) Trace(id []byte) { t.ids = append(t.ids, id) }

func TestTracing(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, v text)")
		traced := &traces{}
		if err := session.Query("INSERT INTO "+name+" (k, v) VALUES (?, ?)", 1, "x").Trace(traced).Exec(); err != nil {
			t.Fatal(err)
		}
		if len(traced.ids) == 0 {
			t.Fatal("no trace id")
		}
		id := traced.ids[len(traced.ids)-1]
		var command string
		var events int
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			_ = session.Query("SELECT command FROM system_traces.sessions WHERE session_id = ?", id).Scan(&command)
			_ = session.Query("SELECT count(*) FROM system_traces.events WHERE session_id = ?", id).Scan(&events)
			if command != "" && events > 0 {
				break
			}
		}
		if command != "QUERY" || events == 0 {
			t.Errorf("command %q, %d events", command, events)
		}
	})
}
