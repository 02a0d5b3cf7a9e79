package compat

import (
	"strings"
	"testing"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/apache/cassandra-gocql-driver/v2/lz4"
	"github.com/apache/cassandra-gocql-driver/v2/snappy"
)

func TestConnect(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		var key, release string
		if err := session.Query("SELECT key, release_version FROM system.local WHERE key = ?", "local").Scan(&key, &release); err != nil {
			t.Fatal(err)
		}
		equal(t, "key", key, "local")
		if !strings.HasPrefix(release, "5.0.") {
			t.Errorf("release_version is %s", release)
		}
	})
}

func TestNegotiationEndsAtV5(t *testing.T) {
	session := connect(t, cluster(0))
	// Only v5 has a keyspace for each query; the driver refuses it in older ones.
	if err := session.Query("SELECT key FROM local").SetKeyspace("system").Exec(); err != nil {
		t.Error(err)
	}
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("Grüße ", 40_000)
	try := func(name string, version int, compressor gocql.Compressor) {
		t.Run(name, func(t *testing.T) {
			config := cluster(version)
			config.Compressor = compressor
			config.Keyspace = keyspace
			session := connect(t, config)
			name := table(t, session, "(k int PRIMARY KEY, v text)")
			for k, value := range []string{"", "short", long} {
				run(t, session, "INSERT INTO "+name+" (k, v) VALUES (?, ?)", k, value)
				var read string
				if err := session.Query("SELECT v FROM "+name+" WHERE k = ?", k).Scan(&read); err != nil {
					t.Fatal(err)
				}
				if read != value {
					t.Errorf("%d characters came back for %d", len(read), len(value))
				}
			}
		})
	}
	try("lz4 v3", 3, lz4.LZ4Compressor{})
	try("lz4 v4", 4, lz4.LZ4Compressor{})
	try("lz4 v5", 5, lz4.LZ4Compressor{})
	try("snappy v3", 3, &snappy.SnappyCompressor{})
	try("snappy v4", 4, &snappy.SnappyCompressor{})
}

func TestMissingKeyspaceIsRefused(t *testing.T) {
	config := cluster(4)
	config.Keyspace = "compat_no_such_keyspace"
	session, err := config.CreateSession()
	if err == nil {
		session.Close()
		t.Fatal("a session of a keyspace that is not there")
	}
}

func TestCredentialsThatNobodyAskedFor(t *testing.T) {
	config := cluster(5)
	config.Authenticator = gocql.PasswordAuthenticator{Username: "cassandra", Password: "cassandra"}
	connect(t, config)
}

func TestHosts(t *testing.T) {
	session := connect(t, cluster(5))
	hosts := session.GetHosts()
	if len(hosts) == 0 {
		t.Fatal("no hosts")
	}
	host := hosts[0]
	equal(t, "data centre", host.DataCenter(), "datacenter1")
	equal(t, "rack", host.Rack(), "rack1")
	equal(t, "partitioner", host.Partitioner(), "org.apache.cassandra.dht.Murmur3Partitioner")
	if len(host.Tokens()) == 0 || host.HostID() == "" {
		t.Errorf("%d tokens, host id %q", len(host.Tokens()), host.HostID())
	}
}
