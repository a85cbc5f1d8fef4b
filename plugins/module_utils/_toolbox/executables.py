# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a program can run on this host: its processor, and its interpreter or loader.

The kernel reports a missing loader as "No such file or directory", of the program itself.
"""

from __future__ import annotations

import os
import shutil
import struct
from typing import NamedTuple

from .._core.errors import os_words

_HEAD = 4096
# e_machine of elf(5), and the processors whose kernels run such a program.
_PROCESSORS = {
    3: ("i386", ("i686", "i386", "x86_64")),
    21: ("ppc64le", ("ppc64le", "ppc64")),
    22: ("s390x", ("s390x",)),
    40: ("arm", ("armv7l", "armv6l", "aarch64")),
    62: ("x86_64", ("x86_64",)),
    183: ("aarch64", ("aarch64",)),
    243: ("riscv64", ("riscv64",)),
}
_PT_INTERP = 3


class Needs(NamedTuple):
    """The interpreter and the processors that a program needs; empty if it does not name them."""

    interpreter: str = ""
    """A path, or the name that ``env`` looks for on the PATH."""
    processor: str = ""
    processors: tuple[str, ...] = ()
    """Those that run it, by their names of uname(2); any if empty."""


def needs(head: bytes) -> Needs:
    """Return what the first bytes of a program require; nothing for neither script nor ELF."""
    if head.startswith(b"#!"):
        return Needs(_interpreter(head))
    if head.startswith(b"\x7fELF"):
        try:
            return _needs_of_elf(head)
        # A file that is truncated, or only begins like one: the kernel reports that.
        except (struct.error, IndexError):
            return Needs()
    return Needs()


def needs_of(path: str) -> Needs:
    """Return what a file requires."""
    with open(path, "rb") as program:
        return needs(program.read(_HEAD))


def _interpreter(head: bytes) -> str:
    """Return what a script's first line names, as execve(2) reads it."""
    words = head[2:].partition(b"\n")[0].decode("utf-8", "surrogateescape").split()
    if not words:
        return ""
    path, *arguments = words
    if os.path.basename(path) != "env":
        return path
    # env -S splits its argument; options and variables come before the name (GNU coreutils).
    names = [word for word in arguments if not word.startswith("-") and "=" not in word]
    return names[0] if names else path


def _needs_of_elf(head: bytes) -> Needs:
    """Read the header and the program headers of elf(5)."""
    is_64 = head[4] == 2
    order = "<" if head[5] == 1 else ">"
    (machine,) = struct.unpack_from(f"{order}H", head, 18)
    offset, size, count = _program_headers(head, order, is_64=is_64)
    name, processors = _PROCESSORS.get(machine, ("", ()))
    loader = ""
    for number in range(count):
        found = _segment(head, order, offset + number * size, is_64=is_64)
        if found:
            loader = found
    return Needs(loader, name, processors)


def _program_headers(head: bytes, order: str, *, is_64: bool) -> tuple[int, int, int]:
    """Return e_phoff, e_phentsize and e_phnum."""
    (offset,) = struct.unpack_from(f"{order}Q" if is_64 else f"{order}I", head, 32 if is_64 else 28)
    size, count = struct.unpack_from(f"{order}HH", head, 54 if is_64 else 42)
    return offset, size, count


def _segment(head: bytes, order: str, at: int, *, is_64: bool) -> str:
    """Return the path in a program header of type PT_INTERP; nothing of others."""
    (kind,) = struct.unpack_from(f"{order}I", head, at)
    if kind != _PT_INTERP:
        return ""
    if is_64:
        (offset,) = struct.unpack_from(f"{order}Q", head, at + 8)
        (length,) = struct.unpack_from(f"{order}Q", head, at + 32)
    else:
        (offset,) = struct.unpack_from(f"{order}I", head, at + 4)
        (length,) = struct.unpack_from(f"{order}I", head, at + 16)
    return head[offset : offset + length].rstrip(b"\0").decode("utf-8", "surrogateescape")


def problem(path: str, arch: str, search_path: str) -> str:
    """Return why a program cannot run on this host; empty if no reason is known.

    ``search_path`` is the PATH of its user.
    """
    try:
        needed = needs_of(path)
    except OSError as error:
        return f"it cannot be read: {os_words(error)}"
    if needed.processors and arch not in needed.processors:
        return f"it is for {needed.processor}, and this host is {arch}"
    if needed.interpreter and not _is_there(needed.interpreter, search_path):
        return f"it needs {needed.interpreter}, which is not on this host"
    return ""


def _is_there(interpreter: str, search_path: str) -> bool:
    if "/" in interpreter:
        return os.access(interpreter, os.X_OK)
    return shutil.which(interpreter, path=search_path) is not None
