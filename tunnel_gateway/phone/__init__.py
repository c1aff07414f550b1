"""The phone of a user with an ID card: the code that it reads, and the signature that it makes."""
