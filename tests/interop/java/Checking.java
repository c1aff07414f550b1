import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Enumerated;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.cert.X509CRLEntryHolder;
import org.bouncycastle.cert.X509CRLHolder;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.ocsp.BasicOCSPResp;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReq;
import org.bouncycastle.cert.ocsp.OCSPResp;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cert.ocsp.SingleResp;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentVerifierProvider;
import org.bouncycastle.operator.jcajce.JcaContentVerifierProviderBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampResponse;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.CollectionStore;
import org.bouncycastle.util.Store;

/** What others made: BouncyCastle reads and verifies it. Times are seconds since 1970, as text. */
final class Checking {
    static final BouncyCastleProvider PROVIDER = National.provider();
    private static final int MAX_PATH = 8;

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

    static X509Certificate certificate(X509CertificateHolder holder) throws Exception {
        return new JcaX509CertificateConverter().setProvider(PROVIDER).getCertificate(holder);
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
            X509CertificateHolder owner = owner(signer, message.getCertificates());
            if (!signer.verify(verifier(owner))) {
                throw new Bouncy.Refusal("the signature is wrong");
            }
            findPath(owner, message.getCertificates(), root, time);
            stamps += checkStamps(signer, root);
        }
        byte[] document = (byte[]) message.getSignedContent().getContent();
        return List.of(document, bytes(message.getSignerInfos().size()), bytes(stamps));
    }

    private static int checkStamps(SignerInformation signer, X509CertificateHolder root) throws Exception {
        AttributeTable unsigned = signer.getUnsignedAttributes();
        Attribute stamps = unsigned == null ? null : unsigned.get(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken);
        if (stamps == null) {
            return 0;
        }
        for (ASN1Encodable value : stamps.getAttrValues()) {
            TimeStampToken token = new TimeStampToken(ContentInfo.getInstance(value));
            checkToken(token, root);
            String algorithm = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
            byte[] imprint = MessageDigest.getInstance(algorithm, PROVIDER).digest(signer.getSignature());
            if (!Arrays.equals(imprint, token.getTimeStampInfo().getMessageImprintDigest())) {
                throw new Bouncy.Refusal("the time stamp is of another signature");
            }
        }
        return stamps.getAttrValues().size();
    }

    private static void checkToken(TimeStampToken token, X509CertificateHolder root) throws Exception {
        SignerInformation signer = token.toCMSSignedData().getSignerInfos().iterator().next();
        X509CertificateHolder owner = owner(signer, token.getCertificates());
        token.validate(verifier(owner));
        findPath(owner, token.getCertificates(), root, token.getTimeStampInfo().getGenTime());
    }

    private static X509CertificateHolder owner(SignerInformation signer, Store<X509CertificateHolder> shown)
            throws Bouncy.Refusal {
        @SuppressWarnings("unchecked")
        Collection<X509CertificateHolder> found = shown.getMatches(signer.getSID());
        if (found.size() != 1) {
            throw new Bouncy.Refusal("the message has " + found.size() + " certificates of its signer");
        }
        return found.iterator().next();
    }

    private static SignerInformationVerifier verifier(X509CertificateHolder owner) throws Exception {
        return new JcaSignerInfoVerifierBuilder(
                        new JcaDigestCalculatorProviderBuilder().setProvider(PROVIDER).build())
                .setProvider(PROVIDER)
                .setSignatureAlgorithmNameGenerator(National.names())
                .build(certificate(owner));
    }

    /** Root, time, and a chain, leaf first: the length of the path. */
    static List<byte[]> path(List<byte[]> arguments) throws Exception {
        List<X509CertificateHolder> chain = new ArrayList<>();
        for (byte[] shown : arguments.subList(2, arguments.size())) {
            chain.add(new X509CertificateHolder(shown));
        }
        X509CertificateHolder root = new X509CertificateHolder(arguments.get(0));
        Store<X509CertificateHolder> store = new CollectionStore<>(chain);
        return List.of(bytes(findPath(chain.get(0), store, root, time(arguments.get(1)))));
    }

    /** Put the path together by names: see the tests for what keeps CertPathBuilder from it. */
    private static int findPath(
            X509CertificateHolder leaf, Store<X509CertificateHolder> shown, X509CertificateHolder root, Date time)
            throws Exception {
        List<X509Certificate> path = new ArrayList<>();
        X509CertificateHolder link = leaf;
        while (link != null && path.size() < MAX_PATH) {
            path.add(certificate(link));
            link = link.getIssuer().equals(root.getSubject()) ? null : issuer(link, shown);
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(certificate(root), null)));
        parameters.setRevocationEnabled(false);
        parameters.setDate(time);
        CertPathValidator.getInstance("PKIX", PROVIDER)
                .validate(CertificateFactory.getInstance("X.509", PROVIDER).generateCertPath(path), parameters);
        return path.size();
    }

    private static X509CertificateHolder issuer(X509CertificateHolder link, Store<X509CertificateHolder> shown) {
        for (X509CertificateHolder one : shown.getMatches(null)) {
            if (one.getSubject().equals(link.getIssuer())) {
                return one;
            }
        }
        return null;
    }

    /** Request, answer, root: the time that was stamped, and the policy. */
    static List<byte[]> timeStamp(List<byte[]> arguments) throws Exception {
        TimeStampResponse answer = new TimeStampResponse(arguments.get(1));
        answer.validate(new TimeStampRequest(arguments.get(0)));
        TimeStampToken token = answer.getTimeStampToken();
        if (token == null) {
            throw new Bouncy.Refusal("the authority refused: " + answer.getStatusString());
        }
        checkToken(token, new X509CertificateHolder(arguments.get(2)));
        long seconds = token.getTimeStampInfo().getGenTime().getTime() / 1000;
        return List.of(bytes(seconds), bytes(token.getTimeStampInfo().getPolicy()));
    }

    /** Request, answer, issuer: "good", "unknown", or "revoked" and the number of the reason. */
    static List<byte[]> status(List<byte[]> arguments) throws Exception {
        OCSPReq request = new OCSPReq(arguments.get(0));
        OCSPResp answer = new OCSPResp(arguments.get(1));
        if (answer.getStatus() != OCSPResp.SUCCESSFUL) {
            throw new Bouncy.Refusal("the responder refused with " + answer.getStatus());
        }
        BasicOCSPResp basic = (BasicOCSPResp) answer.getResponseObject();
        if (!basic.isSignatureValid(verifierOf(responder(basic, new X509CertificateHolder(arguments.get(2)))))) {
            throw new Bouncy.Refusal("the signature is wrong");
        }
        Extension asked = request.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
        if (asked != null && !asked.equals(basic.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce))) {
            throw new Bouncy.Refusal("the nonce is another one");
        }
        SingleResp single = basic.getResponses()[0];
        if (!single.getCertID().equals(request.getRequestList()[0].getCertID())) {
            throw new Bouncy.Refusal("the answer is about another certificate");
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
            throw new Bouncy.Refusal("the issuer has not certified the responder");
        }
        ExtendedKeyUsage purposes = ExtendedKeyUsage.fromExtensions(delegate.getExtensions());
        if (purposes == null || !purposes.hasKeyPurposeId(KeyPurposeId.id_kp_OCSPSigning)) {
            throw new Bouncy.Refusal("the certificate is not a responder's");
        }
        return delegate;
    }

    private static ContentVerifierProvider verifierOf(X509CertificateHolder signer) throws Exception {
        return new JcaContentVerifierProviderBuilder().setProvider(PROVIDER).build(certificate(signer));
    }

    /** List, issuer, serial: the number of the reason, or nothing for a certificate that is not on it. */
    static List<byte[]> list(List<byte[]> arguments) throws Exception {
        X509CRLHolder list = new X509CRLHolder(arguments.get(0));
        if (!list.isSignatureValid(verifierOf(new X509CertificateHolder(arguments.get(1))))) {
            throw new Bouncy.Refusal("the signature is wrong");
        }
        X509CRLEntryHolder entry = list.getRevokedCertificate(new BigInteger(text(arguments.get(2))));
        if (entry == null) {
            return List.of();
        }
        Extension reason = entry.getExtension(Extension.reasonCode);
        return List.of(bytes(ASN1Enumerated.getInstance(reason.getParsedValue()).getValue()));
    }
}
