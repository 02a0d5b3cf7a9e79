import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultProtocolVersion;
import com.datastax.oss.driver.api.core.InvalidKeyspaceException;
import com.datastax.oss.driver.api.core.ProtocolVersion;
import com.datastax.oss.driver.api.core.auth.AuthenticationException;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.metadata.Node;
import com.datastax.oss.driver.api.core.metadata.NodeState;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;

/** Connections: versions, compression, keyspaces, credentials, nodes. */
final class Connecting {
  @Compat.Test
  static void connects(CqlSession session) {
    Row row = session.execute("SELECT key, release_version FROM system.local").one();
    Compat.equal("key", row.getString("key"), "local");
    Compat.check(row.getString("release_version").startsWith("5.0."), row.getString("release_version"));
  }

  @Compat.Test
  static void negotiationEndsAtV5() {
    try (CqlSession session = Compat.connect(null)) {
      Compat.equal("version", session.getContext().getProtocolVersion(), DefaultProtocolVersion.V5);
    }
  }

  @Compat.Test
  static void compression() {
    String big = "Grüße ".repeat(40_000);
    for (ProtocolVersion version : Compat.VERSIONS) {
      for (String compressor : List.of("lz4", "snappy")) {
        // Snappy is not part of v5.
        if (compressor.equals("snappy") && version == DefaultProtocolVersion.V5) continue;
        try (CqlSession session =
            Compat.connect(
                version,
                builder -> builder.withString(DefaultDriverOption.PROTOCOL_COMPRESSION, compressor),
                Compat.KEYSPACE)) {
          String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
          PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
          int k = 0;
          for (String value : List.of("", "short", big)) {
            session.execute(insert.bind(k, value));
            Row row = session.execute(SimpleStatement.newInstance("SELECT v FROM " + table + " WHERE k = ?", k)).one();
            Compat.check(value.equals(row.getString(0)), compressor + " " + version + ": another text");
            k++;
          }
        }
      }
    }
  }

  @Compat.Test
  static void keyspaceOfAQuery() {
    try (CqlSession session = Compat.connect(DefaultProtocolVersion.V5)) {
      String table = Compat.table(session, "(k int PRIMARY KEY)");
      session.execute(SimpleStatement.newInstance("INSERT INTO " + table + " (k) VALUES (1)").setKeyspace(Compat.KEYSPACE));
      PreparedStatement select =
          session.prepare(SimpleStatement.newInstance("SELECT k FROM " + table).setKeyspace(Compat.KEYSPACE));
      Compat.equal("k", session.execute(select.bind()).one().getInt(0), 1);
    }
  }

  @Compat.Test
  static void missingKeyspaceIsRefused() {
    try (CqlSession session =
        Compat.connect(DefaultProtocolVersion.V5, builder -> builder, "compat_no_such_keyspace")) {
      throw new AssertionError("a session of a keyspace that is not there");
    } catch (InvalidKeyspaceException e) {
      Compat.check(e.getMessage().contains("compat_no_such_keyspace"), e.getMessage());
    }
  }

  @Compat.Test
  static void nodes(CqlSession session) {
    Node node = session.getMetadata().getNodes().values().iterator().next();
    Compat.equal("data centre", node.getDatacenter(), "datacenter1");
    Compat.equal("rack", node.getRack(), "rack1");
    Compat.equal("state", node.getState(), NodeState.UP);
    Compat.check(node.getCassandraVersion().toString().startsWith("5.0."), "version " + node.getCassandraVersion());
    Compat.check(node.getHostId() != null && node.getSchemaVersion() != null, "no ids");
    Compat.check(session.checkSchemaAgreement(), "no schema agreement");
  }

  /** Needs a server of its own that asks for credentials. */
  @Compat.Test
  static void authentication() {
    InetSocketAddress address = Compat.contactPoint("CASSANDRA_AUTH_CONTACT_POINTS");
    if (address == null) {
      throw new Compat.Skipped("CASSANDRA_AUTH_CONTACT_POINTS names no server that asks for credentials");
    }
    for (ProtocolVersion version : Compat.VERSIONS) {
      try (CqlSession session = authenticated(address, version, "cassandra")) {
        Compat.check(session.execute("SELECT key FROM system.local").one() != null, "no row");
      }
      for (String wrong : new String[] {"wrong", null}) {
        try (CqlSession session = authenticated(address, version, wrong)) {
          throw new AssertionError("a wrong password was taken");
        } catch (AllNodesFailedException e) {
          Throwable error = e.getAllErrors().values().iterator().next().get(0);
          Compat.check(error instanceof AuthenticationException, String.valueOf(error));
        }
      }
    }
  }

  private static CqlSession authenticated(InetSocketAddress address, ProtocolVersion version, String password) {
    var builder =
        CqlSession.builder()
            .addContactPoint(address)
            .withLocalDatacenter("datacenter1")
            .withConfigLoader(Compat.options(version).build());
    if (password != null) builder.withAuthCredentials("cassandra", password);
    return builder.build();
  }

  @Compat.Test
  static void systemTables(CqlSession session) {
    for (String query :
        Set.of(
            "SELECT * FROM system.local",
            "SELECT * FROM system.peers",
            "SELECT * FROM system.peers_v2",
            "SELECT * FROM system_schema.keyspaces",
            "SELECT * FROM system_schema.tables",
            "SELECT * FROM system_schema.columns",
            "SELECT * FROM system_schema.types",
            "SELECT * FROM system_schema.indexes",
            "SELECT * FROM system_schema.views",
            "SELECT * FROM system_schema.functions",
            "SELECT * FROM system_schema.aggregates",
            "SELECT * FROM system_virtual_schema.keyspaces",
            "SELECT * FROM system_virtual_schema.tables",
            "SELECT * FROM system_virtual_schema.columns")) {
      Compat.check(session.execute(query).getColumnDefinitions().size() > 0, query);
    }
  }
}
