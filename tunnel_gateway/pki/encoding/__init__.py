"""DER, BER and PEM, and the object identifiers."""
