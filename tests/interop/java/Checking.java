import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.ASN1Enumerated;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CRLEntryHolder;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReq;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.CollectionStore;
import org.bouncycastle.util.Store;

/** What others made: BouncyCastle reads and verifies it. Times are seconds since 1970, as text. */
final class Checking {

    private Checking() {}

    static String text(byte[] argument) {
        return new String(argument, StandardCharsets.UTF_8);
    }

    static byte[] bytes(Object text) {
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    static Date time(byte[] seconds) {
        return new Date(1000 * Long.parseLong(text(seconds)));
    }

    /** Message, root, time, and the document of a detached one: document, signers, time stamps. */
    static List<byte[]> message(List<byte[]> arguments) throws Exception {
        X509CertificateHolder root = new X509CertificateHolder(arguments.get(1));
        Date time = time(arguments.get(2));
        CMSSignedData message =
                arguments.size() == 3
                        ? new CMSSignedData(arguments.get(0))
                        : new CMSSignedData(new CMSProcessableByteArray(arguments.get(3)), arguments.get(0));
        int stamps = 0;
        for (SignerInformation signer : message.getSignerInfos()) {
            stamps += Messages.check(signer, message.getCertificates(), root, time).size();
        }
        byte[] document = (byte[]) message.getSignedContent().getContent();
        return List.of(document, bytes(message.getSignerInfos().size()), bytes(stamps));
    }

    /** Root, time, and a chain, leaf first: the length of the path. */
    static List<byte[]> path(List<byte[]> arguments) throws Exception {
        List<X509CertificateHolder> chain = new ArrayList<>();
        for (byte[] shown : arguments.subList(2, arguments.size())) {
            chain.add(new X509CertificateHolder(shown));
        }
        X509CertificateHolder root = new X509CertificateHolder(arguments.get(0));
        Store<X509CertificateHolder> store = new CollectionStore<>(chain);
        return List.of(bytes(Messages.findPath(chain.get(0), store, root, time(arguments.get(1)))));
    }

    /** Request, answer, root: the time that was stamped, and the policy. */
    static List<byte[]> timeStamp(List<byte[]> arguments) throws Exception {
        TimeStampResponse answer = new TimeStampResponse(arguments.get(1));
        answer.validate(new TimeStampRequest(arguments.get(0)));
        TimeStampToken token = answer.getTimeStampToken();
        if (token == null) {
            throw new Refusal("the authority refused: " + answer.getStatusString());
        }
        Messages.checkToken(token, new X509CertificateHolder(arguments.get(2)));
        long seconds = token.getTimeStampInfo().getGenTime().getTime() / 1000;
        return List.of(bytes(seconds), bytes(token.getTimeStampInfo().getPolicy()));
    }

    /** Request, answer, issuer: "good", "unknown", or "revoked" and the number of the reason. */
    static List<byte[]> status(List<byte[]> arguments) throws Exception {
        OCSPReq request = new OCSPReq(arguments.get(0));
        OCSPResp answer = new OCSPResp(arguments.get(1));
        if (answer.getStatus() != OCSPResp.SUCCESSFUL) {
            throw new Refusal("the responder refused with " + answer.getStatus());
        }
        BasicOCSPResp basic = (BasicOCSPResp) answer.getResponseObject();
        if (!basic.isSignatureValid(verifierOf(responder(basic, new X509CertificateHolder(arguments.get(2)))))) {
            throw new Refusal("the signature is wrong");
        }
        Extension asked = request.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
        if (asked != null && !asked.equals(basic.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce))) {
            throw new Refusal("the nonce is another one");
        }
        SingleResp single = basic.getResponses()[0];
        if (!single.getCertID().equals(request.getRequestList()[0].getCertID())) {
            throw new Refusal("the answer is about another certificate");
        }
        return List.of(bytes(word(single.getCertStatus())));
    }

    private static String word(CertificateStatus status) {
        if (status == CertificateStatus.GOOD) {
            return "good";
        }
        return status instanceof RevokedStatus revoked ? "revoked " + revoked.getRevocationReason() : "unknown";
    }

    private static X509CertificateHolder responder(BasicOCSPResp answer, X509CertificateHolder issuer)
            throws Exception {
        if (answer.getCerts().length == 0) {
            return issuer;
        }
        X509CertificateHolder delegate = answer.getCerts()[0];
        if (!delegate.isSignatureValid(verifierOf(issuer))) {
            throw new Refusal("the issuer has not certified the responder");
        }
        ExtendedKeyUsage purposes = ExtendedKeyUsage.fromExtensions(delegate.getExtensions());
        if (purposes == null || !purposes.hasKeyPurposeId(KeyPurposeId.id_kp_OCSPSigning)) {
            throw new Refusal("the certificate is not a responder's");
        }
        return delegate;
    }

    private static ContentVerifierProvider verifierOf(X509CertificateHolder signer) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider(Messages.PROVIDER).build(Messages.certificate(signer));
    }

    /** List, issuer, serial: the number of the reason, or nothing for a certificate that is not on it. */
    static List<byte[]> list(List<byte[]> arguments) throws Exception {
        X509CRLHolder list = new X509CRLHolder(arguments.get(0));
        if (!list.isSignatureValid(verifierOf(new X509CertificateHolder(arguments.get(1))))) {
            throw new Refusal("the signature is wrong");
        }
        X509CRLEntryHolder entry = list.getRevokedCertificate(new BigInteger(text(arguments.get(2))));
        if (entry == null) {
            return List.of();
        }
        Extension reason = entry.getExtension(Extension.reasonCode);
        return List.of(bytes(ASN1Enumerated.getInstance(reason.getParsedValue()).getValue()));
    }
}
