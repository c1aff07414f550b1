"""A development authority that answers: status, lists, certificates and time stamps."""
