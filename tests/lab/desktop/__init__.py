"""A desktop on a node: an X server without a screen, a login session, and what runs in one."""
