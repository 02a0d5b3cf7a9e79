package compat

import (
	"fmt"
	"math"
	"math/big"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
	"gopkg.in/inf.v0"
)

type address struct {
	Street string   `cql:"street"`
	Number int      `cql:"number"`
	Tags   []string `cql:"tags"`
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func uuid(text string) gocql.UUID {
	parsed, err := gocql.ParseUUID(text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func bigInt(text string) *big.Int {
	value, _ := new(big.Int).SetString(text, 10)
	return value
}

// typesAndValues are of all types of CQL; what is written has to come back the same.
var typesAndValues = []struct {
	cql    string
	values []any
	// since is the first protocol version that can have the type.
	since int
}{
	{"ascii", []any{"", "plain"}, 3},
	{"text", []any{"", "Grüße 🙂", strings.Repeat("x", 100_000)}, 3},
	{"bigint", []any{int64(math.MinInt64), int64(0), int64(math.MaxInt64)}, 3},
	{"int", []any{math.MinInt32, 0, math.MaxInt32}, 3},
	{"smallint", []any{int16(math.MinInt16), int16(math.MaxInt16)}, 4},
	{"tinyint", []any{int8(math.MinInt8), int8(math.MaxInt8)}, 4},
	{"varint", []any{big.NewInt(0), bigInt("-123456789012345678901234567890"), bigInt("128")}, 3},
	{"decimal", []any{inf.NewDec(0, 0), inf.NewDec(-12345, 3), inf.NewDec(1, -20)}, 3},
	{"double", []any{0.0, -1.5, math.MaxFloat64, math.Inf(1)}, 3},
	{"float", []any{float32(0.1), float32(math.Inf(-1)), float32(math.MaxFloat32)}, 3},
	{"boolean", []any{true, false}, 3},
	{"blob", []any{[]byte{0, 255, 128}}, 3},
	{"date", []any{date(1970, 1, 1), date(2024, 2, 29), date(1066, 10, 14)}, 4},
	{"time", []any{time.Duration(0), 23*time.Hour + 59*time.Minute + 999*time.Nanosecond}, 4},
	{"timestamp", []any{time.UnixMilli(0).UTC(), time.UnixMilli(-62135596800001).UTC(), time.UnixMilli(1700000000123).UTC()}, 3},
	{"duration", []any{gocql.Duration{Months: 1, Days: 2, Nanoseconds: 3}, gocql.Duration{Months: -14, Days: -400, Nanoseconds: math.MinInt64}}, 5},
	{"uuid", []any{uuid("123e4567-e89b-42d3-a456-426614174000")}, 3},
	{"timeuuid", []any{uuid("50554d6e-29bb-11e5-b345-feff819cdc9f")}, 3},
	{"inet", []any{net.ParseIP("192.0.2.1").To4(), net.ParseIP("2001:db8::1")}, 3},
	{"list<int>", []any{[]int{3, 1, 3}}, 3},
	{"set<text>", []any{[]string{"a", "b"}}, 3},
	{"map<text, bigint>", []any{map[string]int64{"x": 1, "y": -2}}, 3},
	{"frozen<list<frozen<map<int, frozen<set<text>>>>>>", []any{[]map[int][]string{{1: {"a"}}, {}, {2: {"b", "c"}}}}, 3},
	{"map<uuid, frozen<list<timestamp>>>", []any{map[gocql.UUID][]time.Time{uuid("123e4567-e89b-42d3-a456-426614174000"): {time.UnixMilli(5).UTC()}}}, 3},
	{"frozen<address>", []any{address{"Main St", 5, []string{"a", "b"}}, address{}}, 3},
	{"address", []any{address{"High St", -1, []string{"z"}}}, 3},
	{"list<frozen<address>>", []any{[]address{{"a", 1, []string{"t"}}, {"b", 2, []string{"u"}}}}, 3},
	{"vector<float, 3>", []any{[]float32{1, -2.5, 0.1}}, 5},
	{"vector<text, 2>", []any{[]string{"", "long " + strings.Repeat("y", 1000)}}, 5},
	{"frozen<list<vector<int, 2>>>", []any{[][]int{{1, 2}, {3, 4}}}, 5},
}

func sameValue(a, b any) bool {
	switch x := a.(type) {
	case *big.Int:
		return x.Cmp(b.(*big.Int)) == 0
	case *inf.Dec:
		return x.Cmp(b.(*inf.Dec)) == 0 && x.Scale() == b.(*inf.Dec).Scale()
	case net.IP:
		return x.Equal(b.(net.IP))
	case time.Time:
		return x.Equal(b.(time.Time))
	}
	return reflect.DeepEqual(a, b)
}

func TestTypes(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		var columns []string
		for i, c := range typesAndValues {
			columns = append(columns, fmt.Sprintf("c%d %s", i, c.cql))
		}
		name := table(t, session, "(k int PRIMARY KEY, "+strings.Join(columns, ", ")+")")
		for i, c := range typesAndValues {
			if version < c.since {
				continue
			}
			for k, value := range c.values {
				insert := fmt.Sprintf("INSERT INTO %s (k, c%d) VALUES (?, ?)", name, i)
				if err := session.Query(insert, k, value).Exec(); err != nil {
					t.Errorf("%s %v: %v", c.cql, value, err)
					continue
				}
				read := reflect.New(reflect.TypeOf(value))
				if err := session.Query(fmt.Sprintf("SELECT c%d FROM %s WHERE k = ?", i, name), k).Scan(read.Interface()); err != nil {
					t.Errorf("%s %v: %v", c.cql, value, err)
				} else if !sameValue(value, read.Elem().Interface()) {
					t.Errorf("%s: %v came back for %v", c.cql, read.Elem().Interface(), value)
				}
			}
		}
	})
}

func TestTuples(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, v tuple<int, text, frozen<list<int>>>)")
		run(t, session, "INSERT INTO "+name+" (k, v) VALUES (?, (?, ?, ?))", 1, 7, "seven", []int{7, 7})
		var number int
		var text string
		var list []int
		if err := session.Query("SELECT v FROM "+name+" WHERE k = ?", 1).Scan(&number, &text, &list); err != nil {
			t.Fatal(err)
		}
		equal(t, "tuple", []any{number, text, list}, []any{7, "seven", []int{7, 7}})
	})
}

func TestNullAndUnset(t *testing.T) {
	forEachVersion(t, func(t *testing.T, session *gocql.Session, version int) {
		name := table(t, session, "(k int PRIMARY KEY, a int, b text)")
		insert := "INSERT INTO " + name + " (k, a, b) VALUES (?, ?, ?)"
		read := func() (a *int, b *string) {
			if err := session.Query("SELECT a, b FROM "+name+" WHERE k = ?", 1).Scan(&a, &b); err != nil {
				t.Fatal(err)
			}
			return
		}
		run(t, session, insert, 1, 5, "five")
		if version >= 4 {
			run(t, session, insert, 1, gocql.UnsetValue, "six")
			a, b := read()
			if a == nil || *a != 5 || b == nil || *b != "six" {
				t.Errorf("after an unset value: %v, %v", a, b)
			}
		}
		run(t, session, insert, 1, nil, "seven")
		if a, b := read(); a != nil || b == nil || *b != "seven" {
			t.Errorf("after a null: %v, %v", a, b)
		}
	})
}
