import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executors;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.util.encoders.Hex;

/**
 * A small server of the verification of attached documents, on the JDK's own HTTP server and BouncyCastle.
 *
 * <p>VerifyServer PORT ROOT: it listens on the loopback and trusts the certificate in the file ROOT (DER). It
 * takes the same body as /backend/pkcs7/verify/attached, and verifies the signatures, the paths and the time
 * stamps. It asks nobody for the status of a certificate.
 */
final class VerifyServer {
    private final X509CertificateHolder root;

    private VerifyServer(X509CertificateHolder root) {
        this.root = root;
    }

    public static void main(String[] arguments) throws Exception {
        InetAddress loopback = InetAddress.getByName("127.0.0.1");
        int port = Integer.parseInt(arguments[0]);
        byte[] root = Files.readAllBytes(Path.of(arguments[1]));
        HttpServer server = HttpServer.create(new InetSocketAddress(loopback, port), 0);
        server.createContext("/", new VerifyServer(new X509CertificateHolder(root))::handle);
        server.setExecutor(Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors()));
        server.start();
    }

    private void handle(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        byte[] answer = answer(body).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, answer.length);
        try (OutputStream taken = exchange.getResponseBody()) {
            taken.write(answer);
        }
    }

    private String answer(byte[] body) {
        try {
            CMSSignedData message = new CMSSignedData(Base64.getDecoder().decode(body));
            List<String> signers = new ArrayList<>();
            for (SignerInformation signer : message.getSignerInfos()) {
                signers.add(signer(signer, message));
            }
            byte[] document = (byte[]) message.getSignedContent().getContent();
            return "{\"pkcs7Info\":{\"signers\":["
                    + String.join(",", signers)
                    + "],\"documentBase64\":\""
                    + Base64.getEncoder().encodeToString(document)
                    + "\"},\"status\":1,\"message\":\"\"}";
        } catch (Exception refusal) {
            return "{\"status\":-1,\"message\":" + quoted(refusal.toString()) + "}";
        }
    }

    private String signer(SignerInformation signer, CMSSignedData message) throws Exception {
        Date now = new Date();
        List<Date> stamps = Messages.check(signer, message.getCertificates(), root, now);
        X509CertificateHolder owner = Messages.owner(signer, message.getCertificates());
        return "{\"certificate\":[{\"subjectName\":"
                + quoted(owner.getSubject().toString())
                + ",\"serialNumber\":\""
                + owner.getSerialNumber().toString(16)
                + "\",\"issuerName\":"
                + quoted(owner.getIssuer().toString())
                + ",\"validFrom\":\""
                + owner.getNotBefore().toInstant()
                + "\",\"validTo\":\""
                + owner.getNotAfter().toInstant()
                + "\"}],\"signature\":\""
                + Hex.toHexString(signer.getSignature())
                + "\",\"digest\":\""
                + Hex.toHexString(signer.getContentDigest())
                + "\",\"verified\":true,\"certificateVerified\":true,\"timeStampInfo\":"
                + (stamps.isEmpty() ? "null" : "{\"time\":\"" + stamps.get(0).toInstant() + "\"}")
                + "}";
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
    }
}
