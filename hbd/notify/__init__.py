"""hbd-notify: what happens in the cluster, told on a desktop."""
