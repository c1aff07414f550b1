"""The REST service: sign-in and signed documents for the applications behind it."""
