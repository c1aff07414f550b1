"""The benchmark: this gateway beside its peers, on one machine, in one run."""
