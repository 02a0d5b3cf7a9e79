import java.io.File;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

import com.codahale.metrics.Clock;
import com.codahale.metrics.ExponentiallyDecayingReservoir;
import org.apache.cassandra.config.Config;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.config.DurationSpec;
import org.apache.cassandra.config.ParameterizedClass;
import org.apache.cassandra.db.BufferDecoratedKey;
import org.apache.cassandra.db.DataRange;
import org.apache.cassandra.db.PartitionPosition;
import org.apache.cassandra.dht.AbstractBounds;
import org.apache.cassandra.dht.Murmur3Partitioner;
import org.apache.cassandra.dht.Range;
import org.apache.cassandra.dht.Token;
import org.apache.cassandra.locator.InetAddressAndPort;
import org.apache.cassandra.locator.TokenMetadata;
import org.apache.cassandra.service.StorageService;

/**
 * Asks Cassandra into which pieces a range read is cut in seeded rings, and what the median of a decaying sample is, and
 * writes the answers as JSON. An argument: a directory to configure (nothing is kept there).
 */
public class Splits
{
    static final Murmur3Partitioner PARTITIONER = Murmur3Partitioner.instance;

    static void configure(String directory)
    {
        Config config = new Config();
        config.partitioner = "Murmur3Partitioner";
        config.commitlog_directory = directory + "/commitlog";
        config.data_file_directories = new String[]{ directory + "/data" };
        config.saved_caches_directory = directory + "/saved_caches";
        config.hints_directory = directory + "/hints";
        config.cdc_raw_directory = directory + "/cdc";
        config.seed_provider = new ParameterizedClass("org.apache.cassandra.locator.SimpleSeedProvider", Collections.singletonMap("seeds", "127.0.0.1"));
        config.commitlog_sync = Config.CommitLogSync.periodic;
        config.commitlog_sync_period = new DurationSpec.IntMillisecondsBound("10s");
        config.endpoint_snitch = "SimpleSnitch";
        config.listen_address = "127.0.0.1";
        config.rpc_address = "127.0.0.1";
        DatabaseDescriptor.daemonInitialization(() -> config);
    }

    static Token token(long value)
    {
        return new Murmur3Partitioner.LongToken(value);
    }

    static String start(PartitionPosition position)
    {
        if (position instanceof BufferDecoratedKey)
            return "[" + position.getToken() + "+";
        return (((Token.KeyBound) position).isMinimumBound ? "[" : "(") + position.getToken();
    }

    static String end(PartitionPosition position)
    {
        return position.getToken() + (position.isMinimum() ? "" : ((Token.KeyBound) position).isMinimumBound ? ")" : "]");
    }

    static String quoted(Iterable<?> values)
    {
        StringBuilder out = new StringBuilder("[");
        for (Object value : values)
            out.append(out.length() > 1 ? "," : "").append('"').append(value).append('"');
        return out.append(']').toString();
    }

    @SuppressWarnings("unchecked")
    static List<String> pieces(AbstractBounds<PartitionPosition> range) throws Exception
    {
        Method method = Class.forName("org.apache.cassandra.service.reads.range.ReplicaPlanIterator").getDeclaredMethod("getRestrictedRanges", AbstractBounds.class);
        method.setAccessible(true);
        List<String> pieces = new ArrayList<>();
        for (AbstractBounds<PartitionPosition> piece : (List<AbstractBounds<PartitionPosition>>) method.invoke(null, range))
            pieces.add(start(piece.left) + ", " + end(piece.right));
        return pieces;
    }

    static String ring(long seed) throws Exception
    {
        Random random = new Random(seed);
        TreeSet<Long> tokens = new TreeSet<>();
        for (int i = 0, count = 1 + random.nextInt(8); i < count; i++)
            tokens.add((long) random.nextInt(24));
        if (random.nextInt(3) == 0)
            tokens.add(Long.MAX_VALUE);
        if (random.nextInt(3) == 0)
            tokens.add(Long.MIN_VALUE + 1);
        TokenMetadata metadata = StorageService.instance.getTokenMetadata();
        metadata.clearUnsafe();
        List<Token> all = new ArrayList<>();
        for (long value : tokens)
            all.add(token(value));
        metadata.updateNormalTokens(all, InetAddressAndPort.getByName("127.0.0.2"));

        StringBuilder ranges = new StringBuilder();
        ranges.append("{\"range\":\"all\",\"pieces\":" + quoted(pieces(DataRange.allData(PARTITIONER).keyRange())) + "}");
        for (int i = 0; i < 20; i++)
        {
            long left = random.nextInt(24);
            long right = left + 1 + random.nextInt(12);
            PartitionPosition from = random.nextBoolean() ? token(left).minKeyBound() : token(left).maxKeyBound();
            if (random.nextInt(4) == 0)
                from = new BufferDecoratedKey(token(left), ByteBuffer.wrap(new byte[]{ 7 }));
            PartitionPosition to = random.nextBoolean() ? token(right).minKeyBound() : token(right).maxKeyBound();
            ranges.append(",{\"range\":\"" + start(from) + ", " + end(to) + "\",\"pieces\":" + quoted(pieces(new Range<>(from, to))) + "}");
        }
        return "{\"tokens\":" + quoted(tokens) + ",\"ranges\":[" + ranges + "]}";
    }

    /** Latencies in milliseconds with the times at which they came, and the median after each. */
    static String samples(long seed)
    {
        Random random = new Random(seed);
        long[] now = { 5_000_000L + random.nextInt(5000) };
        ExponentiallyDecayingReservoir reservoir = new ExponentiallyDecayingReservoir(100, 0.75, new Clock()
        {
            @Override
            public long getTick()
            {
                return TimeUnit.MILLISECONDS.toNanos(now[0]);
            }

            @Override
            public long getTime()
            {
                return now[0];
            }
        });
        StringBuilder out = new StringBuilder("{\"start\":" + now[0] + ",\"samples\":[");
        for (int i = 0; i < 100; i++)
        {
            // Long pauses in some: after an hour the weights are brought down.
            now[0] += random.nextInt(seed % 3 == 0 ? 100 : 1500) + (seed % 4 == 3 && random.nextInt(40) == 0 ? 600_000 : 0);
            int value = random.nextInt(50);
            reservoir.update(value);
            out.append((i > 0 ? "," : "") + "[" + now[0] + "," + value + "," + reservoir.getSnapshot().getMedian() + "]");
        }
        return out.append("]}").toString();
    }

    public static void main(String[] args) throws Exception
    {
        configure(new File(args[0]).getAbsolutePath());
        PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        List<String> rings = new ArrayList<>();
        for (long seed = 0; seed < 40; seed++)
            rings.add(ring(seed));
        List<String> samples = new ArrayList<>();
        for (long seed = 0; seed < 12; seed++)
            samples.add(samples(seed));
        out.println("{\"rings\":[\n" + String.join(",\n", rings) + "],\n\"samples\":[\n" + String.join(",\n", samples) + "]}");
        out.flush();
        Runtime.getRuntime().halt(0);
    }
}
