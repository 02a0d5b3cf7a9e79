import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.Supplier;

import com.google.common.collect.LinkedHashMultimap;
import com.google.common.collect.Multimap;

import org.apache.cassandra.config.Config;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.config.DurationSpec;
import org.apache.cassandra.config.ParameterizedClass;
import org.apache.cassandra.db.BufferDecoratedKey;
import org.apache.cassandra.db.ConsistencyLevel;
import org.apache.cassandra.db.DataRange;
import org.apache.cassandra.db.Keyspace;
import org.apache.cassandra.db.PartitionPosition;
import org.apache.cassandra.dht.AbstractBounds;
import org.apache.cassandra.dht.Murmur3Partitioner;
import org.apache.cassandra.dht.Token;
import org.apache.cassandra.exceptions.UnavailableException;
import org.apache.cassandra.gms.EndpointState;
import org.apache.cassandra.gms.Gossiper;
import org.apache.cassandra.gms.HeartBeatState;
import org.apache.cassandra.index.Index;
import org.apache.cassandra.locator.AbstractEndpointSnitch;
import org.apache.cassandra.locator.AbstractReplicationStrategy;
import org.apache.cassandra.locator.EndpointsForToken;
import org.apache.cassandra.locator.InetAddressAndPort;
import org.apache.cassandra.locator.LocalStrategy;
import org.apache.cassandra.locator.NetworkTopologyStrategy;
import org.apache.cassandra.locator.Replica;
import org.apache.cassandra.locator.ReplicaLayout;
import org.apache.cassandra.locator.ReplicaPlan;
import org.apache.cassandra.locator.ReplicaPlans;
import org.apache.cassandra.locator.SimpleStrategy;
import org.apache.cassandra.locator.TokenMetadata;
import org.apache.cassandra.schema.KeyspaceMetadata;
import org.apache.cassandra.schema.KeyspaceParams;
import org.apache.cassandra.service.StorageService;
import org.apache.cassandra.service.reads.AlwaysSpeculativeRetryPolicy;
import org.apache.cassandra.service.reads.NeverSpeculativeRetryPolicy;
import org.apache.cassandra.utils.FBUtilities;

/**
 * Asks Cassandra's ReplicaPlans for plans of writes, reads, range reads, read repairs and Paxos rounds in seeded rings of which some
 * nodes are dead, and for the nodes that hold batchlogs, and writes the answers as JSON, a ring a line. A node is one digit in
 * base 36. Arguments: how many rings, and a directory to configure (nothing is kept there).
 */
public class Plans
{
    static final Murmur3Partitioner PARTITIONER = Murmur3Partitioner.instance;
    static final ConsistencyLevel[] LEVELS = ConsistencyLevel.values();
    static final Map<InetAddressAndPort, String[]> places = new HashMap<>();
    static final List<InetAddressAndPort> endpoints = new ArrayList<>();
    static final List<InetAddressAndPort> order = new ArrayList<>();

    /** Nodes are near in a fixed order, which is recorded. */
    static final class Snitch extends AbstractEndpointSnitch
    {
        @Override
        public String getDatacenter(InetAddressAndPort endpoint)
        {
            return places.get(endpoint)[0];
        }

        @Override
        public String getRack(InetAddressAndPort endpoint)
        {
            return places.get(endpoint)[1];
        }

        @Override
        public int compareEndpoints(InetAddressAndPort target, Replica first, Replica second)
        {
            return Integer.compare(order.indexOf(first.endpoint()), order.indexOf(second.endpoint()));
        }
    }

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
        config.dynamic_snitch = false;
        config.listen_address = "127.0.0.1";
        config.rpc_address = "127.0.0.1";
        DatabaseDescriptor.daemonInitialization(() -> config);
        DatabaseDescriptor.setEndpointSnitch(new Snitch());
    }

    static String digits(Iterable<Replica> replicas)
    {
        StringBuilder out = new StringBuilder();
        for (Replica replica : replicas)
            out.append(digit(replica.endpoint()));
        return out.toString();
    }

    static String digit(InetAddressAndPort endpoint)
    {
        return Integer.toString(endpoints.indexOf(endpoint), 36);
    }

    static String quoted(Iterable<?> values)
    {
        StringBuilder out = new StringBuilder("[");
        for (Object value : values)
            out.append(out.length() > 1 ? "," : "").append('"').append(value).append('"');
        return out.append(']').toString();
    }

    static String quoted(Map<?, ?> values)
    {
        StringBuilder out = new StringBuilder("{");
        for (Map.Entry<?, ?> value : values.entrySet())
            out.append(out.length() > 1 ? "," : "").append('"').append(value.getKey()).append("\":").append('"').append(value.getValue()).append('"');
        return out.append('}').toString();
    }

    /** A plan as text, or the numbers and the text of the error. */
    static String attempt(Supplier<String> plan)
    {
        try
        {
            return plan.get();
        }
        catch (UnavailableException e)
        {
            return "!" + e.required + "/" + e.alive + "/" + e.getMessage();
        }
        catch (UnsupportedOperationException e)
        {
            return "!" + e.getMessage();
        }
    }

    static Token token(long value)
    {
        return new Murmur3Partitioner.LongToken(value);
    }

    static List<Token> tokensOf(Iterable<Long> values)
    {
        List<Token> tokens = new ArrayList<>();
        for (long value : values)
            tokens.add(token(value));
        return tokens;
    }

    static void set(Object target, String name, Object value) throws Exception
    {
        for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass())
        {
            for (Field field : type.getDeclaredFields())
            {
                if (!field.getName().equals(name))
                    continue;
                field.setAccessible(true);
                field.set(target, value);
                return;
            }
        }
        throw new NoSuchFieldException(name);
    }

    /** A keyspace of a strategy and a name, and nothing else: plans ask for no more. */
    static Keyspace keyspace(AbstractReplicationStrategy strategy) throws Exception
    {
        Field field = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        Keyspace keyspace = (Keyspace) ((sun.misc.Unsafe) field.get(null)).allocateInstance(Keyspace.class);
        set(keyspace, "replicationStrategy", strategy);
        set(keyspace, "metadata", KeyspaceMetadata.create(nameOf(strategy), KeyspaceParams.simple(1)));
        return keyspace;
    }

    /** What is local has no pending ranges, so it has a name of its own. */
    static String nameOf(AbstractReplicationStrategy strategy)
    {
        return strategy instanceof LocalStrategy ? "local" : "ks";
    }

    static AbstractReplicationStrategy strategy(Map<String, String> replication)
    {
        Map<String, String> options = new HashMap<>(replication);
        String name = options.remove("class");
        TokenMetadata metadata = StorageService.instance.getTokenMetadata();
        if (name.endsWith(".LocalStrategy"))
            return new LocalStrategy("ks", metadata, DatabaseDescriptor.getEndpointSnitch(), options);
        return name.endsWith(".SimpleStrategy")
               ? new SimpleStrategy("ks", metadata, DatabaseDescriptor.getEndpointSnitch(), options)
               : new NetworkTopologyStrategy("ks", metadata, DatabaseDescriptor.getEndpointSnitch(), options);
    }

    static List<Map<String, String>> replications(Random random, int datacenters)
    {
        List<Map<String, String>> all = new ArrayList<>();
        for (int factor = 1; factor <= 5; factor += 2)
        {
            Map<String, String> simple = new LinkedHashMap<>();
            simple.put("class", "org.apache.cassandra.locator.SimpleStrategy");
            simple.put("replication_factor", String.valueOf(factor));
            all.add(simple);
        }
        all.add(Collections.singletonMap("class", "org.apache.cassandra.locator.LocalStrategy"));
        for (int i = 0; i < 3; i++)
        {
            Map<String, String> network = new LinkedHashMap<>();
            network.put("class", "org.apache.cassandra.locator.NetworkTopologyStrategy");
            for (int dc = 1; dc <= datacenters; dc++)
                if (i < 2 || random.nextBoolean())
                    network.put("dc" + dc, String.valueOf(i == 0 ? 3 : 1 + random.nextInt(4)));
            if (network.size() > 1)
                all.add(network);
        }
        return all;
    }

    static String write(AbstractReplicationStrategy strategy, ReplicaLayout.ForTokenWrite layout, ConsistencyLevel level, ReplicaPlans.Selector selector)
    {
        return attempt(() -> {
            ReplicaPlan.ForWrite plan = ReplicaPlans.forWrite(null, level, layout, selector);
            return plan.writeQuorum() + ":" + digits(plan.contacts()) + ":" + digits(plan.live()) + ":" + digits(plan.pending());
        });
    }

    static String read(ReplicaPlan.ForTokenRead plan)
    {
        return plan.readQuorum() + ":" + digits(plan.readCandidates()) + ":" + digits(plan.contacts());
    }

    @SuppressWarnings("unchecked")
    static String ranges(Keyspace keyspace, ConsistencyLevel level) throws Exception
    {
        String room = "org.apache.cassandra.service.reads.range.";
        Constructor<?> pieces = Class.forName(room + "ReplicaPlanIterator").getDeclaredConstructor(AbstractBounds.class, Index.QueryPlan.class, Keyspace.class, ConsistencyLevel.class);
        Constructor<?> merger = Class.forName(room + "ReplicaPlanMerger").getDeclaredConstructor(Iterator.class, Keyspace.class, ConsistencyLevel.class);
        pieces.setAccessible(true);
        merger.setAccessible(true);
        AbstractBounds<PartitionPosition> all = DataRange.allData(PARTITIONER).keyRange();
        List<String> plans = new ArrayList<>();
        String end = attempt(() -> {
            try
            {
                Iterator<ReplicaPlan.ForRangeRead> merged = (Iterator<ReplicaPlan.ForRangeRead>) merger.newInstance(pieces.newInstance(all, null, keyspace, level), keyspace, level);
                while (merged.hasNext())
                {
                    ReplicaPlan.ForRangeRead plan = merged.next();
                    plans.add(digits(plan.readCandidates()) + ":" + digits(plan.contacts()) + ":" + plan.vnodeCount() + ":" + plan.range().right.getToken());
                }
                return ".";
            }
            catch (ReflectiveOperationException e)
            {
                throw new IllegalStateException(e);
            }
        });
        if (!end.equals("."))
            plans.add(end);
        return quoted(plans);
    }

    static String cases(Random random, AbstractReplicationStrategy strategy, Keyspace keyspace, List<Long> positions, int local) throws Exception
    {
        List<String> cases = new ArrayList<>();
        TokenMetadata metadata = StorageService.instance.getTokenMetadata();
        if (!(strategy instanceof LocalStrategy))
            metadata.calculatePendingRanges(strategy, "ks");
        for (int i = 0; i < 4; i++)
        {
            StringBuilder dead = new StringBuilder();
            for (int node = 0; node < endpoints.size(); node++)
            {
                EndpointState state = new EndpointState(HeartBeatState.empty());
                state.markAlive();
                if (node != local && random.nextInt(6) < i)
                {
                    state.markDead();
                    dead.append(Integer.toString(node, 36));
                }
                Gossiper.instance.endpointStateMap.put(endpoints.get(node), state);
            }
            long position = positions.get(random.nextInt(positions.size()));
            Token token = token(position);
            EndpointsForToken natural = strategy.getNaturalReplicasForToken(token);
            ReplicaLayout.ForTokenWrite layout = ReplicaLayout.forTokenWrite(strategy, natural, metadata.pendingEndpointsForToken(token, nameOf(strategy)));
            Map<String, String> writes = new LinkedHashMap<>();
            Map<String, String> reads = new LinkedHashMap<>();
            Map<String, String> always = new LinkedHashMap<>();
            Map<String, String> repairs = new LinkedHashMap<>();
            StringBuilder ranges = new StringBuilder("{");
            for (ConsistencyLevel level : LEVELS)
            {
                writes.put(level.name(), write(strategy, layout, level, ReplicaPlans.writeNormal));
                reads.put(level.name(), attempt(() -> read(ReplicaPlans.forRead(keyspace, token, null, level, NeverSpeculativeRetryPolicy.INSTANCE))));
                always.put(level.name(), attempt(() -> read(ReplicaPlans.forRead(keyspace, token, null, level, AlwaysSpeculativeRetryPolicy.INSTANCE))));
                if (!reads.get(level.name()).startsWith("!"))
                    repairs.put(level.name(), write(strategy, layout, level, ReplicaPlans.writeReadRepair(ReplicaPlans.forRead(keyspace, token, null, level, NeverSpeculativeRetryPolicy.INSTANCE))));
                if (level != ConsistencyLevel.NODE_LOCAL && level != ConsistencyLevel.ANY)
                    ranges.append(ranges.length() > 1 ? "," : "").append("\"" + level + "\":" + ranges(keyspace, level));
            }
            Map<String, String> paxos = new LinkedHashMap<>();
            for (ConsistencyLevel level : new ConsistencyLevel[]{ ConsistencyLevel.SERIAL, ConsistencyLevel.LOCAL_SERIAL })
            {
                paxos.put(level.name(), attempt(() -> {
                    ReplicaPlan.ForPaxosWrite plan = ReplicaPlans.forPaxos(keyspace, new BufferDecoratedKey(token, ByteBuffer.allocate(1)), level);
                    return plan.requiredParticipants() + ":" + digits(plan.contacts()) + ":" + digits(plan.liveAndDown()) + ":" + digits(plan.pending());
                }));
            }
            cases.add("{\"dead\":\"" + dead + "\",\"token\":\"" + position + "\",\"write\":" + quoted(writes) + ",\"read\":" + quoted(reads) + ",\"always\":" + quoted(always)
                      + ",\"repair\":" + quoted(repairs) + ",\"paxos\":" + quoted(paxos) + ",\"ranges\":" + ranges + "}}");
        }
        return "[" + String.join(",\n", cases) + "]";
    }

    /** All that ReplicaPlans picks for a batchlog, of the nodes of the local data centre, in many draws. */
    static String batchlogs(Random random, int local)
    {
        List<String> cases = new ArrayList<>();
        Multimap<String, InetAddressAndPort> nodes = LinkedHashMultimap.create();
        String[] here = places.get(endpoints.get(local));
        for (InetAddressAndPort endpoint : endpoints)
            if (places.get(endpoint)[0].equals(here[0]) && StorageService.instance.getTokenMetadata().isMember(endpoint))
                nodes.put(places.get(endpoint)[1], endpoint);
        for (int i = 0; i < 4; i++)
        {
            TreeSet<String> dead = new TreeSet<>();
            for (int node = 0; node < endpoints.size(); node++)
                if (node != local && random.nextInt(6) < i)
                    dead.add(Integer.toString(node, 36));
            for (boolean preferLocalRack : new boolean[]{ false, true })
            {
                TreeSet<String> picked = new TreeSet<>();
                for (int draw = 0; draw < 2000; draw++)
                {
                    TreeSet<String> chosen = new TreeSet<>();
                    for (InetAddressAndPort endpoint : ReplicaPlans.filterBatchlogEndpointsRandom(preferLocalRack, here[1], nodes, list -> Collections.shuffle(list, random), endpoint -> !dead.contains(digit(endpoint)), random::nextInt))
                        chosen.add(digit(endpoint));
                    picked.add(String.join("", chosen));
                }
                cases.add("{\"dead\":\"" + String.join("", dead) + "\",\"preferLocalRack\":" + preferLocalRack + ",\"picked\":" + quoted(picked) + "}");
            }
        }
        return "[" + String.join(",", cases) + "]";
    }

    static String ring(long seed) throws Exception
    {
        Random random = new Random(seed);
        TokenMetadata metadata = StorageService.instance.getTokenMetadata();
        metadata.clearUnsafe();
        places.clear();
        endpoints.clear();
        order.clear();
        Gossiper.instance.endpointStateMap.clear();
        int datacenters = 1 + (int) (seed % 3);
        int members = datacenters * (1 + random.nextInt(4));
        int joining = random.nextInt(3);
        List<TreeSet<Long>> tokens = new ArrayList<>();
        TreeSet<Long> taken = new TreeSet<>();
        for (int i = 0; i < members + joining; i++)
        {
            InetAddressAndPort endpoint = InetAddressAndPort.getByName("127.0.1." + (i * 37 % 100 + 1));
            places.put(endpoint, new String[]{ "dc" + (1 + i % datacenters), "r" + (1 + random.nextInt(3)) });
            endpoints.add(endpoint);
            TreeSet<Long> own = new TreeSet<>();
            for (int count = 1 + random.nextInt(3); own.size() < count; )
            {
                long token = random.nextLong();
                if (token != Long.MIN_VALUE && taken.add(token))
                    own.add(token);
            }
            tokens.add(own);
        }
        order.addAll(endpoints);
        Collections.shuffle(order, random);
        int local = random.nextInt(members);
        FBUtilities.setBroadcastInetAddressAndPort(endpoints.get(local));
        DatabaseDescriptor.setLocalDataCenter(places.get(endpoints.get(local))[0]);
        for (int i = 0; i < members; i++)
            metadata.updateNormalTokens(tokensOf(tokens.get(i)), endpoints.get(i));
        for (int i = members; i < members + joining; i++)
            metadata.addBootstrapTokens(tokensOf(tokens.get(i)), endpoints.get(i));
        String leaving = "";
        if (members > 2 && random.nextInt(3) == 0)
        {
            int leaves = random.nextInt(members);
            metadata.addLeavingEndpoint(endpoints.get(leaves));
            leaving = Integer.toString(leaves, 36);
        }

        List<String> strategies = new ArrayList<>();
        for (Map<String, String> replication : replications(random, datacenters))
        {
            AbstractReplicationStrategy strategy = strategy(replication);
            strategies.add("{\"replication\":" + quoted(replication) + ",\"cases\":" + cases(random, strategy, keyspace(strategy), new ArrayList<>(taken), local) + "}");
        }
        List<String> nodes = new ArrayList<>();
        StringBuilder near = new StringBuilder();
        for (int i = 0; i < endpoints.size(); i++)
        {
            String[] place = places.get(endpoints.get(i));
            nodes.add("[\"" + endpoints.get(i).getHostAddressAndPort() + "\",\"" + place[0] + "\",\"" + place[1] + "\"," + quoted(tokens.get(i)) + "]");
            near.append(digit(order.get(i)));
        }
        return "{\"seed\":" + seed + ",\"nodes\":[" + String.join(",", nodes) + "],\"joining\":" + joining + ",\"leaving\":\"" + leaving + "\",\"local\":\"" + Integer.toString(local, 36)
               + "\",\"order\":\"" + near + "\",\"batchlogs\":" + batchlogs(random, local) + ",\"strategies\":[" + String.join(",", strategies) + "]}";
    }

    public static void main(String[] args) throws Exception
    {
        configure(args[1]);
        PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        for (long seed = 0; seed < Integer.parseInt(args[0]); seed++)
            out.println(ring(seed).replace("\n", ""));
        out.flush();
        Runtime.getRuntime().halt(0);
    }
}
