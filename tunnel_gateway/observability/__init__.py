"""The log and the metrics: for the people and machines that watch a running program."""
