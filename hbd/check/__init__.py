"""Will the next failover work? A module for each subject, giving findings, changing nothing."""
