/** What BouncyCastle finds wrong without throwing anything itself. */
final class Refusal extends Exception {
    private static final long serialVersionUID = 1;

    Refusal(String reason) {
        super(reason);
    }
}
