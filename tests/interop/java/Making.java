import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cmp.PKIStatus;
import org.bouncycastle.asn1.cmp.PKIStatusInfo;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.cms.Time;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.tsp.TimeStampResp;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509ExtensionUtils;
import org.bouncycastle.cert.X509v2CRLBuilder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.ocsp.BasicOCSPRespBuilder;
import org.bouncycastle.cert.ocsp.CertificateID;
import org.bouncycastle.cert.ocsp.CertificateStatus;
import org.bouncycastle.cert.ocsp.OCSPReq;
import org.bouncycastle.cert.ocsp.OCSPReqBuilder;
import org.bouncycastle.cert.ocsp.OCSPRespBuilder;
import org.bouncycastle.cert.ocsp.Req;
import org.bouncycastle.cert.ocsp.RevokedStatus;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.CMSSignedDataStreamGenerator;
import org.bouncycastle.cms.CMSSignedGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.SignerInfoGenerator;
import org.bouncycastle.cms.SignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.DigestCalculator;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.tsp.TimeStampRequest;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.tsp.TimeStampTokenGenerator;
import org.bouncycastle.util.CollectionStore;

/**
 * What others read: BouncyCastle makes it. A key is a PrivateKeyInfo (RFC 5208). A family is 0 for 2009 and 1 for
 * 2024, a curve 0 to 2.
 */
final class Making {
    private static final BouncyCastleProvider PROVIDER = Messages.PROVIDER;
    private static final long HOUR = 3_600_000;
    private static final String[] CURVE_NAMES = {
        "GostR3410-2001-CryptoPro-A", "GostR3410-2001-CryptoPro-B", "GostR3410-2001-CryptoPro-C"
    };

    private Making() {}

    private static int number(byte[] argument) {
        return Integer.parseInt(Checking.text(argument));
    }

    private static National.Family family(byte[] number) {
        return National.FAMILIES.get(number(number));
    }

    private static PrivateKey key(byte[] info) throws Exception {
        return BouncyCastleProvider.getPrivateKey(PrivateKeyInfo.getInstance(info));
    }

    private static DigestCalculatorProvider digests() throws Exception {
        return new JcaDigestCalculatorProviderBuilder().setProvider(PROVIDER).build();
    }

    private static DigestCalculator sha1() throws Exception {
        return digests().get(CertificateID.HASH_SHA1);
    }

    /** A key that signs under the identifiers of a family. */
    private record Signer(National.Family family, PrivateKey key, ByteArrayOutputStream data)
            implements ContentSigner {
        Signer(National.Family family, PrivateKey key) {
            this(family, key, new ByteArrayOutputStream());
        }

        @Override
        public AlgorithmIdentifier getAlgorithmIdentifier() {
            return family.signatureAlgorithm();
        }

        @Override
        public OutputStream getOutputStream() {
            data.reset();
            return data;
        }

        @Override
        public byte[] getSignature() {
            try {
                Signature signature = Signature.getInstance(National.SIGNATURE, PROVIDER);
                signature.initSign(key);
                signature.update(data.toByteArray());
                return signature.sign();
            } catch (java.security.GeneralSecurityException fault) {
                throw new IllegalStateException(fault);
            }
        }
    }

    private static SignerInfoGenerator signerInfo(
            National.Family family, byte[] key, X509CertificateHolder certificate, Date time) throws Exception {
        ASN1EncodableVector attributes = new ASN1EncodableVector();
        attributes.add(new Attribute(CMSAttributes.signingTime, new DERSet(new Time(time))));
        return new SignerInfoGeneratorBuilder(digests())
                .setContentDigest(family.digestAlgorithm())
                .setSignedAttributeGenerator(
                        new DefaultSignedAttributeTableGenerator(new AttributeTable(attributes)))
                .build(new Signer(family, key(key)), certificate);
    }

    /**
     * Form, "attached" or "detached", family, time, document, centre, then key and certificate of each signer:
     * a message. The form is "BER" with indefinite lengths, "definite" for BER without these, or "DER".
     */
    static List<byte[]> message(List<byte[]> arguments) throws Exception {
        String form = Checking.text(arguments.get(0));
        boolean attached = Checking.text(arguments.get(1)).equals("attached");
        byte[] document = arguments.get(4);
        CMSSignedDataGenerator whole = new CMSSignedDataGenerator();
        whole.setDefiniteLengthEncoding(!form.equals("BER"));
        CMSSignedDataStreamGenerator pieces = new CMSSignedDataStreamGenerator();
        CMSSignedGenerator generator = form.equals("BER") ? pieces : whole;
        List<X509CertificateHolder> shown = new ArrayList<>();
        for (int index = 6; index < arguments.size(); index += 2) {
            X509CertificateHolder certificate = new X509CertificateHolder(arguments.get(index + 1));
            generator.addSignerInfoGenerator(
                    signerInfo(
                            family(arguments.get(2)),
                            arguments.get(index),
                            certificate,
                            Checking.time(arguments.get(3))));
            shown.add(certificate);
        }
        shown.add(new X509CertificateHolder(arguments.get(5)));
        generator.addCertificates(new CollectionStore<>(shown));
        if (form.equals("BER")) {
            ByteArrayOutputStream written = new ByteArrayOutputStream();
            try (OutputStream taken = pieces.open(written, attached)) {
                taken.write(document);
            }
            return List.of(written.toByteArray());
        }
        String encoding = form.equals("DER") ? ASN1Encoding.DER : ASN1Encoding.BER;
        return List.of(
                whole.generate(new CMSProcessableByteArray(document), attached).toASN1Structure().getEncoded(encoding));
    }

    /** Family, curve, time: root, centre, user, and the user's key. */
    static List<byte[]> chain(List<byte[]> arguments) throws Exception {
        National.Family family = family(arguments.get(0));
        int curve = number(arguments.get(1));
        Date time = Checking.time(arguments.get(2));
        KeyPairGenerator keys = KeyPairGenerator.getInstance("ECGOST3410", PROVIDER);
        keys.initialize(new ECGenParameterSpec(CURVE_NAMES[curve]));
        KeyPair[] pairs = {keys.generateKeyPair(), keys.generateKeyPair(), keys.generateKeyPair()};
        X500Name[] names = {
            new X500Name("C=UZ,O=BouncyCastle,CN=Root"),
            new X500Name("C=UZ,O=BouncyCastle,CN=Centre"),
            new X500Name("C=UZ,CN=G\u2018ANIYEV O\u2018KTAM,1.2.860.3.16.1.2=10000000000001")
        };
        List<byte[]> made = new ArrayList<>();
        for (int index = 0; index < 3; index++) {
            int issuer = Math.max(0, index - 1);
            X509v3CertificateBuilder builder =
                    new X509v3CertificateBuilder(
                            names[issuer],
                            BigInteger.valueOf(1000 + index),
                            new Date(time.getTime() - HOUR),
                            new Date(time.getTime() + HOUR),
                            names[index],
                            National.labelled(pairs[index].getPublic(), family, curve));
            addExtensions(builder, index, National.labelled(pairs[issuer].getPublic(), family, curve));
            made.add(builder.build(new Signer(family, pairs[issuer].getPrivate())).getEncoded());
        }
        made.add(pairs[2].getPrivate().getEncoded());
        return made;
    }

    private static void addExtensions(
            X509v3CertificateBuilder builder,
            int index,
            org.bouncycastle.asn1.x509.SubjectPublicKeyInfo issuer)
            throws Exception {
        X509ExtensionUtils identifiers = new X509ExtensionUtils(sha1());
        builder.addExtension(
                Extension.authorityKeyIdentifier, false, identifiers.createAuthorityKeyIdentifier(issuer));
        if (index == 2) {
            KeyPurposeId[] purposes = {KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_emailProtection};
            int usage = KeyUsage.digitalSignature | KeyUsage.nonRepudiation;
            builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
            builder.addExtension(Extension.extendedKeyUsage, true, new ExtendedKeyUsage(purposes));
        } else {
            builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(1 - index));
            builder.addExtension(
                    Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
        }
    }

    /** Request, family, policy, time, key, certificate, centre: the answer of a time stamp authority. */
    static List<byte[]> timeStamp(List<byte[]> arguments) throws Exception {
        Date time = Checking.time(arguments.get(3));
        X509CertificateHolder certificate = new X509CertificateHolder(arguments.get(5));
        TimeStampTokenGenerator generator =
                new TimeStampTokenGenerator(
                        signerInfo(family(arguments.get(1)), arguments.get(4), certificate, time),
                        sha1(),
                        new ASN1ObjectIdentifier(Checking.text(arguments.get(2))));
        generator.addCertificates(
                new CollectionStore<>(List.of(certificate, new X509CertificateHolder(arguments.get(6)))));
        generator.setAccuracySeconds(1);
        TimeStampToken token =
                generator.generate(new TimeStampRequest(arguments.get(0)), BigInteger.TEN, time);
        PKIStatusInfo granted = new PKIStatusInfo(PKIStatus.granted);
        return List.of(
                new TimeStampResp(granted, token.toCMSSignedData().toASN1Structure()).getEncoded(ASN1Encoding.DER));
    }

    /** Identifier of a digest, issuer, serial, nonce: a request. */
    static List<byte[]> statusRequest(List<byte[]> arguments) throws Exception {
        AlgorithmIdentifier digest =
                new AlgorithmIdentifier(new ASN1ObjectIdentifier(Checking.text(arguments.get(0))));
        X509CertificateHolder issuer = new X509CertificateHolder(arguments.get(1));
        BigInteger serial = new BigInteger(Checking.text(arguments.get(2)));
        Extension nonce =
                new Extension(
                        OCSPObjectIdentifiers.id_pkix_ocsp_nonce,
                        false,
                        new DEROctetString(new DEROctetString(arguments.get(3))));
        OCSPReqBuilder builder =
                new OCSPReqBuilder()
                        .addRequest(new CertificateID(digests().get(digest), issuer, serial))
                        .setRequestExtensions(new Extensions(nonce));
        return List.of(builder.build().getEncoded());
    }

    /** Request, family, time, key, certificate, number of a reason or nothing: the answer of a responder. */
    static List<byte[]> status(List<byte[]> arguments) throws Exception {
        OCSPReq request = new OCSPReq(arguments.get(0));
        Date time = Checking.time(arguments.get(2));
        X509CertificateHolder responder = new X509CertificateHolder(arguments.get(4));
        CertificateStatus status =
                arguments.size() == 5
                        ? CertificateStatus.GOOD
                        : new RevokedStatus(new Date(time.getTime() - HOUR), number(arguments.get(5)));
        BasicOCSPRespBuilder builder =
                new BasicOCSPRespBuilder(responder.getSubjectPublicKeyInfo(), sha1());
        for (Req asked : request.getRequestList()) {
            builder.addResponse(asked.getCertID(), status, time, new Date(time.getTime() + HOUR), null);
        }
        Extension nonce = request.getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
        builder.setResponseExtensions(new Extensions(nonce));
        Signer signer = new Signer(family(arguments.get(1)), key(arguments.get(3)));
        return List.of(
                new OCSPRespBuilder()
                        .build(
                                OCSPRespBuilder.SUCCESSFUL,
                                builder.build(signer, new X509CertificateHolder[] {responder}, time))
                        .getEncoded());
    }

    /** Family, time, key, issuer, and the serials of revoked certificates: a list. */
    static List<byte[]> list(List<byte[]> arguments) throws Exception {
        Date time = Checking.time(arguments.get(1));
        X509CertificateHolder issuer = new X509CertificateHolder(arguments.get(3));
        X509v2CRLBuilder builder = new X509v2CRLBuilder(issuer.getSubject(), time);
        builder.setNextUpdate(new Date(time.getTime() + HOUR));
        for (byte[] serial : arguments.subList(4, arguments.size())) {
            builder.addCRLEntry(
                    new BigInteger(Checking.text(serial)),
                    new Date(time.getTime() - HOUR),
                    CRLReason.keyCompromise);
        }
        Signer signer = new Signer(family(arguments.get(0)), key(arguments.get(2)));
        return List.of(builder.build(signer).getEncoded());
    }
}
