"""The service that pages call: who may, what there is, and why not."""
