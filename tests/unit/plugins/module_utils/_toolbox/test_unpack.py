# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that nobody has to trust."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.delivery_errors import (
    Damaged,
    DeliveryError,
    Hostile,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.unpack import unpack
from hypothesis import given
from hypothesis import strategies as st

from .archives import archive


def special(kind: bytes, link: str = "", mode: int = 0o755) -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname, info.mode = kind, link, mode
    return info


LINK, HARD, PIPE, DEVICE, FOLDER = (
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.CHRTYPE,
    tarfile.DIRTYPE,
)


def setid(mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as content:
        info = tarfile.TarInfo("run")
        info.size, info.mode = 1, mode
        content.addfile(info, io.BytesIO(b"x"))
    return buffer.getvalue()


def zipped(name: str, mode: int = 0, data: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        content.writestr(info, data)
    return buffer.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "absolute": lambda: archive(("/tmp/evil", b"x")),
    "dot-dot": lambda: archive(("a/../../evil", b"x")),
    "only-dot-dot": lambda: archive(("..", special(FOLDER))),
    "link-out": lambda: archive(("l", special(LINK, "../../etc"))),
    "link-absolute": lambda: archive(("l", special(LINK, "/etc/passwd"))),
    "through-a-link": lambda: archive(
        ("d", special(LINK, "s")), ("s", special(FOLDER)), ("d/evil", b"x")
    ),
    "file-over-a-link": lambda: archive(("a", b"x"), ("l", special(LINK, "a")), ("l", b"y")),
    "folder-over-a-link": lambda: archive(
        ("s", special(FOLDER)), ("l", special(LINK, "s")), ("l", special(FOLDER))
    ),
    "chain-of-links": lambda: archive(
        ("a/b", special(FOLDER)),
        ("a/b/d", special(LINK, "../..")),
        ("x", special(LINK, "a/b/d/../y")),
    ),
    "hard-link-out": lambda: archive(("h", special(HARD, "../../etc/passwd"))),
    "hard-link-absolute": lambda: archive(("h", special(HARD, "/etc/passwd"))),
    "hard-link-to-a-link": lambda: archive(
        ("a", b"x"), ("l", special(LINK, "a")), ("h", special(HARD, "l"))
    ),
    "hard-link-to-nothing": lambda: archive(("h", special(HARD, "later")), ("later", b"x")),
    "pipe": lambda: archive(("p", special(PIPE))),
    "device": lambda: archive(("c", special(DEVICE))),
    "setuid": lambda: setid(0o4755),
    "setgid": lambda: setid(0o2755),
    "twice": lambda: archive(("a", b"x"), ("a", b"y")),
    "below-a-file": lambda: archive(("a", b"x"), ("a/b", b"y")),
    "backslash": lambda: archive(("a\\..\\b", b"x")),
    "newline": lambda: archive(("a\nb", b"x")),
    "zip-dot-dot": lambda: zipped("../evil"),
    "zip-absolute": lambda: zipped("/evil"),
    "zip-link-out": lambda: zipped("l", stat.S_IFLNK | 0o777, b"../../etc"),
    "zip-setuid": lambda: zipped("run", stat.S_IFREG | 0o4755),
    "zip-device": lambda: zipped("c", stat.S_IFCHR | 0o644),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(tmp_path: Path, name: str):
    target = tmp_path / "in" / "files"
    target.mkdir(parents=True)
    packed = tmp_path / "archive"
    packed.write_bytes(HOSTILE[name]())
    with pytest.raises(Hostile, match="is rejected"):
        unpack(str(packed), str(target), "tool")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "in"]
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["files"]


def test_a_good_one(tmp_path: Path):
    target = tmp_path / "files"
    target.mkdir()
    packed = tmp_path / "archive"
    packed.write_bytes(
        archive(
            ("./top", special(FOLDER)),
            ("./top/bin/run", b"x"),
            ("./top/run", special(LINK, "bin/run")),
            ("./top/copy", special(HARD, "./top/bin/run")),
            ("./top/lib", special(LINK, "../top/bin")),
        )
    )
    unpack(str(packed), str(target), "tool", strip=0)
    assert (target / "top" / "run").read_bytes() == b"x" and (
        target / "top" / "copy"
    ).stat().st_nlink == 1
    assert (target / "top" / "bin" / "run").stat().st_mode & 0o7777 == 0o755
    assert (target / "top" / "bin" / "run").stat().st_uid == os.geteuid()


def test_zip(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(zipped("bin/run", stat.S_IFREG | 0o755))
    unpack(str(tmp_path / "archive"), str(tmp_path / "files"), "tool")
    assert (tmp_path / "files" / "bin" / "run").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "content", [setid(0o4755), zipped("run", stat.S_IFREG | 0o2755)], ids=["tar", "zip"]
)
def test_setid_bits_are_dropped_if_the_catalog_says_so(tmp_path: Path, content: bytes):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(content)
    packed, target = str(tmp_path / "archive"), str(tmp_path / "files")
    with pytest.raises(Hostile, match=r"is setuid or setgid\. .*write `setid: drop`"):
        unpack(packed, target, "tool")
    assert unpack(packed, target, "tool", drop_setid=True) == (("run",), True)
    assert (tmp_path / "files" / "run").stat().st_mode & 0o7777 == 0o755


def test_a_zip_of_windows_marks_no_program(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(zipped("run.sh"))
    unpacked = unpack(str(tmp_path / "archive"), str(tmp_path / "files"), "tool")
    assert not unpacked.has_executables


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", b"\x1f\x8b broken", archive(("a", b"x" * 100000))[:60]],
    ids=["empty", "text", "gzip", "cut"],
)
def test_damaged(tmp_path: Path, content: bytes):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(Damaged):
        unpack(str(tmp_path / "archive"), str(tmp_path / "files"), "tool")


def flipped(content: bytes, place: int) -> bytes:
    """The content with one byte changed; places below 0 count from its end."""
    changed = bytearray(content)
    changed[place] ^= 0x55
    return bytes(changed)


def compressed(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as content:
        info = tarfile.TarInfo("a")
        info.size = 1000
        content.addfile(info, io.BytesIO(os.urandom(1000)))
    return buffer.getvalue()


def with_password() -> bytes:
    content = bytearray(zipped("a"))
    # APPNOTE.TXT 4.4.4: bit 0 of the flags, in the local header and in the central directory.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


SAMPLES = [
    *(compressed(f"w:{way}") for way in ("", "gz", "bz2", "xz")),
    zipped("a/b", stat.S_IFREG | 0o755, b"x" * 100),
    archive(("d", special(FOLDER)), ("d/l", special(LINK, "f")), ("d/f", b"x")),
]
# Each raises another error in Python's libraries.
BROKEN: dict[str, Callable[[], bytes]] = {
    "gzip-crc": lambda: flipped(archive(("a", b"x" * 1000)), -8),
    "gzip-length": lambda: flipped(archive(("a", b"x" * 1000)), -1),
    "gzip-data": lambda: flipped(compressed("w:gz"), 40),
    "bz2-data": lambda: flipped(compressed("w:bz2"), 200),
    "xz-data": lambda: flipped(compressed("w:xz"), 200),
    "xz-check": lambda: flipped(compressed("w:xz"), -40),
    "zip-crc": lambda: flipped(zipped("a", data=b"xyz"), 32),
    "zip-password": with_password,
    "zip-method": lambda: flipped(zipped("a"), zipped("a").index(b"PK\x01\x02") + 10),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_unpacked_is_a_failure_of_the_tool(tmp_path: Path, name: str):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(BROKEN[name]())
    with pytest.raises(Damaged, match="the archive of tool cannot be read: "):
        unpack(str(tmp_path / "archive"), str(tmp_path / "files"), "tool")


def test_what_follows_a_gzip_is_ignored_as_gzip_does(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(archive(("a", b"x")) + b"a signature")
    unpack(str(tmp_path / "archive"), str(tmp_path / "files"), "tool")


def test_a_file_system_that_takes_no_such_name_is_a_failure_of_the_tool(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "archive").write_bytes(archive(("a" * 300, b"x")))
    with pytest.raises(DeliveryError, match=r"cannot be unpacked: .*too long"):
        unpack(str(tmp_path / "archive"), str(tmp_path / "files"), "tool")


@given(st.data())
def test_any_damage_has_a_message(tmp_path_factory, data):
    """One place of each format overwritten: it unpacks, or it is an error of ours."""
    content = bytearray(data.draw(st.sampled_from(SAMPLES)))
    place = data.draw(st.integers(0, len(content) - 1))
    piece = data.draw(st.binary(min_size=1, max_size=8))
    content[place : place + len(piece)] = piece
    folder = tmp_path_factory.mktemp("any")
    (folder / "files").mkdir()
    (folder / "archive").write_bytes(bytes(content))
    with contextlib.suppress(DeliveryError):
        unpack(str(folder / "archive"), str(folder / "files"), "tool")
