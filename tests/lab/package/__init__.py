"""The Debian package on a running cluster."""
