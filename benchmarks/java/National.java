import java.io.IOException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.util.List;
import java.util.Map;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.cryptopro.CryptoProObjectIdentifiers;
import org.bouncycastle.asn1.cryptopro.GOST3410PublicKeyAlgParameters;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cms.CMSSignatureAlgorithmNameGenerator;
import org.bouncycastle.cms.DefaultCMSSignatureAlgorithmNameGenerator;
import org.bouncycastle.jcajce.provider.asymmetric.ecgost.KeyFactorySpi;
import org.bouncycastle.jcajce.provider.util.AsymmetricKeyInfoConverter;
import org.bouncycastle.jce.provider.BouncyCastleProvider;

/**
 * The national identifiers, for a BouncyCastle that does not know them.
 *
 * <p>They name mathematics that BouncyCastle has under the identifiers of CryptoPro: GOST R 34.10-2001 on
 * three curves, and GOST R 34.11-94. It is taught the names where it lets programs add some; it reads every
 * byte of a message as it is.
 */
final class National {
    static final String SIGNATURE = "GOST3411WITHECGOST3410";

    /** A family of standards: its key, its signature, its digest, and its first parameter set for each curve. */
    record Family(
            ASN1ObjectIdentifier key,
            ASN1ObjectIdentifier signature,
            ASN1ObjectIdentifier digest,
            List<ASN1ObjectIdentifier> curves) {
        AlgorithmIdentifier signatureAlgorithm() {
            return new AlgorithmIdentifier(signature);
        }

        AlgorithmIdentifier digestAlgorithm() {
            return new AlgorithmIdentifier(digest, DERNull.INSTANCE);
        }
    }

    static final Family FAMILY_2009 =
            family("1.2.860.3.15.1.1.2.1", "1.2.860.3.15.1.1.2.2.2.2", "1.2.860.3.15.1.3.2.1.1");
    static final Family FAMILY_2024 =
            family("1.2.860.3.15.2.1.2.1", "1.2.860.3.15.2.1.2.2.2.2", "1.2.860.3.15.2.3.2.1.1");
    static final List<Family> FAMILIES = List.of(FAMILY_2009, FAMILY_2024);

    private static final ASN1ObjectIdentifier A = CryptoProObjectIdentifiers.gostR3410_2001_CryptoPro_A;
    private static final ASN1ObjectIdentifier B = CryptoProObjectIdentifiers.gostR3410_2001_CryptoPro_B;
    private static final ASN1ObjectIdentifier C = CryptoProObjectIdentifiers.gostR3410_2001_CryptoPro_C;
    static final List<ASN1ObjectIdentifier> CURVES = List.of(A, B, C);

    private static final Map<String, ASN1ObjectIdentifier> CURVE_OF_SET =
            Map.ofEntries(
                    Map.entry("1.2.860.3.15.1.1.2.1.1", A),
                    Map.entry("1.2.860.3.15.1.1.2.1.2", B),
                    Map.entry("1.2.860.3.15.1.1.2.1.3", C),
                    Map.entry("1.2.860.3.15.1.1.2.1.5", A),
                    Map.entry("1.2.860.3.15.1.1.2.1.6", C),
                    Map.entry("1.2.860.3.15.2.1.2.1.1", A),
                    Map.entry("1.2.860.3.15.2.1.2.1.2", B),
                    Map.entry("1.2.860.3.15.2.1.2.1.3", C),
                    Map.entry("1.2.860.3.15.2.1.2.1.4", A),
                    Map.entry("1.2.860.3.15.2.1.2.1.5", B),
                    Map.entry("1.2.860.3.15.2.1.2.1.6", C));

    private National() {}

    private static Family family(String key, String signature, String digest) {
        ASN1ObjectIdentifier keys = new ASN1ObjectIdentifier(key);
        return new Family(
                keys,
                new ASN1ObjectIdentifier(signature),
                new ASN1ObjectIdentifier(digest),
                List.of(keys.branch("1"), keys.branch("2"), keys.branch("3")));
    }

    /** Return BouncyCastle with the identifiers of both families, known to Java by its name. */
    static BouncyCastleProvider provider() {
        BouncyCastleProvider provider = new BouncyCastleProvider();
        for (Family family : FAMILIES) {
            provider.addAlgorithm("Alg.Alias.Signature." + family.signature, SIGNATURE);
            provider.addAlgorithm("Alg.Alias.MessageDigest." + family.digest, "GOST3411");
            provider.addKeyInfoConverter(family.key, new Keys());
        }
        Security.addProvider(provider); // parts of it ask for each other by name
        return provider;
    }

    /** Return the names of algorithms in messages, with those of both families. */
    static CMSSignatureAlgorithmNameGenerator names() {
        return new Names();
    }

    /** Return a public key of BouncyCastle as certificates of the family hold it. */
    static SubjectPublicKeyInfo labelled(PublicKey key, Family family, int curve) {
        SubjectPublicKeyInfo info = SubjectPublicKeyInfo.getInstance(key.getEncoded());
        ASN1Sequence parameters = new DERSequence(family.curves.get(curve));
        return new SubjectPublicKeyInfo(
                new AlgorithmIdentifier(family.key, parameters), info.getPublicKeyData().getBytes());
    }

    private static final class Names extends DefaultCMSSignatureAlgorithmNameGenerator {
        Names() {
            for (Family family : FAMILIES) {
                setSigningEncryptionAlgorithmMapping(family.signature, "ECGOST3410");
                setSigningDigestAlgorithmMapping(family.digest, "GOST3411");
            }
        }
    }

    private static final class Keys implements AsymmetricKeyInfoConverter {
        @Override
        public PublicKey generatePublic(SubjectPublicKeyInfo info) throws IOException {
            ASN1Sequence parameters = ASN1Sequence.getInstance(info.getAlgorithm().getParameters());
            String set = ASN1ObjectIdentifier.getInstance(parameters.getObjectAt(0)).getId();
            ASN1ObjectIdentifier curve = CURVE_OF_SET.get(set);
            if (curve == null) {
                throw new IOException("an unknown parameter set: " + set);
            }
            return new KeyFactorySpi().generatePublic(cryptoPro(info, curve));
        }

        private static SubjectPublicKeyInfo cryptoPro(
                SubjectPublicKeyInfo info, ASN1ObjectIdentifier curve) {
            GOST3410PublicKeyAlgParameters parameters =
                    new GOST3410PublicKeyAlgParameters(
                            curve, CryptoProObjectIdentifiers.gostR3411_94_CryptoProParamSet);
            return new SubjectPublicKeyInfo(
                    new AlgorithmIdentifier(CryptoProObjectIdentifiers.gostR3410_2001, parameters),
                    info.getPublicKeyData().getBytes());
        }

        @Override
        public PrivateKey generatePrivate(PrivateKeyInfo info) throws IOException {
            throw new IOException("private keys come under the identifiers of CryptoPro");
        }
    }
}
