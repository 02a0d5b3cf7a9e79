package compat

import (
	"errors"
	"os"
	"testing"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

func refusal(t *testing.T, session *gocql.Session, statement string, values ...any) gocql.RequestError {
	t.Helper()
	var refused gocql.RequestError
	if err := session.Query(statement, values...).Exec(); !errors.As(err, &refused) {
		t.Fatalf("%s: %v", statement, err)
	}
	return refused
}

func TestErrors(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, v text)")
		syntax := refusal(t, session, "SELEC * FROM "+name)
		equal(t, "syntax", syntax.Code(), gocql.ErrCodeSyntax)
		equal(t, "message", syntax.Message(), "line 1:0 no viable alternative at input 'SELEC' ([SELEC]...)")
		invalid := refusal(t, session, "SELECT nope FROM "+name)
		equal(t, "invalid", invalid.Code(), gocql.ErrCodeInvalid)
		equal(t, "message", invalid.Message(), "Undefined column name nope in table "+keyspace+"."+name)
		equal(t, "missing table", refusal(t, session, "SELECT * FROM compat_go.nothing").Message(), "table nothing does not exist")
		config := refusal(t, session, "CREATE TABLE bad (k int PRIMARY KEY) WITH compaction = {'class': 'Nope'}")
		equal(t, "configuration", config.Code(), gocql.ErrCodeConfig)

		var exists *gocql.RequestErrAlreadyExists
		err := session.Query("CREATE TABLE " + name + " (k int PRIMARY KEY)").Exec()
		if !errors.As(err, &exists) {
			t.Fatal(err)
		}
		equal(t, "what exists", []string{exists.Keyspace, exists.Table}, []string{keyspace, name})

		var unavailable *gocql.RequestErrUnavailable
		err = session.Query("SELECT * FROM " + name + " WHERE k = 1").Consistency(gocql.Three).Exec()
		if !errors.As(err, &unavailable) {
			t.Fatal(err)
		}
		equal(t, "unavailable", []any{unavailable.Consistency, unavailable.Required, unavailable.Alive}, []any{gocql.Three, 3, 1})

		// What the server refuses of bound values, prepared.
		err = session.Query("INSERT INTO "+name+" (k, v) VALUES (?, ?)", nil, "x").Exec()
		var request gocql.RequestError
		if !errors.As(err, &request) || request.Code() != gocql.ErrCodeInvalid {
			t.Errorf("a null key: %v", err)
		}
		if err := session.Query("SELECT v FROM "+name+" WHERE k = ?", 99).Scan(new(string)); !errors.Is(err, gocql.ErrNotFound) {
			t.Errorf("a row that is not there: %v", err)
		}
	})
}

// TestAuthentication needs a server of its own that asks for credentials.
func TestAuthentication(t *testing.T) {
	if os.Getenv("CASSANDRA_AUTH_CONTACT_POINTS") == "" {
		t.Skip("CASSANDRA_AUTH_CONTACT_POINTS names no server that asks for credentials")
	}
	for _, version := range versions {
		config := cluster(version)
		host, port := contactPoint("CASSANDRA_AUTH_CONTACT_POINTS")
		config.Hosts, config.Port = []string{host}, port
		config.Authenticator = gocql.PasswordAuthenticator{Username: "cassandra", Password: "cassandra"}
		session := connect(t, config)
		run(t, session, "SELECT key FROM system.local")
		config.Authenticator = gocql.PasswordAuthenticator{Username: "cassandra", Password: "wrong"}
		if session, err := config.CreateSession(); err == nil {
			session.Close()
			t.Error("a wrong password was taken")
		}
	}
}
