import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.DefaultProtocolVersion;
import com.datastax.oss.driver.api.core.ProtocolVersion;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;

/**
 * Tests a server with the Java driver: Sibyl or Apache Cassandra, whichever CASSANDRA_CONTACT_POINTS names. Prints a
 * line for each test, and ends with 1 if one failed. Arguments are names of tests; without them all are run.
 */
public final class Compat {
  static final String KEYSPACE = "compat_java";

  static final List<ProtocolVersion> VERSIONS =
      List.of(DefaultProtocolVersion.V3, DefaultProtocolVersion.V4, DefaultProtocolVersion.V5);

  /** A test: a method that takes nothing or, to be run in every version of the protocol, a session of that version. */
  @Retention(RetentionPolicy.RUNTIME)
  @interface Test {}

  /** Thrown by a test that cannot be made here; the message says why. */
  static final class Skipped extends RuntimeException {
    Skipped(String why) {
      super(why);
    }
  }

  private static int tables = 0;

  private Compat() {}

  public static void main(String[] names) throws Exception {
    try (CqlSession session = connect(DefaultProtocolVersion.V4)) {
      session.execute("DROP KEYSPACE IF EXISTS " + KEYSPACE);
      session.execute(
          "CREATE KEYSPACE " + KEYSPACE + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
      session.execute("CREATE TYPE " + KEYSPACE + ".address (street text, number int, tags frozen<set<text>>)");
      List<CqlSession> sessions = new ArrayList<>();
      for (ProtocolVersion version : VERSIONS) sessions.add(connect(version, builder -> builder, KEYSPACE));
      int failed = 0;
      for (Class<?> suite :
          List.of(Connecting.class, Types.class, Statements.class, Metadata.class, Errors.class)) {
        failed += run(suite, Arrays.asList(names), sessions);
      }
      session.execute("DROP KEYSPACE " + KEYSPACE);
      System.out.println(failed == 0 ? "all passed" : failed + " failed");
      System.exit(failed == 0 ? 0 : 1);
    }
  }

  private static int run(Class<?> suite, List<String> names, List<CqlSession> sessions) throws Exception {
    int failed = 0;
    List<Method> tests = new ArrayList<>();
    for (Method method : suite.getDeclaredMethods()) {
      if (!method.isAnnotationPresent(Test.class)) continue;
      if (names.isEmpty() || names.contains(method.getName())) tests.add(method);
    }
    tests.sort(Comparator.comparing(Method::getName));
    for (Method test : tests) {
      if (test.getParameterCount() == 0) {
        if (!passes(test, test.getName(), new Object[0])) failed++;
        continue;
      }
      for (CqlSession session : sessions) {
        String name = test.getName() + " " + session.getContext().getProtocolVersion();
        if (!passes(test, name, new Object[] {session})) failed++;
      }
    }
    return failed;
  }

  private static boolean passes(Method test, String name, Object[] arguments) throws Exception {
    long start = System.nanoTime();
    try {
      test.setAccessible(true);
      test.invoke(null, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof Skipped) {
        System.out.println("skipped " + name + ": " + e.getCause().getMessage());
        return true;
      }
      System.out.println("FAILED " + name);
      e.getCause().printStackTrace(System.out);
      return false;
    }
    System.out.printf("passed %s (%d ms)%n", name, (System.nanoTime() - start) / 1_000_000);
    return true;
  }

  /** The address that an environment variable gives as host:port, or null. */
  static InetSocketAddress contactPoint(String variable) {
    String given = System.getenv(variable);
    if (given == null || given.isEmpty()) return null;
    String[] parts = given.split(",")[0].trim().split(":");
    return new InetSocketAddress(parts[0], parts.length > 1 ? Integer.parseInt(parts[1]) : 9042);
  }

  static CqlSession connect(ProtocolVersion version) {
    return connect(version, builder -> builder, null);
  }

  static CqlSession connect(
      ProtocolVersion version,
      UnaryOperator<ProgrammaticDriverConfigLoaderBuilder> configuration,
      String keyspace) {
    InetSocketAddress address = contactPoint("CASSANDRA_CONTACT_POINTS");
    if (address == null) throw new IllegalStateException("CASSANDRA_CONTACT_POINTS=host:port has to name a server");
    return CqlSession.builder()
        .addContactPoint(address)
        .withLocalDatacenter("datacenter1")
        .withKeyspace(keyspace)
        .withConfigLoader(configuration.apply(options(version)).build())
        .build();
  }

  /** What the tests' sessions have in common; no version leaves it to the driver. */
  static ProgrammaticDriverConfigLoaderBuilder options(ProtocolVersion version) {
    ProgrammaticDriverConfigLoaderBuilder builder = DriverConfigLoader.programmaticBuilder();
    if (version != null) builder.withString(DefaultDriverOption.PROTOCOL_VERSION, version.name());
    // Schema changes on a real server that is busy may take seconds.
    for (DefaultDriverOption option :
        List.of(
            DefaultDriverOption.REQUEST_TIMEOUT,
            DefaultDriverOption.CONNECTION_CONNECT_TIMEOUT,
            DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT,
            DefaultDriverOption.CONNECTION_SET_KEYSPACE_TIMEOUT,
            DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT,
            DefaultDriverOption.METADATA_SCHEMA_REQUEST_TIMEOUT)) {
      builder.withDuration(option, Duration.ofSeconds(30));
    }
    return builder
        .withDuration(DefaultDriverOption.METADATA_SCHEMA_WINDOW, Duration.ofMillis(20))
        .withDuration(DefaultDriverOption.REQUEST_TRACE_INTERVAL, Duration.ofMillis(50))
        .withInt(DefaultDriverOption.REQUEST_TRACE_ATTEMPTS, 100)
        // Sessions end at once, not after the seconds that the driver takes by default.
        .withString(DefaultDriverOption.NETTY_IO_SHUTDOWN_UNIT, "MILLISECONDS")
        .withInt(DefaultDriverOption.NETTY_IO_SHUTDOWN_QUIET_PERIOD, 20)
        .withInt(DefaultDriverOption.NETTY_IO_SHUTDOWN_TIMEOUT, 5000)
        .withString(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_UNIT, "MILLISECONDS")
        .withInt(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_QUIET_PERIOD, 20)
        .withInt(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_TIMEOUT, 5000);
  }

  /** Makes a table with the given definition and returns its name. */
  static String table(CqlSession session, String definition) {
    String name = "t" + ++tables;
    session.execute("CREATE TABLE " + KEYSPACE + "." + name + " " + definition);
    return name;
  }

  static void check(boolean holds, String what) {
    if (!holds) throw new AssertionError(what);
  }

  static void equal(String what, Object actual, Object expected) {
    if (!Objects.deepEquals(actual, expected)) {
      throw new AssertionError(what + ": " + actual + ", where " + expected + " was expected");
    }
  }

  /** Waits until a condition holds; schema changes reach the driver a little later. */
  static void eventually(String what, BooleanSupplier holds) throws InterruptedException {
    long end = System.nanoTime() + 20_000_000_000L;
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() > end) throw new AssertionError("it did not come to pass that " + what);
      Thread.sleep(20);
    }
  }
}
