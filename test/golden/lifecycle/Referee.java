package org.apache.cassandra.db.lifecycle;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.io.util.File;

/**
 * Apache Cassandra's own transaction logs, for record.js: writes records by its LogRecord and LogReplica, and ends
 * transactions by its LogTransaction. Stands in their package, since they are not public.
 *
 * <pre>
 * write FILE          of each line of FILE, "LOG|RECORD|...", appends records to LOG: "add PREFIX NUMFILES",
 *                     "remove PREFIX NUMFILES", "commit", "abort"
 * recover DIRECTORY.. ends what is in each directory: "true" or "false", and the names of the files that are left
 * list DIRECTORY..    what its file lister makes of each: "final NAME" and "temporary NAME", or "error"
 * </pre>
 */
public class Referee
{
    public static void main(String[] args) throws Exception
    {
        DatabaseDescriptor.clientInitialization();
        List<String> rest = Arrays.asList(args).subList(1, args.length);
        switch (args[0])
        {
            case "write":
                for (String line : Files.readAllLines(Path.of(rest.get(0))))
                    write(Arrays.asList(line.split("\\|")));
                break;
            case "recover":
                for (String directory : rest)
                    recover(directory);
                break;
            case "list":
                for (String directory : rest)
                    list(directory);
                break;
            default:
                throw new IllegalArgumentException(args[0]);
        }
        System.exit(0);
    }

    private static void write(List<String> words)
    {
        File log = new File(words.get(0));
        LogReplica replica = LogReplica.create(log.parent(), log.path());
        for (String line : words.subList(1, words.size()))
            replica.append(record(log.parent(), line.split(" ")));
        replica.close();
    }

    private static LogRecord record(File directory, String[] words)
    {
        if (words[0].equals("commit"))
            return LogRecord.makeCommit(System.currentTimeMillis());
        if (words[0].equals("abort"))
            return LogRecord.makeAbort(System.currentTimeMillis());
        String prefix = new File(directory, words[1]).path();
        LogRecord.Type type = LogRecord.Type.fromPrefix(words[0]);
        return LogRecord.make(type, LogRecord.getExistingFiles(prefix), Integer.parseInt(words[2]), prefix);
    }

    private static void recover(String directory)
    {
        String result;
        try
        {
            result = String.valueOf(LogTransaction.removeUnfinishedLeftovers(List.of(new File(directory))));
        }
        catch (Throwable t)
        {
            result = "false";
        }
        String left = Arrays.stream(new File(directory).tryList()).map(File::name).sorted().collect(Collectors.joining(" "));
        System.out.println("@ " + result + " " + left);
    }

    private static void list(String directory) throws Exception
    {
        List<String> found = new ArrayList<>();
        try
        {
            new LogAwareFileLister(Path.of(directory), (file, type) -> {
                found.add(type.name().toLowerCase() + ":" + file.name());
                return true;
            }, org.apache.cassandra.db.Directories.OnTxnErr.IGNORE).list();
        }
        catch (Throwable t)
        {
            found.clear();
            found.add("error");
        }
        System.out.println("@ " + found.stream().sorted().collect(Collectors.joining(" ")));
    }
}
