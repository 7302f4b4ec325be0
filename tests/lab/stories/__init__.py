"""What happens to a cluster of two booted nodes with the shipped package, story by story."""
