"""What exports for Pacemaker are tried with: rich files, and its scheduler."""
