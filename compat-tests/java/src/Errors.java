import com.datastax.oss.driver.api.core.AllNodesFailedException;
import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import com.datastax.oss.driver.api.core.servererrors.AlreadyExistsException;
import com.datastax.oss.driver.api.core.servererrors.InvalidConfigurationInQueryException;
import com.datastax.oss.driver.api.core.servererrors.InvalidQueryException;
import com.datastax.oss.driver.api.core.servererrors.SyntaxError;
import com.datastax.oss.driver.api.core.servererrors.UnavailableException;

/** What the server refuses, in the driver's classes. */
final class Errors {
  private static <E extends Throwable> E refusal(CqlSession session, Class<E> expected, Statement<?> statement) {
    try {
      session.execute(statement);
    } catch (Throwable e) {
      // What the driver tries again elsewhere comes in a list of nodes.
      Throwable error =
          e instanceof AllNodesFailedException
              ? ((AllNodesFailedException) e).getAllErrors().values().iterator().next().get(0)
              : e;
      if (expected.isInstance(error)) return expected.cast(error);
      throw new AssertionError(e + ", where a " + expected.getSimpleName() + " was expected", e);
    }
    throw new AssertionError("a " + expected.getSimpleName() + " was expected");
  }

  private static <E extends Throwable> E refusal(CqlSession session, Class<E> expected, String statement) {
    return refusal(session, expected, SimpleStatement.newInstance(statement));
  }

  @Compat.Test
  static void syntaxAndNames(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
    Compat.equal(
        "syntax",
        refusal(session, SyntaxError.class, "SELEC * FROM " + table).getMessage(),
        "line 1:0 no viable alternative at input 'SELEC' ([SELEC]...)");
    Compat.equal(
        "column",
        refusal(session, InvalidQueryException.class, "SELECT nope FROM " + table).getMessage(),
        "Undefined column name nope in table " + Compat.KEYSPACE + "." + table);
    Compat.equal(
        "table",
        refusal(session, InvalidQueryException.class, "SELECT * FROM nothing").getMessage(),
        "table nothing does not exist");
    refusal(
        session,
        InvalidConfigurationInQueryException.class,
        "CREATE TABLE bad (k int PRIMARY KEY) WITH compaction = {'class': 'Nope'}");
  }

  @Compat.Test
  static void alreadyExists(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY)");
    AlreadyExistsException error =
        refusal(session, AlreadyExistsException.class, "CREATE TABLE " + table + " (k int PRIMARY KEY)");
    Compat.equal("message", error.getMessage(), "Object " + Compat.KEYSPACE + "." + table + " already exists");
    refusal(
        session,
        AlreadyExistsException.class,
        "CREATE KEYSPACE " + Compat.KEYSPACE + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
  }

  @Compat.Test
  static void unavailable(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY)");
    SimpleStatement select = SimpleStatement.newInstance("SELECT * FROM " + table + " WHERE k = 1");
    UnavailableException error =
        refusal(session, UnavailableException.class, select.setConsistencyLevel(ConsistencyLevel.THREE));
    Compat.equal("level", error.getConsistencyLevel(), ConsistencyLevel.THREE);
    Compat.equal("required", error.getRequired(), 3);
    Compat.equal("alive", error.getAlive(), 1);
  }

  @Compat.Test
  static void boundValues(CqlSession session) {
    String table = Compat.table(session, "(k int PRIMARY KEY, v text)");
    PreparedStatement insert = session.prepare("INSERT INTO " + table + " (k, v) VALUES (?, ?)");
    InvalidQueryException error = refusal(session, InvalidQueryException.class, insert.bind(null, "x"));
    Compat.equal("message", error.getMessage(), "Invalid null value in condition for column k");
    try {
      session.prepare("SELECT nope FROM " + table);
      throw new AssertionError("prepared");
    } catch (InvalidQueryException e) {
      Compat.check(e.getMessage().startsWith("Undefined column name nope"), e.getMessage());
    }
  }
}
