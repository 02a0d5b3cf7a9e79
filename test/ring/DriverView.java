import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.Host;
import com.datastax.driver.core.Metadata;
import com.datastax.driver.core.Token;

/**
 * Prints how the Java driver sees a ring, a line of JSON for each line that it reads: hosts, their tokens and states, and the replicas of
 * keys. Arguments: host, keyspace, keys.
 */
public class DriverView
{
    static String address(Host host)
    {
        return host.getEndPoint().resolve().getAddress().getHostAddress();
    }

    static String quoted(Iterable<String> texts)
    {
        StringBuilder out = new StringBuilder("[");
        for (String text : texts)
            out.append(out.length() > 1 ? "," : "").append('"').append(text).append('"');
        return out.append(']').toString();
    }

    public static void main(String[] arguments) throws Exception
    {
        try (Cluster cluster = Cluster.builder().addContactPoint(arguments[0]).withoutJMXReporting().build())
        {
            cluster.connect();
            BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
            while (lines.readLine() != null)
                System.out.println(view(cluster.getMetadata(), arguments));
        }
    }

    static String view(Metadata metadata, String[] arguments)
    {
        List<String> hosts = new ArrayList<>();
        for (Host host : metadata.getAllHosts())
        {
            TreeSet<String> tokens = new TreeSet<>();
            for (Token token : host.getTokens())
                tokens.add(token.getValue().toString());
            hosts.add("\"" + address(host) + "\":{\"dataCenter\":\"" + host.getDatacenter() + "\",\"rack\":\"" + host.getRack()
                      + "\",\"isUp\":" + host.isUp() + ",\"tokens\":" + quoted(tokens) + "}");
        }
        List<String> replicas = new ArrayList<>();
        for (int i = 2; i < arguments.length; i++)
        {
            TreeSet<String> nodes = new TreeSet<>();
            for (Host host : metadata.getReplicas(arguments[1], ByteBuffer.wrap(arguments[i].getBytes(StandardCharsets.UTF_8))))
                nodes.add(address(host));
            replicas.add("\"" + arguments[i] + "\":" + quoted(nodes));
        }
        return "{\"hosts\":{" + String.join(",", hosts) + "},\"replicas\":{" + String.join(",", replicas) + "}}";
    }
}
