"""How a path, a group or a word becomes the name of a systemd unit, and that its D-Bus path.

Pure text. It does not know whether a unit exists. Source of the rules: systemd.unit(5), "String
escaping for inclusion in unit names", and systemd-escape(1), against which the tests compare.
"""

from __future__ import annotations

from hbd.errors import AdapterError

UNIT_NAME_MAX = 255  # systemd's UNIT_NAME_MAX: longer names are refused by the manager
UNIT_PATH_PREFIX = "/org/freedesktop/systemd1/unit/"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.")
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_LABEL_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_UDEV_PLAIN = _LABEL | frozenset("#+-.:=@_/")


def escape(text: str) -> str:
    """`systemd-escape TEXT`: any text as one part of a unit name; `/` becomes `-`."""
    parts: list[str] = []
    for position, byte in enumerate(text.encode("utf-8", "surrogateescape")):
        char = chr(byte)
        if char == "/":
            parts.append("-")
        elif char in _PLAIN and not (char == "." and position == 0):
            parts.append(char)
        else:
            parts.append(f"\\x{byte:02x}")
    return "".join(parts)


def unescape(text: str) -> str:
    """The inverse of `escape`; text that `escape` cannot have made is an AdapterError."""
    raw = bytearray()
    position = 0
    while position < len(text):
        char = text[position]
        if char == "-":
            raw += b"/"
        elif char == "\\":
            raw.append(_hex_byte(text, position))
            position += 3
        else:
            raw += char.encode("utf-8", "surrogateescape")
        position += 1
    return raw.decode("utf-8", "surrogateescape")


def _hex_byte(text: str, position: int) -> int:
    """The byte that the `\\xHH` at `position` stands for."""
    digits = text[position + 2 : position + 4]
    if text[position : position + 2] != "\\x" or len(digits) != 2:
        raise AdapterError(f"Failed to read the unit name '{text}': '\\' must begin a \\xHH escape")
    try:
        return int(digits, 16)
    except ValueError as error:
        raise AdapterError(
            f"Failed to read the unit name '{text}': '{digits}' is no hexadecimal number"
        ) from error


def escape_path(path: str) -> str:
    """`systemd-escape --path PATH`: an absolute, normalised path as a unit name's first part.

    `..` is refused, as systemd does: what it names depends on symbolic links.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not path.startswith("/") or ".." in parts:
        raise AdapterError(f"Failed to name a unit for '{path}': not an absolute, normalised path")
    return escape("/".join(parts)) if parts else "-"


def mount_unit(directory: str) -> str:
    """`/ttidisk` → `ttidisk.mount`: the only name systemd accepts for that mount point."""
    return _checked(escape_path(directory) + ".mount")


def group_target(group: str) -> str:
    """The target that stands for a resource group: active while this node holds all of it."""
    return _checked(f"hbd-group@{escape(group)}.target")


def script_unit(word: str, arguments: tuple[str, ...]) -> str:
    """The unit of ours that runs the resource script `word` with `arguments`.

    The arguments are part of the name, because one script may serve several resources.
    """
    return _checked(f"hbd-resource-{escape('::'.join((word, *arguments)))}.service")


def fsck_unit(directory: str) -> str:
    """The unit of ours that checks the file system mounted at `directory` before each mount."""
    return _checked(f"hbd-fsck-{escape_path(directory)}.service")


def evict_unit(directory: str) -> str:
    """The unit that ends what keeps the file system at `directory` busy (units/hbd-evict@)."""
    return _checked(f"hbd-evict@{escape_path(directory)}.service")


def holders_unit(number: str) -> str:
    """The unit that finds out who uses the block device MAJOR:MINOR (units/hbd-holders@)."""
    return _checked(f"hbd-holders@{number}.service")


def service_unit(word: str) -> str:
    """A word of haresources as the systemd unit an administrator means: `.service` by default."""
    return _checked(word if _has_unit_suffix(word) else f"{word}.service")


def _has_unit_suffix(word: str) -> bool:
    suffixes = ("service", "socket", "mount", "target", "path", "timer", "swap", "automount")
    return word.rpartition(".")[2] in suffixes and not word.startswith(".")


def _checked(name: str) -> str:
    if len(name) > UNIT_NAME_MAX:
        raise AdapterError(
            f"Failed to name a unit '{name}': systemd allows {UNIT_NAME_MAX} characters, "
            f"this is {len(name)}; use a shorter name"
        )
    return name


def bus_path(unit: str) -> str:
    """The D-Bus object path of `unit`: `ttidisk.mount` → `…/unit/ttidisk_2emount`."""
    parts: list[str] = []
    for position, byte in enumerate(unit.encode("utf-8", "surrogateescape")):
        char = chr(byte)
        plain = char in (_LABEL if position else _LABEL_FIRST)
        parts.append(char if plain else f"_{byte:02x}")
    return UNIT_PATH_PREFIX + ("".join(parts) or "_")


def device_node(spec: str) -> str:
    """A device as haresources or fstab write it → the path of its block device.

    `LABEL=x`, `UUID=x` and the Filesystem script's `-Lx`, `-Ux` become the symbolic links that
    udev keeps under /dev/disk, since a mount unit is bound to a path.
    """
    for prefix, directory in (
        ("LABEL=", "by-label"),
        ("UUID=", "by-uuid"),
        ("PARTUUID=", "by-partuuid"),
        ("PARTLABEL=", "by-partlabel"),
        ("-L", "by-label"),
        ("-U", "by-uuid"),
    ):
        if spec.startswith(prefix):
            label = spec.removeprefix(prefix).strip(" '\"")
            return f"/dev/disk/{directory}/{_udev_encode(label)}"
    return spec


def _udev_encode(text: str) -> str:
    """udev's encoding of a label in a link's name: everything unusual, and `/`, is `\\xHH`."""
    parts: list[str] = []
    for char in text:
        if (char in _UDEV_PLAIN and char != "/") or ord(char) > 127:
            parts.append(char)
        else:
            parts.append(f"\\x{ord(char):02x}")
    return "".join(parts)
