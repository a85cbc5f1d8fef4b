# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack untrusted archives.

tarfile and zipfile only read: each member is checked and written here. A member may
be a folder, a file, or a link that stays inside; no path leads through a link; there are no
devices, no setuid bits and no owners but the one who unpacks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple, NoReturn

from .._core.errors import os_words
from .checked_names import is_inside
from .delivery_errors import Damaged, DeliveryError, Hostile

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it

    class LZMAError(Exception):  # type: ignore[no-redef]
        """An error that nothing raises."""


# Of tarfile, zipfile and what they unpack with: none of them has one error for all that is wrong
# with a file. RuntimeError is a zip with a password, LookupError and ArithmeticError are numbers in
# headers that lead nowhere.
UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    ArithmeticError,
)
CHUNK = 1 << 20

MAX_MEMBERS = 500_000
MAX_SIZE = 16 << 30
_SETID = stat.S_ISUID | stat.S_ISGID

FOLDER, FILE, SYMLINK, HARDLINK, OTHER = (
    "folder",
    "file",
    "symbolic link",
    "hard link",
    "device or pipe",
)


class Member(NamedTuple):
    """One thing in an archive, whatever its format."""

    path: str
    type: str
    mode: int
    size: int
    link: str = ""
    open: Callable[[], IO[bytes]] | None = None


class Unpacked(NamedTuple):
    """Observations while an archive was unpacked."""

    setid: tuple[str, ...] = ()
    """Files that lost a setuid or setgid bit."""
    has_executables: bool = True
    """Whether any file was marked executable; a zip from Windows has no such marks."""


def unpack(
    archive: str, target: str, name: str, strip: int = 0, *, drop_setid: bool = False
) -> Unpacked:
    """Write what is in ``archive`` below ``target``; ``name`` is the tool's, for messages.

    A setuid or setgid bit rejects the archive, unless ``drop_setid`` ignores such bits.
    """
    writer = _Writer(target, name, strip, drop_setid=drop_setid)
    with content_errors(
        lambda error: _unreadable(name, error), lambda error: _unwritable(name, error)
    ):
        writer.write(archive)
    return Unpacked(tuple(writer.setid), has_executables=writer.has_executables)


@contextlib.contextmanager
def content_errors(
    unreadable: Callable[[Exception], Damaged], unwritable: Callable[[OSError], DeliveryError]
) -> Iterator[None]:
    """Raise a DeliveryError for content that is damaged, or cannot be written."""
    try:
        yield
    except UNREADABLE as error:
        raise unreadable(error) from error
    except OSError as error:
        # gzip and bz2 raise OSErrors of their own, without a number of the system.
        if error.errno is None:
            raise unreadable(error) from error
        raise unwritable(error) from error


def _unreadable(name: str, error: Exception) -> Damaged:
    return Damaged(
        f"the archive of {name} cannot be read",
        str(error) or type(error).__name__,
        "Give a complete tar (gz, bz2, xz, zst) or zip, without a password",
    )


def _unwritable(name: str, error: OSError) -> DeliveryError:
    return DeliveryError(
        f"the archive of {name} cannot be unpacked",
        os_words(error),
        "Check the space and the file system below the toolbox's root",
    )


class _Writer:
    """Checks members and writes them, in their order."""

    def __init__(self, target: str, name: str, strip: int, *, drop_setid: bool) -> None:
        self.target, self.name, self.strip = target, name, strip
        self.drop_setid = drop_setid
        self.setid: list[str] = []
        self.has_executables = False
        self.links: list[str] = []
        self.written = 0

    def write(self, archive: str) -> None:
        """Write all members, then look where the links really lead."""
        for number, member in enumerate(_members(archive)):
            if number >= MAX_MEMBERS:
                raise Hostile(
                    f"the archive of {self.name} is too large",
                    f"more than {MAX_MEMBERS} members",
                )
            self._add(member)
        for path in self.links:
            self._stays_inside(path)

    def _add(self, member: Member) -> None:
        path = self._path(member.path, member)
        if not path:
            return
        if member.type == OTHER:
            self._refuse(member, "is a device or a pipe")
        if member.type == FILE:
            self._check_mode(path, member)
        self._parents(path, member)
        {FOLDER: self._folder, FILE: self._file, SYMLINK: self._symlink, HARDLINK: self._hardlink}[
            member.type
        ](path, member)

    def _check_mode(self, path: str, member: Member) -> None:
        self.has_executables |= bool(member.mode & 0o111)
        if not member.mode & _SETID:
            return
        if not self.drop_setid:
            self._refuse(
                member,
                "is setuid or setgid",
                "If the tool works without that bit, write `setid: drop` in the catalog",
            )
        self.setid.append(path)

    def _path(self, path: str, member: Member) -> str:
        """Return the path below the target without what is stripped; empty where none is left."""
        parts = [part for part in path.split("/") if part != "."]
        if parts and parts[-1] == "":
            parts.pop()
        if parts and not is_inside("/".join(parts)):
            self._refuse(
                member, "has a path that is absolute, leads out, or has unsupported characters"
            )
        return "/".join(parts[self.strip :])

    def _parents(self, path: str, member: Member) -> None:
        """Make the folders above; none of them may be a link."""
        above = self.target
        for part in path.split("/")[:-1]:
            above = os.path.join(above, part)
            try:
                mode = os.lstat(above).st_mode
            except FileNotFoundError:
                os.mkdir(above, 0o755)
                continue
            if not stat.S_ISDIR(mode):
                self._refuse(member, "leads through a link or a file")

    def _folder(self, path: str, member: Member) -> None:
        full = os.path.join(self.target, path)
        if not os.path.lexists(full):
            os.mkdir(full, 0o755)
        elif os.path.islink(full) or not os.path.isdir(full):
            self._refuse(member, "is duplicated, with two types")

    def _file(self, path: str, member: Member) -> None:
        self.written += member.size
        if self.written > MAX_SIZE:
            raise Hostile(
                f"the archive of {self.name} is too large", f"more than {MAX_SIZE >> 30} GiB"
            )
        # An archive does not decide who may write: everything is for all users of the tool.
        mode = 0o755 if member.mode & 0o111 else 0o644
        if member.open is None:
            self._refuse(member, "has no content")
        with member.open() as source, self._new(path, member, mode) as file:
            _copy(source, file, member.size)

    def _new(self, path: str, member: Member, mode: int) -> IO[bytes]:
        # O_EXCL and O_NOFOLLOW: a member is never written through a link that another one has made.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(os.path.join(self.target, path), flags, mode)
        except FileExistsError:
            self._refuse(member, "is duplicated")
        os.fchmod(descriptor, mode)
        return os.fdopen(descriptor, "wb")

    def _symlink(self, path: str, member: Member) -> None:
        lexical = os.path.normpath(os.path.join(os.path.dirname(path), member.link))
        # By its text, since its target may come later in the archive. _stays_inside() looks again
        # when all is there.
        if os.path.isabs(member.link) or lexical.split("/")[0] == "..":
            self._refuse(member, f"is a link that leads out, to {member.link}")
        if os.path.lexists(os.path.join(self.target, path)):
            self._refuse(member, "is duplicated")
        os.symlink(member.link, os.path.join(self.target, path))
        self.links.append(path)

    def _hardlink(self, path: str, member: Member) -> None:
        source = self._path(member.link, member)
        full = os.path.join(self.target, source)
        self._parents(source, member)
        if not source or not os.path.lexists(full) or not stat.S_ISREG(os.lstat(full).st_mode):
            self._refuse(member, f"is a hard link to {member.link}, which is not a file before it")
        with (
            open(full, "rb") as content,
            self._new(path, member, stat.S_IMODE(os.lstat(full).st_mode)) as file,
        ):
            shutil.copyfileobj(content, file)

    def _stays_inside(self, path: str) -> None:
        """Reject a link that leads out over others: a chain may lead further than each of them."""
        top = os.path.realpath(self.target)
        real = os.path.realpath(os.path.join(self.target, path))
        if real != top and not real.startswith(top + os.sep):
            raise Hostile(
                f"the archive of {self.name} is rejected",
                f"{path} is a link that leads out over other links",
                "Report this to the maintainer of the archive",
            )

    def _refuse(
        self, member: Member, cause: str, hint: str = "Report this to the maintainer of the archive"
    ) -> NoReturn:
        raise Hostile(f"the archive of {self.name} is rejected", f"{member.path!r} {cause}", hint)


def _copy(source: IO[bytes], file: IO[bytes], size: int) -> None:
    """Copy exactly ``size`` bytes: the size of a member must be right."""
    left = size
    while left:
        block = source.read(min(left, CHUNK))
        if not block:
            raise Damaged("the archive is truncated", f"{left} bytes of a file are missing")
        file.write(block)
        left -= len(block)
    if source.read(1):
        raise Damaged("the archive is damaged", "a file is longer than its size in the archive")


def _members(archive: str) -> Iterator[Member]:
    # is_zipfile() looks for a record within the last 64 KiB of a file: it is also true of a tar
    # whose last member is a zip.
    if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
        with zipfile.ZipFile(archive) as content:
            for info in content.infolist():
                yield _of_zip(content, info)
    else:
        with tarfile.open(archive) as content:
            for entry in content:
                yield _of_tar(content, entry)
            _read_to_the_end(content)


def _read_to_the_end(content: tarfile.TarFile) -> None:
    """Read what follows the last member, since checksums of compression are checked at the end.

    tarfile itself stops before, and never compares the CRC of a gzip (seen on Python 3.13).
    """
    stream: Any = content.fileobj
    left = MAX_SIZE
    try:
        while left > 0 and stream.read(CHUNK):
            left -= CHUNK
    except OSError as error:
        # As gzip itself, which ignores what follows the end of its data.
        if not str(error).startswith("Not a gzipped file"):
            raise


def _of_tar(content: tarfile.TarFile, entry: tarfile.TarInfo) -> Member:
    types = (
        (entry.isdir, FOLDER),
        (entry.isreg, FILE),
        (entry.issym, SYMLINK),
        (entry.islnk, HARDLINK),
    )
    member_type = next((name for holds, name in types if holds()), OTHER)
    return Member(
        entry.name,
        member_type,
        entry.mode,
        entry.size,
        entry.linkname,
        lambda: _opened(content.extractfile(entry)),
    )


def _opened(stream: Any) -> IO[bytes]:
    if stream is None:
        raise Damaged("the archive is damaged", "a file in it has no content")
    opened: IO[bytes] = stream
    return opened


def _of_zip(content: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    # The upper half is the mode of Unix (APPNOTE.TXT 4.4.15 leaves it to the system that wrote it);
    # 0 where the archive was made elsewhere, as on Windows.
    mode = info.external_attr >> 16
    if info.is_dir():
        return Member(info.filename, FOLDER, mode, 0)
    # The content of a link is its target, as Info-ZIP stores it.
    if stat.S_ISLNK(mode):
        return Member(
            info.filename, SYMLINK, mode, 0, content.read(info).decode("utf-8", "surrogateescape")
        )
    member_type = FILE if stat.S_IFMT(mode) in (0, stat.S_IFREG) else OTHER
    return Member(info.filename, member_type, mode, info.file_size, open=lambda: content.open(info))
