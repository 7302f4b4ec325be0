"""A management board as OpenIPMI's ipmi_sim plays it: real IPMI over UDP, a script its switch."""

from __future__ import annotations

from pathlib import Path

USER, PASSWORD = "hbd", "un-secret"
PORT = 623  # where every board listens

LAN = """\
name "hbd"
set_working_mc 0x20
  startlan 1
    addr {address} {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{switch}"
  user 1 true "" "test" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""

EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
"""


def simulator(folder: Path, address: str, port: int, switch: Path) -> list[str]:
    """The command of a board at this address; its files are written to `folder`."""
    (folder / "lan.conf").write_text(
        LAN.format(address=address, port=port, switch=switch, user=USER, password=PASSWORD)
    )
    (folder / "emu").write_text(EMULATION)
    return [
        "ipmi_sim", "-n", "-c", str(folder / "lan.conf"), "-f", str(folder / "emu"),
        "-s", str(folder / "state"),
    ]  # fmt: skip
