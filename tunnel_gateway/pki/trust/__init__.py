"""From a certificate to a trust anchor."""
