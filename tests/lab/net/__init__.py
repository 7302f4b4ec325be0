"""hbd.net against a real kernel, in network namespaces of the tests' own making."""
