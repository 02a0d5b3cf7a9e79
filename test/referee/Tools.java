import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.security.Permission;

/**
 * Runs Cassandra's SSTable tools one after another in one virtual machine, by their main methods: a tool alone takes two
 * seconds to start. Arguments: a node's directory, and a directory for what the tools say. Standard input has a run a line:
 * class and arguments, with tabs between them. Run n's output goes to the files n.out and n.err; for each the exit status
 * is printed.
 */
public class Tools
{
    static final class Exit extends SecurityException
    {
        final int status;

        Exit(int status)
        {
            super("exit " + status);
            this.status = status;
        }
    }

    public static void main(String[] args) throws Exception
    {
        System.setProperty("cassandra.config", "file://" + args[0] + "/conf/cassandra.yaml");
        System.setProperty("cassandra.storagedir", args[0] + "/data");
        System.setProperty("org.apache.cassandra.tools.UtilALLOW_TOOL_REINIT_FOR_TEST", "true");
        PrintStream out = System.out;
        PrintStream err = System.err;
        System.setSecurityManager(new SecurityManager()
        {
            @Override
            public void checkPermission(Permission permission)
            {
            }

            @Override
            public void checkPermission(Permission permission, Object context)
            {
            }

            @Override
            public void checkExit(int status)
            {
                throw new Exit(status);
            }
        });
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        int n = 0;
        for (String line = in.readLine(); line != null; line = in.readLine(), n++)
        {
            String[] words = line.split("\t");
            String[] rest = new String[words.length - 1];
            System.arraycopy(words, 1, rest, 0, rest.length);
            int status = 0;
            try (PrintStream toOut = new PrintStream(new FileOutputStream(args[1] + "/" + n + ".out"), false, "UTF-8");
                 PrintStream toErr = new PrintStream(new FileOutputStream(args[1] + "/" + n + ".err"), false, "UTF-8"))
            {
                System.setOut(toOut);
                System.setErr(toErr);
                try
                {
                    Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) rest);
                }
                catch (InvocationTargetException e)
                {
                    Throwable cause = e.getCause();
                    if (cause instanceof Exit)
                        status = ((Exit) cause).status;
                    else
                    {
                        status = -1;
                        cause.printStackTrace(toErr);
                    }
                }
                finally
                {
                    System.setOut(out);
                    System.setErr(err);
                }
            }
            out.println(status);
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }
}
