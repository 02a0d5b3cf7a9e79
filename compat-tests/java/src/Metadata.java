import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultProtocolVersion;
import com.datastax.oss.driver.api.core.metadata.TokenMap;
import com.datastax.oss.driver.api.core.metadata.schema.ClusteringOrder;
import com.datastax.oss.driver.api.core.metadata.schema.ColumnMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.KeyspaceMetadata;
import com.datastax.oss.driver.api.core.metadata.schema.SchemaChangeListenerBase;
import com.datastax.oss.driver.api.core.metadata.schema.TableMetadata;
import com.datastax.oss.driver.api.core.type.UserDefinedType;
import com.datastax.oss.driver.api.core.type.codec.TypeCodecs;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/** The schema and the ring as the driver knows them. */
final class Metadata {
  private static KeyspaceMetadata keyspace(CqlSession session, String name) {
    return session.getMetadata().getKeyspace(name).orElseThrow();
  }

  @Compat.Test
  static void schema(CqlSession session) throws Exception {
    String name =
        Compat.table(
            session,
            "(p int, q text, c timestamp, d int, s int static, \"Mixed Case\" list<int>, v frozen<address>, m map<text, int>,"
                + " PRIMARY KEY ((p, q), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)"
                + " AND comment = 'words' AND gc_grace_seconds = 77");
    Compat.eventually("the table is known", () -> keyspace(session, Compat.KEYSPACE).getTable(name).isPresent());
    KeyspaceMetadata keyspace = keyspace(session, Compat.KEYSPACE);
    Compat.equal(
        "replication",
        keyspace.getReplication(),
        Map.of("class", "org.apache.cassandra.locator.SimpleStrategy", "replication_factor", "1"));
    Compat.check(keyspace.isDurableWrites(), "not durable");
    TableMetadata table = keyspace.getTable(name).orElseThrow();
    Compat.equal("partition key", names(table.getPartitionKey()), List.of("p", "q"));
    Compat.equal("clustering", names(new ArrayList<>(table.getClusteringColumns().keySet())), List.of("c", "d"));
    Compat.equal(
        "order", new ArrayList<>(table.getClusteringColumns().values()), List.of(ClusteringOrder.DESC, ClusteringOrder.ASC));
    Compat.check(table.getColumn("s").orElseThrow().isStatic(), "s is not static");
    Map<String, String> types = new TreeMap<>();
    for (ColumnMetadata column : table.getColumns().values()) {
      types.put(column.getName().asInternal(), column.getType().asCql(true, true));
    }
    Compat.equal(
        "types",
        types,
        new TreeMap<>(
            Map.of(
                "p", "int", "q", "text", "c", "timestamp", "d", "int", "s", "int", "Mixed Case", "list<int>",
                "v", "frozen<" + Compat.KEYSPACE + ".address>", "m", "map<text, int>")));
    Map<CqlIdentifier, Object> options = table.getOptions();
    Compat.equal("comment", options.get(CqlIdentifier.fromInternal("comment")), "words");
    Compat.equal("gc_grace_seconds", options.get(CqlIdentifier.fromInternal("gc_grace_seconds")), 77);
    Compat.check(table.describe(true).contains("CLUSTERING ORDER BY (c DESC, d ASC)"), table.describe(true));
    Compat.check(!table.isCompactStorage() && !table.isVirtual() && table.getId().isPresent(), "another kind of table");
  }

  private static List<String> names(List<ColumnMetadata> columns) {
    List<String> names = new ArrayList<>();
    for (ColumnMetadata column : columns) names.add(column.getName().asInternal());
    return names;
  }

  @Compat.Test
  static void userTypes(CqlSession session) {
    UserDefinedType type = keyspace(session, Compat.KEYSPACE).getUserDefinedType("address").orElseThrow();
    Compat.equal(
        "type",
        type.describe(false),
        "CREATE TYPE \"" + Compat.KEYSPACE + "\".\"address\" ( \"street\" text, \"number\" int, \"tags\" frozen<set<text>> );");
  }

  @Compat.Test
  static void systemKeyspaces() {
    // The driver leaves them out unless it is told otherwise.
    try (CqlSession session =
        Compat.connect(
            DefaultProtocolVersion.V5,
            builder ->
                builder.withStringList(
                    com.datastax.oss.driver.api.core.config.DefaultDriverOption.METADATA_SCHEMA_REFRESHED_KEYSPACES, List.of("/.*/")),
            null)) {
      for (String name : List.of("system", "system_schema", "system_auth", "system_traces", "system_distributed")) {
        Compat.check(!keyspace(session, name).getTables().isEmpty(), "nothing is known of " + name);
      }
      for (String name : List.of("system_views", "system_virtual_schema")) {
        Compat.check(keyspace(session, name).isVirtual(), name + " is not virtual");
        Compat.check(!keyspace(session, name).getTables().isEmpty(), "nothing is known of " + name);
      }
    }
  }

  @Compat.Test
  static void tokenMap(CqlSession session) {
    TokenMap map = session.getMetadata().getTokenMap().orElseThrow();
    Compat.equal("partitioner", map.getPartitionerName(), "org.apache.cassandra.dht.Murmur3Partitioner");
    Compat.check(map.getTokenRanges().size() > 0, "no ranges");
    // The token of the key 1, as cqlsh shows it.
    Compat.equal(
        "token",
        map.format(map.newToken(TypeCodecs.INT.encode(1, session.getContext().getProtocolVersion()))),
        String.valueOf(session.execute("SELECT token(k) FROM " + tokenTable(session)).one().getLong(0)));
    var node = session.getMetadata().getNodes().values().iterator().next();
    Compat.equal(
        "replicas",
        map.getReplicas(CqlIdentifier.fromCql(Compat.KEYSPACE), TypeCodecs.INT.encode(1, session.getContext().getProtocolVersion())),
        Set.of(node));
  }

  private static String tokenTable(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY)");
    session.execute("INSERT INTO " + table + " (k) VALUES (1)");
    return table;
  }

  /** Gathers what the driver hears. */
  private static final class Listener extends SchemaChangeListenerBase {
    final Set<String> heard = ConcurrentHashMap.newKeySet();

    @Override
    public void onKeyspaceCreated(KeyspaceMetadata keyspace) {
      heard.add("created keyspace " + keyspace.getName());
    }

    @Override
    public void onKeyspaceUpdated(KeyspaceMetadata current, KeyspaceMetadata previous) {
      heard.add("updated keyspace " + current.getName());
    }

    @Override
    public void onKeyspaceDropped(KeyspaceMetadata keyspace) {
      heard.add("dropped keyspace " + keyspace.getName());
    }

    @Override
    public void onTableCreated(TableMetadata table) {
      heard.add("created table " + table.getName());
    }

    @Override
    public void onTableUpdated(TableMetadata current, TableMetadata previous) {
      heard.add("updated table " + current.getName());
    }

    @Override
    public void onTableDropped(TableMetadata table) {
      heard.add("dropped table " + table.getName());
    }

    @Override
    public void onUserDefinedTypeCreated(UserDefinedType type) {
      heard.add("created type " + type.getName());
    }

    @Override
    public void onUserDefinedTypeUpdated(UserDefinedType current, UserDefinedType previous) {
      heard.add("updated type " + current.getName());
    }

    @Override
    public void onUserDefinedTypeDropped(UserDefinedType type) {
      heard.add("dropped type " + type.getName());
    }
  }

  @Compat.Test
  static void schemaEvents(CqlSession other) throws Exception {
    String name = "compat_java_heard";
    other.execute("DROP KEYSPACE IF EXISTS " + name);
    Listener listener = new Listener();
    try (CqlSession session =
        CqlSession.builder()
            .addContactPoint(Compat.contactPoint("CASSANDRA_CONTACT_POINTS"))
            .withLocalDatacenter("datacenter1")
            .withConfigLoader(Compat.options(other.getContext().getProtocolVersion()).build())
            .addSchemaChangeListener(listener)
            .build()) {
      String replication = " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";
      String[][] changes = {
        {"CREATE KEYSPACE " + name + replication, "created keyspace " + name},
        {"ALTER KEYSPACE " + name + " WITH durable_writes = false", "updated keyspace " + name},
        {"CREATE TYPE " + name + ".u (a int)", "created type u"},
        {"ALTER TYPE " + name + ".u ADD b int", "updated type u"},
        {"CREATE TABLE " + name + ".h (k int PRIMARY KEY)", "created table h"},
        {"ALTER TABLE " + name + ".h ADD v int", "updated table h"},
        {"DROP TABLE " + name + ".h", "dropped table h"},
        {"DROP TYPE " + name + ".u", "dropped type u"},
        {"DROP KEYSPACE " + name, "dropped keyspace " + name},
      };
      for (String[] change : changes) {
        other.execute(change[0]);
        Compat.eventually(change[1], () -> listener.heard.contains(change[1]));
        if (change[1].equals("updated table h")) {
          Compat.check(keyspace(session, name).getTable("h").orElseThrow().getColumn("v").isPresent(), "no column v");
        }
      }
      Compat.equal("keyspace", session.getMetadata().getKeyspace(name), Optional.empty());
    }
  }
}
