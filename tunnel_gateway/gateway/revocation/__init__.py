"""Whether users are revoked: lists, answers, and keeping them up to date."""
