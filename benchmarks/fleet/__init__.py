"""Many tunnels through two balancers to two gateways, of which one is upgraded and one killed."""
