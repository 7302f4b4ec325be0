"""A person before a browser: Debian's Chromium on the lab's LAN, and Cockpit as they see it.

`chromium` runs it in a machine of its own, `wire` speaks its DevTools protocol over a pipe, `tab`
is one tab, `part` what is found in it, `cockpit` logs in and opens the page, `looks` takes pictures
and measures, `visit` is all of it for one story. Whatever is looked for is looked for as a screen
reader would: by role and name.
"""
