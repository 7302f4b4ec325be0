"""What hbd-migrate(7) is told with: a cluster that heartbeat has served for years."""
