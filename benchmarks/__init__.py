"""The benchmark: this gateway beside its peers, on one machine, in one run."""

import os

from tunnel_gateway.cli.secrecy import INSPECTABLE

# Memory is read from /proc, which daemons keep from all but root: this gives it to their own user.
if os.geteuid() != 0:
    os.environ.setdefault(INSPECTABLE, "yes")
