import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.DefaultProtocolVersion;
import com.datastax.oss.driver.api.core.ProtocolVersion;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.QueryTrace;
import com.datastax.oss.driver.api.core.cql.ResultSet;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import java.nio.ByteBuffer;
import java.util.List;

/** Pages, batches, conditions, prepared statements, warnings, traces, consistency levels. */
final class Statements {
  private static final int ROWS = 5000;

  @Compat.Test
  static void paging() {
    try (CqlSession session = Compat.connect(DefaultProtocolVersion.V4)) {
      String table = Compat.KEYSPACE + "." + Compat.table(session, "(k int, c int, v text, PRIMARY KEY (k, c))");
      PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, c, v) VALUES (1, ?, ?)");
      for (int from = 0; from < ROWS; from += 100) {
        BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.UNLOGGED);
        for (int c = from; c < from + 100; c++) batch.addStatement(insert.bind(c, "value " + c));
        session.execute(batch.build());
      }
      for (ProtocolVersion version : Compat.VERSIONS) {
        try (CqlSession reader = Compat.connect(version)) {
          readPages(reader, table);
        }
      }
    }
  }

  private static void readPages(CqlSession session, String table) {
    SimpleStatement select = SimpleStatement.newInstance("SELECT c, v FROM " + table + " WHERE k = 1");
    for (int size : List.of(97, 1000, 6000)) {
      int count = 0;
      for (Row row : session.execute(select.setPageSize(size))) {
        Compat.equal("row", row.getString("v"), "value " + count);
        count++;
      }
      Compat.equal("rows by pages of " + size, count, ROWS);
    }
    // Pages by hand: the state of one is what the next begins with.
    PreparedStatement all = session.prepare("SELECT c FROM " + table);
    ByteBuffer state = null;
    int pages = 0;
    int count = 0;
    do {
      ResultSet page = session.execute(all.bind().setPageSize(2100).setPagingState(state));
      state = page.getExecutionInfo().getPagingState();
      count += page.getAvailableWithoutFetching();
      pages++;
    } while (state != null);
    Compat.equal("pages and rows", List.of(pages, count), List.of(3, ROWS));
  }

  @Compat.Test
  static void batches(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
    int k = 0;
    for (DefaultBatchType type : List.of(DefaultBatchType.LOGGED, DefaultBatchType.UNLOGGED)) {
      session.execute(
          BatchStatement.newInstance(type)
              .add(insert.bind(k++, "bound"))
              .add(SimpleStatement.newInstance("INSERT INTO " + table + " (k, v) VALUES (?, ?)", k++, "simple"))
              .setQueryTimestamp(777));
    }
    List<Row> rows = session.execute("SELECT k, writetime(v) AS w FROM " + table).all();
    Compat.equal("rows", rows.size(), 4);
    for (Row row : rows) Compat.equal("timestamp", row.getLong("w"), 777L);

    String counters = Compat.table(session, "(k int PRIMARY KEY, n counter)");
    PreparedStatement add = session.prepare("UPDATE " + counters + " SET n = n + ? WHERE k = ?");
    for (int i = 0; i < 3; i++) {
      session.execute(BatchStatement.newInstance(DefaultBatchType.COUNTER, add.bind(5L, 1), add.bind(-1L, 2)));
    }
    PreparedStatement read = session.prepare("SELECT n FROM " + counters + " WHERE k = ?");
    Compat.equal("first counter", session.execute(read.bind(1)).one().getLong(0), 15L);
    Compat.equal("second counter", session.execute(read.bind(2)).one().getLong(0), -3L);
  }

  @Compat.Test
  static void lightweightTransactions(CqlSession session) {
    String table = Compat.table(session, "(k int, c int, v text, PRIMARY KEY (k, c))");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, c, v) VALUES (?, ?, ?) IF NOT EXISTS");
    Compat.check(session.execute(insert.bind(1, 1, "first")).wasApplied(), "not applied");
    ResultSet refused = session.execute(insert.bind(1, 1, "second"));
    Compat.check(!refused.wasApplied(), "applied twice");
    Compat.equal("what is there", refused.one().getString("v"), "first");
    PreparedStatement update = session.prepare("UPDATE " + table + " SET v = ? WHERE k = ? AND c = ? IF v = ?");
    ResultSet other =
        session.execute(update.bind("third", 1, 1, "other").setSerialConsistencyLevel(ConsistencyLevel.LOCAL_SERIAL));
    Compat.check(!other.wasApplied(), "applied on another value");
    ResultSet batch =
        session.execute(
            BatchStatement.newInstance(
                DefaultBatchType.LOGGED,
                update.bind("fourth", 1, 1, "first"),
                SimpleStatement.newInstance("INSERT INTO " + table + " (k, c, v) VALUES (1, 2, 'with it')")));
    Compat.check(batch.wasApplied(), "the batch was not applied");
    SimpleStatement read = SimpleStatement.newInstance("SELECT v FROM " + table + " WHERE k = 1 AND c = 1");
    Row row = session.execute(read.setConsistencyLevel(ConsistencyLevel.SERIAL)).one();
    Compat.equal("read serially", row.getString(0), "fourth");
  }

  @Compat.Test
  static void preparedStatementsOutliveAlter(CqlSession session) {
    boolean knowsColumns = session.getContext().getProtocolVersion() == DefaultProtocolVersion.V5;
    String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
    PreparedStatement select = session.prepare("SELECT * FROM " + table + " WHERE k = ?");
    session.execute(insert.bind(1, "one"));
    Compat.equal("columns", session.execute(select.bind(1)).getColumnDefinitions().size(), 2);
    session.execute("ALTER TABLE " + table + " ADD added int");
    session.execute(insert.bind(2, "two"));
    Row row = session.execute(select.bind(2)).one();
    // Before v5 nobody tells the driver that the columns are others.
    if (knowsColumns) {
      Compat.equal("columns afterwards", row.getColumnDefinitions().size(), 3);
      Compat.check(row.isNull("added"), "added is there");
      Compat.equal("v", row.getString("v"), "two");
    }
    session.execute("ALTER TABLE " + table + " DROP added");
    session.execute(insert.bind(3, "three"));
    if (knowsColumns) {
      Compat.equal("columns at last", session.execute(select.bind(3)).one().getColumnDefinitions().size(), 2);
    }
  }

  @Compat.Test
  static void preparedMetadata(CqlSession session) {
    String table = Compat.table(session, "(a int, b text, v int, PRIMARY KEY ((a, b)))");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (b, v, a) VALUES (?, :named, ?)");
    if (session.getContext().getProtocolVersion() != DefaultProtocolVersion.V3) {
      Compat.equal("key among the markers", insert.getPartitionKeyIndices(), List.of(2, 0));
    }
    Compat.equal("name", insert.getVariableDefinitions().get(1).getName().asInternal(), "named");
    PreparedStatement select = session.prepare("SELECT v AS w FROM " + table);
    Compat.equal("result", select.getResultSetDefinitions().get(0).getName().asInternal(), "w");
    Compat.equal(
        "result metadata id",
        select.getResultMetadataId() != null,
        session.getContext().getProtocolVersion() == DefaultProtocolVersion.V5);
  }

  @Compat.Test
  static void warnings(CqlSession session) {
    if (session.getContext().getProtocolVersion() == DefaultProtocolVersion.V3) return;
    String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
    BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.UNLOGGED);
    for (int k = 0; k < 12; k++) batch.addStatement(insert.bind(k, "v".repeat(1000)));
    String warnings = String.join("\n", session.execute(batch.build()).getExecutionInfo().getWarnings());
    Compat.check(warnings.contains("exceeding specified threshold of 5120"), warnings);
    Compat.check(warnings.contains("Unlogged batch covering 12 partitions"), warnings);
    Compat.equal(
        "warnings of a count",
        session.execute("SELECT count(*) FROM " + table).getExecutionInfo().getWarnings(),
        List.of("Aggregation query used without partition key"));
    Compat.equal(
        "warnings of a read",
        session.execute("SELECT v FROM " + table + " WHERE k = 1").getExecutionInfo().getWarnings(),
        List.of());
  }

  @Compat.Test
  static void tracing(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
    SimpleStatement insert = SimpleStatement.newInstance("INSERT INTO " + table + " (k, v) VALUES (1, 'x')");
    ResultSet result = session.execute(insert.setTracing(true));
    Compat.check(result.getExecutionInfo().getTracingId() != null, "no trace id");
    QueryTrace trace = result.getExecutionInfo().getQueryTrace();
    Compat.equal("request", trace.getRequestType(), "Execute CQL3 query");
    Compat.equal("query", trace.getParameters().get("query"), insert.getQuery());
    Compat.check(trace.getDurationMicros() >= 0 && trace.getStartedAt() > 0, "no times");
    Compat.check(!trace.getEvents().isEmpty(), "no events");
  }

  @Compat.Test
  static void consistencyLevels(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, v int)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
    PreparedStatement select = session.prepare("SELECT v FROM " + table + " WHERE k = ?");
    for (DefaultConsistencyLevel level : DefaultConsistencyLevel.values()) {
      if (List.of("TWO", "THREE").contains(level.name())) continue;
      if (!level.isSerial()) session.execute(insert.bind(1, 1).setConsistencyLevel(level));
      if (List.of("ANY", "EACH_QUORUM").contains(level.name())) continue;
      Compat.equal(level.name(), session.execute(select.bind(1).setConsistencyLevel(level)).one().getInt(0), 1);
    }
    try {
      session.execute(select.bind(1).setConsistencyLevel(ConsistencyLevel.ANY));
      throw new AssertionError("a read at ANY");
    } catch (InvalidQueryException e) {
      Compat.equal("message", e.getMessage(), "ANY ConsistencyLevel is only supported for writes");
    }
  }
}
