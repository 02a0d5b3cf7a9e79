package compat

import (
	"fmt"
	"testing"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

func TestPaging(t *testing.T) {
	const rows = 5000
	loader := connect(t, cluster(4))
	name := keyspace + "." + table(t, loader, "(k int, c int, v text, PRIMARY KEY (k, c))")
	for from := 0; from < rows; from += 100 {
		batch := loader.Batch(gocql.UnloggedBatch)
		for c := from; c < from+100; c++ {
			batch.Query("INSERT INTO "+name+" (k, c, v) VALUES (?, ?, ?)", 1, c, fmt.Sprint("value ", c))
		}
		if err := batch.Exec(); err != nil {
			t.Fatal(err)
		}
	}
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		for _, size := range []int{97, 1000, 6000} {
			iter := session.Query("SELECT c, v FROM " + name + " WHERE k = 1").PageSize(size).Iter()
			var c, count int
			var v string
			for iter.Scan(&c, &v) {
				if c != count || v != fmt.Sprint("value ", c) {
					t.Fatalf("row %d is %d, %q", count, c, v)
				}
				count++
			}
			if err := iter.Close(); err != nil {
				t.Fatal(err)
			}
			equal(t, fmt.Sprint("rows by pages of ", size), count, rows)
		}
		// Pages by hand: the state of one is what the next begins with.
		var state []byte
		pages, count := 0, 0
		for pages == 0 || len(state) > 0 {
			iter := session.Query("SELECT c FROM " + name).PageSize(2100).PageState(state).Iter()
			state = iter.PageState()
			count += iter.NumRows()
			pages++
			if err := iter.Close(); err != nil {
				t.Fatal(err)
			}
		}
		equal(t, "pages and rows", []int{pages, count}, []int{3, rows})
	})
}

func TestBatches(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, v text)")
		for k, kind := range []gocql.BatchType{gocql.LoggedBatch, gocql.UnloggedBatch} {
			batch := session.Batch(kind)
			batch.Query("INSERT INTO "+name+" (k, v) VALUES (?, ?)", 2*k, "bound")
			batch.Query(fmt.Sprintf("INSERT INTO %s (k, v) VALUES (%d, 'text')", name, 2*k+1))
			if err := batch.Exec(); err != nil {
				t.Fatal(err)
			}
		}
		var count int
		if err := session.Query("SELECT count(*) FROM " + name).Scan(&count); err != nil {
			t.Fatal(err)
		}
		equal(t, "rows", count, 4)

		counters := table(t, session, "(k int PRIMARY KEY, n counter)")
		for range 3 {
			batch := session.Batch(gocql.CounterBatch)
			batch.Query("UPDATE "+counters+" SET n = n + ? WHERE k = ?", int64(5), 1)
			batch.Query("UPDATE "+counters+" SET n = n - ? WHERE k = ?", int64(1), 2)
			if err := batch.Exec(); err != nil {
				t.Fatal(err)
			}
		}
		var first, second int64
		if err := session.Query("SELECT n FROM " + counters + " WHERE k = 1").Scan(&first); err != nil {
			t.Fatal(err)
		}
		if err := session.Query("SELECT n FROM " + counters + " WHERE k = 2").Scan(&second); err != nil {
			t.Fatal(err)
		}
		equal(t, "counters", []int64{first, second}, []int64{15, -3})
	})
}

func TestLightweightTransactions(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int, c int, v text, PRIMARY KEY (k, c))")
		insert := "INSERT INTO " + name + " (k, c, v) VALUES (?, ?, ?) IF NOT EXISTS"
		var k, c int
		var v string
		applied, err := session.Query(insert, 1, 1, "first").ScanCAS(&k, &c, &v)
		if err != nil || !applied {
			t.Fatalf("applied %v, %v", applied, err)
		}
		applied, err = session.Query(insert, 1, 1, "second").ScanCAS(&k, &c, &v)
		if err != nil || applied || v != "first" {
			t.Fatalf("applied %v, value %q, %v", applied, v, err)
		}
		found := map[string]any{}
		update := "UPDATE " + name + " SET v = ? WHERE k = ? AND c = ? IF v = ?"
		query := session.Query(update, "third", 1, 1, "other").SerialConsistency(gocql.LocalSerial)
		if applied, err = query.MapScanCAS(found); err != nil || applied || found["v"] != "first" {
			t.Fatalf("applied %v, found %v, %v", applied, found, err)
		}
		batch := session.Batch(gocql.LoggedBatch)
		batch.Query(update, "fourth", 1, 1, "first")
		batch.Query("INSERT INTO "+name+" (k, c, v) VALUES (?, ?, ?)", 1, 2, "with it")
		applied, iter, err := batch.ExecCAS()
		if err != nil || !applied {
			t.Fatalf("applied %v, %v", applied, err)
		}
		_ = iter.Close()
		serial := session.Query("SELECT v FROM "+name+" WHERE k = ? AND c = ?", 1, 1).Consistency(gocql.Serial)
		if err := serial.Scan(&v); err != nil || v != "fourth" {
			t.Fatalf("read serially: %q, %v", v, err)
		}
	})
}

func TestPreparedStatementsOutliveAlter(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, v text)")
		run(t, session, "INSERT INTO "+name+" (k, v) VALUES (?, ?)", 1, "one")
		columns := func() (names []string) {
			iter := session.Query("SELECT * FROM "+name+" WHERE k = ?", 1).Iter()
			row := map[string]any{}
			if !iter.MapScan(row) || row["v"] != "one" {
				t.Fatalf("row %v", row)
			}
			for _, column := range iter.Columns() {
				names = append(names, column.Name)
			}
			if err := iter.Close(); err != nil {
				t.Fatal(err)
			}
			return
		}
		equal(t, "columns", columns(), []string{"k", "v"})
		run(t, session, "ALTER TABLE "+name+" ADD added int")
		run(t, session, "INSERT INTO "+name+" (k, v) VALUES (?, ?)", 1, "one")
		after := columns()
		// Before v5 nobody tells the driver that the columns are others; here it prepares anew, since the table forgot.
		equal(t, "columns afterwards", after, []string{"k", "added", "v"})
		run(t, session, "ALTER TABLE "+name+" DROP added")
		equal(t, "columns at last", columns(), []string{"k", "v"})
	})
}

func TestTimestampAndTtl(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, v text)")
		insert := session.Query("INSERT INTO "+name+" (k, v) VALUES (?, ?) USING TTL ?", 1, "x", 1000).WithTimestamp(12345)
		if err := insert.Exec(); err != nil {
			t.Fatal(err)
		}
		var written int64
		var ttl int
		if err := session.Query("SELECT writetime(v), ttl(v) FROM "+name+" WHERE k = ?", 1).Scan(&written, &ttl); err != nil {
			t.Fatal(err)
		}
		if written != 12345 || ttl < 900 || ttl > 1000 {
			t.Errorf("written %d, ttl %d", written, ttl)
		}
	})
}

func TestWarnings(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		if version < 4 {
			return
		}
		name := table(t, session, "(k int PRIMARY KEY, v text)")
		// The driver keeps the warnings of results that have rows.
		iter := session.Query("SELECT count(*) FROM " + name).Iter()
		warnings := iter.Warnings()
		if err := iter.Close(); err != nil {
			t.Fatal(err)
		}
		equal(t, "warnings", warnings, []string{"Aggregation query used without partition key"})
	})
}

func TestConsistencyLevels(t *testing.T) {
	session := connect(t, cluster(5))
	name := keyspace + "." + table(t, session, "(k int PRIMARY KEY, v int)")
	writes := []gocql.Consistency{gocql.Any, gocql.One, gocql.Quorum, gocql.All, gocql.LocalQuorum, gocql.EachQuorum, gocql.LocalOne}
	for _, level := range writes {
		if err := session.Query("INSERT INTO "+name+" (k, v) VALUES (?, ?)", 1, 1).Consistency(level).Exec(); err != nil {
			t.Errorf("write at %v: %v", level, err)
		}
	}
	reads := []gocql.Consistency{gocql.One, gocql.Quorum, gocql.All, gocql.LocalQuorum, gocql.LocalOne, gocql.Serial, gocql.LocalSerial}
	for _, level := range reads {
		var v int
		if err := session.Query("SELECT v FROM "+name+" WHERE k = ?", 1).Consistency(level).Scan(&v); err != nil {
			t.Errorf("read at %v: %v", level, err)
		}
	}
	if err := session.Query("SELECT v FROM "+name+" WHERE k = ?", 1).Consistency(gocql.Any).Exec(); err == nil {
		t.Error("a read at ANY")
	}
}
