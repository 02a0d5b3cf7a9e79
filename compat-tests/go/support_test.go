// Package compat tests a server with the Go driver: Sibyl or Apache Cassandra, whichever CASSANDRA_CONTACT_POINTS names.
package compat

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

const keyspace = "compat_go"

var versions = []int{3, 4, 5}

// contactPoint is the host and port that the environment variable of that name gives.
func contactPoint(variable string) (string, int) {
	first := strings.TrimSpace(strings.Split(os.Getenv(variable), ",")[0])
	host, port, found := strings.Cut(first, ":")
	if !found {
		return host, 9042
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		panic(fmt.Sprintf("%s is %s", variable, first))
	}
	return host, number
}

func cluster(version int) *gocql.ClusterConfig {
	host, port := contactPoint("CASSANDRA_CONTACT_POINTS")
	config := gocql.NewCluster(host)
	config.Port = port
	config.ProtoVersion = version
	// Schema changes on a real server that is busy may take seconds.
	config.Timeout = 30 * time.Second
	config.ConnectTimeout = 30 * time.Second
	config.Consistency = gocql.One
	config.NumConns = 1
	config.Logger = gocql.NewLogger(gocql.LogLevelError)
	return config
}

func connect(t testing.TB, config *gocql.ClusterConfig) *gocql.Session {
	t.Helper()
	session, err := config.CreateSession()
	if err != nil {
		t.Fatalf("no session: %v", err)
	}
	t.Cleanup(session.Close)
	return session
}

// forEachVersion runs a test in every protocol version that the driver speaks, in a session of the tests' keyspace.
func forEachVersion(t *testing.T, test func(t *testing.T, session *gocql.Session, version int)) {
	t.Helper()
	for _, version := range versions {
		t.Run(fmt.Sprintf("v%d", version), func(t *testing.T) {
			config := cluster(version)
			config.Keyspace = keyspace
			test(t, connect(t, config), version)
		})
	}
}

func run(t testing.TB, session *gocql.Session, statement string, values ...any) {
	t.Helper()
	if err := session.Query(statement, values...).Exec(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

var tables atomic.Int32

// table makes a table with the given definition and returns its name.
func table(t testing.TB, session *gocql.Session, definition string) string {
	t.Helper()
	name := fmt.Sprintf("t%d", tables.Add(1))
	run(t, session, fmt.Sprintf("CREATE TABLE %s.%s %s", keyspace, name, definition))
	return name
}

// eventually waits until a condition holds; schema changes reach the driver a little later.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("it did not come to pass that %s", what)
}

func equal(t testing.TB, what string, actual, expected any) {
	t.Helper()
	if fmt.Sprintf("%#v", actual) != fmt.Sprintf("%#v", expected) {
		t.Errorf("%s: %#v, where %#v was expected", what, actual, expected)
	}
}

func TestMain(m *testing.M) {
	if os.Getenv("CASSANDRA_CONTACT_POINTS") == "" {
		fmt.Println("CASSANDRA_CONTACT_POINTS=host:port has to name a server")
		os.Exit(1)
	}
	session, err := cluster(4).CreateSession()
	if err != nil {
		fmt.Println("no session:", err)
		os.Exit(1)
	}
	for _, statement := range []string{
		"DROP KEYSPACE IF EXISTS " + keyspace,
		"CREATE KEYSPACE " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
		"CREATE TYPE " + keyspace + ".address (street text, number int, tags frozen<set<text>>)",
	} {
		if err := session.Query(statement).Exec(); err != nil {
			fmt.Println(statement, err)
			os.Exit(1)
		}
	}
	status := m.Run()
	_ = session.Query("DROP KEYSPACE " + keyspace).Exec()
	session.Close()
	os.Exit(status)
}
