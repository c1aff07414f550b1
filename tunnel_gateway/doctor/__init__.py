"""The diagnosis of a machine: questions of a support engineer, with answers for people."""
