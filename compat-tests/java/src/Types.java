import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultProtocolVersion;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.data.CqlDuration;
import com.datastax.oss.driver.api.core.data.CqlVector;
import com.datastax.oss.driver.api.core.data.TupleValue;
import com.datastax.oss.driver.api.core.data.UdtValue;
import com.datastax.oss.driver.api.core.type.TupleType;
import com.datastax.oss.driver.api.core.type.UserDefinedType;
import com.datastax.oss.protocol.internal.util.Bytes;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.InetAddress;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Values of all types of CQL there and back, prepared. */
final class Types {
  private static Map<String, List<Object>> valuesByType(CqlSession session) throws Exception {
    UserDefinedType type =
        session.getMetadata().getKeyspace(Compat.KEYSPACE).orElseThrow().getUserDefinedType("address").orElseThrow();
    UdtValue address = type.newValue("Main St", 5, Set.of("a", "b"));
    Map<String, List<Object>> values = new LinkedHashMap<>();
    values.put("ascii", List.of("", "plain"));
    values.put("text", List.of("", "Grüße 🙂", "x".repeat(100_000)));
    values.put("bigint", List.of(Long.MIN_VALUE, 0L, Long.MAX_VALUE));
    values.put("int", List.of(Integer.MIN_VALUE, 0, Integer.MAX_VALUE));
    values.put("varint", List.of(BigInteger.ZERO, new BigInteger("-123456789012345678901234567890")));
    values.put("decimal", List.of(new BigDecimal("0.00"), new BigDecimal("-12.345"), new BigDecimal("1E+20")));
    values.put("double", List.of(0.0, -1.5, Double.MAX_VALUE, Double.NaN, Double.NEGATIVE_INFINITY));
    values.put("float", List.of(0.1f, Float.NaN, Float.MAX_VALUE));
    values.put("boolean", List.of(true, false));
    values.put("blob", List.of(Bytes.fromHexString("0x"), Bytes.fromHexString("0x00ff80")));
    values.put("timestamp", List.of(Instant.EPOCH, Instant.ofEpochMilli(-62135596800001L), Instant.ofEpochMilli(1700000000123L)));
    values.put("uuid", List.of(UUID.fromString("123e4567-e89b-42d3-a456-426614174000")));
    values.put("timeuuid", List.of(UUID.fromString("50554d6e-29bb-11e5-b345-feff819cdc9f")));
    values.put("inet", List.of(InetAddress.getByName("192.0.2.1"), InetAddress.getByName("2001:db8::1")));
    values.put("list<int>", List.of(List.of(3, 1, 3)));
    values.put("set<text>", List.of(Set.of("a", "b")));
    values.put("map<text, bigint>", List.of(Map.of("x", 1L, "y", -2L)));
    values.put("frozen<list<frozen<map<int, frozen<set<text>>>>>>", List.of(List.of(Map.of(1, Set.of("a")), Map.of())));
    values.put("map<uuid, frozen<list<timestamp>>>", List.of(Map.of(UUID.randomUUID(), List.of(Instant.EPOCH))));
    values.put("frozen<address>", List.of(address, type.newValue("only", null, null)));
    values.put("address", List.of(address));
    values.put("list<frozen<address>>", List.of(List.of(address, address)));
    if (session.getContext().getProtocolVersion() == DefaultProtocolVersion.V3) return values;
    values.put("smallint", List.of(Short.MIN_VALUE, Short.MAX_VALUE));
    values.put("tinyint", List.of(Byte.MIN_VALUE, Byte.MAX_VALUE));
    values.put("date", List.of(LocalDate.EPOCH, LocalDate.of(2024, 2, 29), LocalDate.of(-44, 3, 15)));
    values.put("time", List.of(LocalTime.MIDNIGHT, LocalTime.MAX));
    if (session.getContext().getProtocolVersion() == DefaultProtocolVersion.V4) return values;
    values.put("duration", List.of(CqlDuration.newInstance(1, 2, 3), CqlDuration.newInstance(-14, -400, -9)));
    values.put("vector<float, 3>", List.of(CqlVector.newInstance(1f, -2.5f, 0.1f)));
    values.put("vector<text, 2>", List.of(CqlVector.newInstance("", "y".repeat(1000))));
    values.put("frozen<list<vector<int, 2>>>", List.of(List.of(CqlVector.newInstance(1, 2), CqlVector.newInstance(3, 4))));
    return values;
  }

  @Compat.Test
  static void thereAndBack(CqlSession session) throws Exception {
    Map<String, List<Object>> values = valuesByType(session);
    List<String> columns = new ArrayList<>();
    for (String type : values.keySet()) columns.add("c" + columns.size() + " " + type);
    String table = Compat.table(session, "(k int PRIMARY KEY, " + String.join(", ", columns) + ")");
    int column = 0;
    for (Map.Entry<String, List<Object>> entry : values.entrySet()) {
      String name = "c" + column++;
      PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, " + name + ") VALUES (?, ?)");
      PreparedStatement select = session.prepare("SELECT " + name + " FROM " + table + " WHERE k = ?");
      for (Object value : entry.getValue()) {
        session.execute(insert.bind(1, value));
        Row row = session.execute(select.bind(1)).one();
        Compat.equal(entry.getKey(), row.getObject(0), value);
        Compat.equal("type", plain(row.getColumnDefinitions().get(0).getType().asCql(true, false)), plain(entry.getKey()));
      }
    }
  }

  /** The type without what is left out on the wire: whether it is frozen, and where it is from. */
  private static String plain(String type) {
    return type.replaceAll("frozen<|>|\"", "").replace(Compat.KEYSPACE + ".", "");
  }

  @Compat.Test
  static void tuples(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, v tuple<int, text, frozen<list<int>>>)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
    TupleType type = (TupleType) insert.getVariableDefinitions().get("v").getType();
    for (TupleValue value : List.of(type.newValue(7, "seven", List.of(7, 7)), type.newValue(null, "", null))) {
      session.execute(insert.bind(1, value));
      TupleValue read = session.execute("SELECT v FROM " + table).one().getTupleValue(0);
      Compat.equal("text", read.getString(1), value.getString(1));
      Compat.equal("int", read.isNull(0), value.isNull(0));
      Compat.equal("tuple", read.getFormattedContents(), value.getFormattedContents());
    }
  }

  @Compat.Test
  static void nullAndUnset(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, a int, b text)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, a, b) VALUES (:k, :a, :b)");
    session.execute(insert.bind(1, 5, "five"));
    if (session.getContext().getProtocolVersion() != DefaultProtocolVersion.V3) {
      BoundStatement unset = insert.boundStatementBuilder().setInt("k", 1).setString("b", "six").build();
      session.execute(unset);
      Row row = session.execute("SELECT a, b FROM " + table).one();
      Compat.equal("a that was left unset", row.getInt("a"), 5);
      Compat.equal("b", row.getString("b"), "six");
    }
    session.execute(insert.bind(1, null, "seven"));
    Row row = session.execute("SELECT a, b FROM " + table).one();
    Compat.check(row.isNull("a"), "a is there");
    Compat.equal("b", row.getString("b"), "seven");
  }
}
