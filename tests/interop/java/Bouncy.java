import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * BouncyCastle as an oracle: a call on each line of the standard input, an answer on each line of the output.
 *
 * <p>A call is the name of an operation and its arguments, an answer "yes" and its results, or "no" and the
 * reason. Blanks separate the words. Arguments, results and reasons are bytes in Base64, and "-" is empty.
 */
final class Bouncy {
    private interface Operation {
        List<byte[]> call(List<byte[]> arguments) throws Exception;
    }

    private static final Map<String, Operation> OPERATIONS =
            Map.ofEntries(
                    Map.entry("check-message", Checking::message),
                    Map.entry("check-path", Checking::path),
                    Map.entry("check-time-stamp", Checking::timeStamp),
                    Map.entry("check-status", Checking::status),
                    Map.entry("check-list", Checking::list),
                    Map.entry("make-message", Making::message),
                    Map.entry("make-chain", Making::chain),
                    Map.entry("make-time-stamp", Making::timeStamp),
                    Map.entry("make-status-request", Making::statusRequest),
                    Map.entry("make-status", Making::status),
                    Map.entry("make-list", Making::list),
                    Map.entry("encrypt-stream", Streams::encrypt));

    private Bouncy() {}

    public static void main(String[] unused) throws Exception {
        BufferedReader calls =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.US_ASCII);
        for (String line = calls.readLine(); line != null; line = calls.readLine()) {
            answers.println(answer(line.split(" ")));
            answers.flush();
        }
    }

    private static String answer(String[] words) {
        List<byte[]> arguments = new ArrayList<>();
        for (int index = 1; index < words.length; index++) {
            arguments.add(words[index].equals("-") ? new byte[0] : Base64.getDecoder().decode(words[index]));
        }
        try {
            return line("yes", OPERATIONS.get(words[0]).call(arguments));
        } catch (Exception refusal) {
            return line("no", List.of(reason(refusal).getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static String reason(Throwable refusal) {
        String cause = refusal.getCause() == null ? "" : "; " + reason(refusal.getCause());
        return refusal + cause;
    }

    private static String line(String first, List<byte[]> results) {
        StringBuilder line = new StringBuilder(first);
        for (byte[] result : results) {
            line.append(' ').append(result.length == 0 ? "-" : Base64.getEncoder().encodeToString(result));
        }
        return line.toString();
    }
}
