import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bouncycastle.crypto.BlockCipher;
import org.bouncycastle.crypto.engines.GOST28147Engine;
import org.bouncycastle.crypto.modes.CFBBlockCipher;
import org.bouncycastle.crypto.modes.GCFBBlockCipher;
import org.bouncycastle.crypto.modes.GOFBBlockCipher;
import org.bouncycastle.crypto.modes.OFBBlockCipher;
import org.bouncycastle.crypto.modes.SICBlockCipher;
import org.bouncycastle.crypto.params.KeyParameter;
import org.bouncycastle.crypto.params.ParametersWithIV;
import org.bouncycastle.crypto.params.ParametersWithSBox;

/** GOST 28147-89 as a stream. */
final class Streams {
    private static final int BLOCK = 8;

    private static final Map<String, Function<BlockCipher, BlockCipher>> MODES =
            Map.of(
                    "CFB", cipher -> new CFBBlockCipher(cipher, 8 * BLOCK),
                    "OFB", cipher -> new OFBBlockCipher(cipher, 8 * BLOCK),
                    "SIC", SICBlockCipher::new,
                    "GOFB", GOFBBlockCipher::new,
                    "GCFB", GCFBBlockCipher::new);

    private Streams() {}

    /** The mode, 128 numbers of the S-box, the key, the IV, and whole blocks: these, encrypted. */
    static List<byte[]> encrypt(List<byte[]> arguments) {
        BlockCipher cipher = MODES.get(Checking.text(arguments.get(0))).apply(new GOST28147Engine());
        KeyParameter key = new KeyParameter(arguments.get(2));
        ParametersWithSBox keyAndSBox = new ParametersWithSBox(key, arguments.get(1));
        cipher.init(true, new ParametersWithIV(keyAndSBox, arguments.get(3)));
        byte[] text = arguments.get(4);
        byte[] ciphertext = new byte[text.length];
        for (int at = 0; at < text.length; at += BLOCK) {
            cipher.processBlock(text, at, ciphertext, at);
        }
        return List.of(ciphertext);
    }
}
