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
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationVerifier;
import org.bouncycastle.cms.jcajce.JcaSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.Store;

/** Signed messages, as BouncyCastle verifies them: signatures, paths and time stamps. */
final class Messages {
    static final BouncyCastleProvider PROVIDER = National.provider();
    private static final int MAX_PATH = 8;

    private Messages() {}

    static X509Certificate certificate(X509CertificateHolder holder) throws Exception {
        return new JcaX509CertificateConverter().setProvider(PROVIDER).getCertificate(holder);
    }

    /** Verify a signer of a message at a time, and return the times of the time stamps beside the signature. */
    static List<Date> check(
            SignerInformation signer, Store<X509CertificateHolder> shown, X509CertificateHolder root, Date time)
            throws Exception {
        X509CertificateHolder owner = owner(signer, shown);
        if (!signer.verify(verifier(owner))) {
            throw new Refusal("the signature is wrong");
        }
        findPath(owner, shown, root, time);
        return checkStamps(signer, root);
    }

    private static List<Date> checkStamps(SignerInformation signer, X509CertificateHolder root) throws Exception {
        AttributeTable unsigned = signer.getUnsignedAttributes();
        Attribute stamps = unsigned == null ? null : unsigned.get(PKCSObjectIdentifiers.id_aa_signatureTimeStampToken);
        if (stamps == null) {
            return List.of();
        }
        List<Date> times = new ArrayList<>();
        for (ASN1Encodable value : stamps.getAttrValues()) {
            TimeStampToken token = new TimeStampToken(ContentInfo.getInstance(value));
            checkToken(token, root);
            String algorithm = token.getTimeStampInfo().getMessageImprintAlgOID().getId();
            byte[] imprint = MessageDigest.getInstance(algorithm, PROVIDER).digest(signer.getSignature());
            if (!Arrays.equals(imprint, token.getTimeStampInfo().getMessageImprintDigest())) {
                throw new Refusal("the time stamp is of another signature");
            }
            times.add(token.getTimeStampInfo().getGenTime());
        }
        return times;
    }

    static void checkToken(TimeStampToken token, X509CertificateHolder root) throws Exception {
        SignerInformation signer = token.toCMSSignedData().getSignerInfos().iterator().next();
        X509CertificateHolder owner = owner(signer, token.getCertificates());
        token.validate(verifier(owner));
        findPath(owner, token.getCertificates(), root, token.getTimeStampInfo().getGenTime());
    }

    static X509CertificateHolder owner(SignerInformation signer, Store<X509CertificateHolder> shown)
            throws Refusal {
        @SuppressWarnings("unchecked")
        Collection<X509CertificateHolder> found = shown.getMatches(signer.getSID());
        if (found.size() != 1) {
            throw new Refusal("the message has " + found.size() + " certificates of its signer");
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

    /** Put the path together by names: see the tests for what keeps CertPathBuilder from it. */
    static int findPath(
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
}
