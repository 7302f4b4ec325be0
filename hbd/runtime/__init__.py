"""The composition root and the loop: the only package that knows every layer."""
