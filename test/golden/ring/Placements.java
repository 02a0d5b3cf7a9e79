import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;

import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.dht.Murmur3Partitioner;
import org.apache.cassandra.dht.Token;
import org.apache.cassandra.locator.AbstractNetworkTopologySnitch;
import org.apache.cassandra.locator.AbstractReplicationStrategy;
import org.apache.cassandra.locator.InetAddressAndPort;
import org.apache.cassandra.locator.NetworkTopologyStrategy;
import org.apache.cassandra.locator.Replica;
import org.apache.cassandra.locator.SimpleStrategy;
import org.apache.cassandra.locator.TokenMetadata;

/**
 * Asks Cassandra's TokenMetadata and its strategies who replicates what in rings of seeded shapes, with nodes that join,
 * leave and move, and writes the answers as JSON to standard output, a ring a line. A node is written as one digit in base 36.
 */
public class Placements
{
    static final class Snitch extends AbstractNetworkTopologySnitch
    {
        final Map<InetAddressAndPort, String[]> places = new HashMap<>();

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
    }

    static final class Shape
    {
        final Random random;
        final Snitch snitch = new Snitch();
        final TokenMetadata metadata;
        final List<InetAddressAndPort> endpoints = new ArrayList<>();
        final List<TreeSet<Long>> tokens = new ArrayList<>();
        final TreeSet<Long> all = new TreeSet<>();

        Shape(long seed)
        {
            random = new Random(seed);
            metadata = new TokenMetadata(snitch);
        }

        /** An address that is one of its own but not in the order of the nodes' numbers. */
        int add(String datacenter, String rack, int vnodes) throws Exception
        {
            int number = endpoints.size();
            InetAddressAndPort endpoint = InetAddressAndPort.getByName("127.0." + datacenter.charAt(2) + "." + (number * 37 % 100 + 1));
            snitch.places.put(endpoint, new String[]{ datacenter, rack });
            endpoints.add(endpoint);
            TreeSet<Long> own = new TreeSet<>();
            while (own.size() < vnodes)
                own.add(freshToken());
            tokens.add(own);
            return number;
        }

        long freshToken()
        {
            // Some of the rings are crowded, so that ranges of one token and neighbours at both ends occur.
            long token = random.nextInt(4) == 0 ? (random.nextBoolean() ? Long.MAX_VALUE : Long.MIN_VALUE + 1) + (random.nextInt(40) - 20)
                                                : random.nextLong();
            if (token == Long.MIN_VALUE || !all.add(token))
                return freshToken();
            return token;
        }

        String digit(InetAddressAndPort endpoint)
        {
            return Integer.toString(endpoints.indexOf(endpoint), 36);
        }
    }

    static List<Token> tokensOf(Iterable<Long> values)
    {
        List<Token> tokens = new ArrayList<>();
        for (long value : values)
            tokens.add(new Murmur3Partitioner.LongToken(value));
        return tokens;
    }

    static String quoted(Iterable<?> values)
    {
        StringBuilder out = new StringBuilder("[");
        for (Object value : values)
            out.append(out.length() > 1 ? "," : "").append('"').append(value).append('"');
        return out.append(']').toString();
    }

    static String quoted(Map<String, String> values)
    {
        StringBuilder out = new StringBuilder("{");
        for (Map.Entry<String, String> value : values.entrySet())
            out.append(out.length() > 1 ? "," : "").append('"').append(value.getKey()).append("\":\"").append(value.getValue()).append('"');
        return out.append('}').toString();
    }

    static AbstractReplicationStrategy strategy(Shape shape, Map<String, String> replication)
    {
        Map<String, String> options = new HashMap<>(replication);
        String name = options.remove("class");
        return name.endsWith("SimpleStrategy")
               ? new SimpleStrategy("ks", shape.metadata, shape.snitch, options)
               : new NetworkTopologyStrategy("ks", shape.metadata, shape.snitch, options);
    }

    static List<Map<String, String>> replications(Shape shape, int datacenters)
    {
        List<Map<String, String>> all = new ArrayList<>();
        for (int factor = 1; factor <= 5; factor += 2)
        {
            Map<String, String> simple = new LinkedHashMap<>();
            simple.put("class", "org.apache.cassandra.locator.SimpleStrategy");
            simple.put("replication_factor", String.valueOf(factor));
            all.add(simple);
        }
        for (int i = 0; i < 4; i++)
        {
            Map<String, String> network = new LinkedHashMap<>();
            network.put("class", "org.apache.cassandra.locator.NetworkTopologyStrategy");
            for (int dc = 1; dc <= datacenters; dc++)
                if (i < 2 || shape.random.nextBoolean())
                    network.put("dc" + dc, String.valueOf(i == 0 ? 3 : 1 + shape.random.nextInt(5)));
            // One that has no node.
            if (i == 3)
                network.put("dc9", "2");
            if (network.size() > 1)
                all.add(network);
        }
        return all;
    }

    static String pending(Shape shape, AbstractReplicationStrategy strategy, TreeSet<Long> positions)
    {
        shape.metadata.calculatePendingRanges(strategy, "ks");
        List<String> answers = new ArrayList<>();
        for (Token position : tokensOf(positions))
        {
            TreeSet<String> nodes = new TreeSet<>();
            for (Replica replica : shape.metadata.pendingEndpointsForToken(position, "ks"))
                nodes.add(shape.digit(replica.endpoint()));
            answers.add(String.join("", nodes));
        }
        return quoted(answers);
    }

    static void ring(PrintWriter out, long seed) throws Exception
    {
        Shape shape = new Shape(seed);
        Random random = shape.random;
        int datacenters = 1 + random.nextInt(3);
        int nodes = Math.max(datacenters, 1 + random.nextInt(12));
        int vnodes = random.nextInt(3) == 0 ? 1 : 1 + random.nextInt(8);
        for (int i = 0; i < nodes; i++)
        {
            int dc = i < datacenters ? i + 1 : 1 + random.nextInt(datacenters);
            // Few racks in some shapes, many in others, and one that is crowded.
            String rack = "r" + (1 + Math.min(random.nextInt(1 + (int) (seed % 5)), random.nextInt(4)));
            shape.add("dc" + dc, rack, random.nextInt(6) == 0 ? 1 + random.nextInt(12) : vnodes);
        }
        for (int i = 0; i < nodes; i++)
            shape.metadata.updateNormalTokens(tokensOf(shape.tokens.get(i)), shape.endpoints.get(i));

        out.print("{\"seed\":" + seed + ",\"nodes\":[");
        TreeSet<Long> ringTokens = new TreeSet<>(shape.all);
        List<Map<String, String>> replications = replications(shape, datacenters);
        List<AbstractReplicationStrategy> strategies = new ArrayList<>();
        StringBuilder answers = new StringBuilder();
        for (Map<String, String> replication : replications)
        {
            AbstractReplicationStrategy strategy = strategy(shape, replication);
            strategies.add(strategy);
            List<String> replicas = new ArrayList<>();
            for (Token token : shape.metadata.sortedTokens())
            {
                StringBuilder digits = new StringBuilder();
                for (Replica replica : strategy.calculateNaturalReplicas(token, shape.metadata))
                    digits.append(shape.digit(replica.endpoint()));
                replicas.add(digits.toString());
            }
            answers.append(answers.length() > 0 ? "," : "").append("{\"replication\":" + quoted(replication) + ",\"replicas\":" + quoted(replicas));
            answers.append(",\"pending\":@" + (strategies.size() - 1) + "@}");
        }
        Map<Token, Float> ownership = new TreeMap<>(Murmur3Partitioner.instance.describeOwnership(shape.metadata.sortedTokens()));

        // One kind of change in a ring, or leaving and joining together.
        int kind = random.nextInt(4);
        StringBuilder changes = new StringBuilder();
        TreeSet<Long> positions = new TreeSet<>(ringTokens);
        List<String> leaving = new ArrayList<>();
        List<String> joining = new ArrayList<>();
        if (kind != 0 && kind != 3 && nodes > 2)
        {
            int leaves = random.nextInt(nodes);
            shape.metadata.addLeavingEndpoint(shape.endpoints.get(leaves));
            leaving.add(Integer.toString(leaves, 36));
        }
        if (kind == 0 || kind == 2)
        {
            for (int i = 0; i < 1 + random.nextInt(2); i++)
            {
                int joins = shape.add("dc" + (1 + random.nextInt(datacenters)), "r" + (1 + random.nextInt(4)), vnodes);
                shape.metadata.addBootstrapTokens(tokensOf(shape.tokens.get(joins)), shape.endpoints.get(joins));
                joining.add(Integer.toString(joins, 36));
                positions.addAll(shape.tokens.get(joins));
            }
        }
        String moving = "null";
        if (kind == 3)
        {
            for (int i = 0; i < nodes; i++)
            {
                if (shape.tokens.get(i).size() != 1)
                    continue;
                long target = shape.freshToken();
                shape.metadata.addMovingEndpoint(new Murmur3Partitioner.LongToken(target), shape.endpoints.get(i));
                moving = "[\"" + Integer.toString(i, 36) + "\",\"" + target + "\"]";
                positions.add(target);
                break;
            }
        }
        changes.append("{\"leaving\":" + quoted(leaving) + ",\"joining\":" + quoted(joining) + ",\"moving\":" + moving);
        changes.append(",\"positions\":" + quoted(positions) + "}");
        String answered = answers.toString();
        for (int i = 0; i < strategies.size(); i++)
            answered = answered.replace("@" + i + "@", pending(shape, strategies.get(i), positions));

        for (int i = 0; i < shape.endpoints.size(); i++)
        {
            String[] place = shape.snitch.places.get(shape.endpoints.get(i));
            out.print((i > 0 ? "," : "") + "[\"" + shape.endpoints.get(i).getHostAddressAndPort() + "\",\"" + place[0] + "\",\"" + place[1] + "\"," + quoted(shape.tokens.get(i)) + "]");
        }
        out.println("],\"ownership\":" + ownership.values() + ",\"changes\":" + changes + ",\"strategies\":[" + answered + "]}");
    }

    public static void main(String[] args) throws Exception
    {
        DatabaseDescriptor.clientInitialization();
        DatabaseDescriptor.setPartitionerUnsafe(Murmur3Partitioner.instance);
        PrintWriter out = new PrintWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        for (long seed = 0; seed < Integer.parseInt(args[0]); seed++)
            ring(out, seed);
        out.flush();
        Runtime.getRuntime().halt(0);
    }
}
