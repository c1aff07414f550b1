"""Files with keys, certificates and trust anchors."""
