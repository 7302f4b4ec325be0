"""What a node needs to be a desktop: the smallest real programs that both suites have."""

from __future__ import annotations

from tests.lab.harness.image import Flavour

DESKTOP = Flavour(
    "desktop",
    packages=(
        # a login session with a user's systemd and a bus of its own
        "libpam-systemd", "dbus-user-session",
        # an X server that draws into memory, a window manager, letters, and pictures of them
        "xvfb", "openbox", "fonts-dejavu-core", "librsvg2-common", "hicolor-icon-theme",
        "scrot", "xdotool", "xterm",
        # the notification server, the polkit agent with its dialog, and who opens web addresses
        "dunst", "lxpolkit", "xdg-utils",
    ),
)  # fmt: skip
