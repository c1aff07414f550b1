"""The benchmark of the REST service: this daemon beside BouncyCastle and OpenSSL, in one run."""
