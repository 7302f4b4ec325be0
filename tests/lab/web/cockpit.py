"""Cockpit as its user meets it: the login page, the menu, and the page of hbd in it."""

from __future__ import annotations

from tests.lab.harness import files
from tests.lab.harness.image import Flavour
from tests.lab.harness.node import Node
from tests.lab.web.part import Document
from tests.lab.web.tab import Tab

PASSWORDS = {"alice": "lab-operator", "bob": "lab-stranger"}
_SET_PASSWORDS = "\n".join(f"{user}:{password}" for user, password in PASSWORDS.items())

# Nodes that serve Cockpit, and the client's browser, which needs letters to draw with. Cockpit's
# sessions would warn at each login of what no story needs: an agent for ssh, and a locale.
WEB = Flavour(
    "web",
    (
        "cockpit-ws",
        "cockpit-bridge",
        "cockpit-system",
        "chromium-headless-shell",
        "fonts-dejavu-core",
    ),
    customize=f"""
echo '{_SET_PASSWORDS}' | chpasswd
systemctl -q enable cockpit.socket
sed -i /pam_ssh_add/d /etc/pam.d/cockpit
: > /etc/default/locale
""",
)

PORT = 9090
FOLDER = "/hbd/"  # where Cockpit has the page
PAGE = f"{FOLDER}index.html"  # what the address of the page's own document ends with
OVERVIEW = "/system/index.html"  # the same of a page of Cockpit's own


def address(node: Node) -> str:
    """Where `node` serves Cockpit."""
    return f"https://{files.LAN_ADDRESSES[node.name].partition('/')[0]}:{PORT}"


async def log_in(tab: Tab, node: Node, user: str, *, to: str = "hbd") -> None:
    """Open Cockpit's page `to` on `node`, and log in for it."""
    await tab.go(f"{address(node)}/{to}")
    door = Document(tab, address(node))
    for field, text in (("User name", user), ("Password", PASSWORDS[user])):
        await (await door.part("textbox", field)).click()
        await tab.type(text)
    await (await door.part("button", "Log in")).click()


async def open_page(tab: Tab, node: Node, user: str) -> Document:
    """The page of hbd on `node`, before somebody who has just logged in."""
    await log_in(tab, node, user)
    page = Document(tab, PAGE)
    await page.part("region", "Cluster")
    return page
