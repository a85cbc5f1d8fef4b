# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the host's facts and accounts, lock the toolbox, and check that it can have tools."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pwd
import stat
import sys
import time
from collections.abc import Iterable, Iterator

from .._core.errors import Problem, SpecError
from . import distributions
from .checked_names import is_login, is_root
from .delivery_errors import Unsupported, WorkstationBusy
from .generation_model import Generation
from .installers.installer import SystemFacts
from .python_version import version_behind
from .targets import Accounts

# RHEL 8 has its own Python in /usr/libexec alone.
_PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")


def facts() -> SystemFacts:
    """Return the facts that tools depend on. The Python is the system's, not the running one."""
    python = next((path for path in _PYTHONS if os.access(path, os.X_OK)), sys.executable)
    return SystemFacts(
        "linux",
        os.uname().machine,
        python,
        version_behind(python, "{}.{}".format(*sys.version_info)),
        distributions.names(_os_release()),
        _libc(),
    )


def _libc() -> str:
    try:
        return "glibc" if os.confstr("CS_GNU_LIBC_VERSION") else ""
    # musl does not know the name (confstr(3)).
    except (ValueError, OSError):
        return "musl"


def _os_release() -> str:
    # Not platform.freedesktop_os_release(), which is there from Python 3.10 on.
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    return ""


def check(root: str) -> None:
    """Reject an unsupported system, user or path, before anything is changed."""
    if not sys.platform.startswith("linux"):
        raise Unsupported(
            "tools cannot be delivered to this host",
            f"its system is {sys.platform}",
            "Linux is supported; macOS and Windows are not yet",
        )
    if not is_root(root):
        raise SpecError(
            [
                Problem(
                    "path", f"{root!r} must be an absolute path of letters, digits and _ . - only"
                )
            ],
            "the options",
        )
    if os.geteuid() != 0:
        raise Unsupported(
            "tools can only be delivered by root",
            f"this runs as uid {os.geteuid()}",
            "Set become: true",
        )
    _refuse_foreign(root)
    _refuse_noexec(root)


def _refuse_noexec(root: str) -> None:
    """Reject a path on a file system from which no command could be run."""
    path = root
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    if os.statvfs(path).f_flag & os.ST_NOEXEC:
        raise Unsupported(
            f"{root} cannot hold tools",
            f"{path} is on a file system that is mounted with noexec",
            "Mount it with exec, or choose another path",
        )


def _refuse_foreign(root: str) -> None:
    """Reject a path with a folder that other users could replace."""
    path = "/"
    for part in ["", *root.strip("/").split("/")]:
        path = os.path.join(path, part)
        try:
            about = os.lstat(path)
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(about.st_mode):
            raise Unsupported(
                f"{path} cannot hold tools",
                "it is a link or a file",
                "Remove it, or choose another path",
            )
        # In a sticky folder such as /tmp, only root replaces what belongs to root (inode(7)).
        open_to_others = about.st_mode & 0o022 and not about.st_mode & stat.S_ISVTX
        if about.st_uid != 0 or open_to_others:
            raise Unsupported(
                f"{path} cannot hold tools",
                "other users than root may write to it",
                f"Run chown root {path} and chmod go-w {path}",
            )


@contextlib.contextmanager
def locked(root: str, timeout: float) -> Iterator[None]:
    """Hold the lock of the toolbox, so that no other run changes it.

    The kernel frees the lock when its holder ends, however it ends.
    """
    # Users must be able to read what root writes, whatever root's own habit is.
    umask = os.umask(0o022)
    os.makedirs(root, mode=0o755, exist_ok=True)
    descriptor = os.open(
        os.path.join(root, "lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        _wait_for(descriptor, root, timeout)
        # For the message of a run that waits in vain; the lock itself is the kernel's.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
        os.umask(umask)


def _wait_for(descriptor: int, root: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            # EACCES on NFS, where Linux makes a lock of fcntl(2) out of that of flock(2).
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if time.monotonic() > deadline:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            raise WorkstationBusy(
                f"another run works on {root}",
                f"process {holder} holds its lock, and {timeout:g} s have passed",
                "Wait for it, or raise lock_timeout",
                holder=holder,
            )
        time.sleep(0.1)


def accounts(logins: Iterable[str], have: Generation) -> Accounts:
    """Return the accounts of these login names, and of users that have tools now."""
    names = {*logins, *(view.name for view in have.views)}
    return Accounts(
        {name: _uid(name) for name in names}, {view.uid: _name(view.uid) for view in have.views}
    )


def _uid(name: str) -> int | None:
    # A name that cannot be a folder's gets no tools, even if the system has such an account.
    if not is_login(name):
        return None
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _name(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
