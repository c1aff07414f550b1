"""STP version 1, the tunnel protocol of E-IMZO: both roles, sans-IO. See docs/stp.md."""
