# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restrict a folder to root and the users that its POSIX ACL names.

The ACL is written in the kernel's form (linux/posix_acl_xattr.h), so that no package is needed.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Collection, Iterable

from .delivery_errors import Unsupported

NAME = "system.posix_acl_access"
_VERSION = 2
# Tags, permissions and the layout of an entry are those of linux/posix_acl_xattr.h, which is
# little-endian on every processor.
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
# ACL_UNDEFINED_ID: only the entries of named users and groups have an id.
_NOBODY = 0xFFFFFFFF
_READ_ENTER, _ALL = 5, 7
_ENTRY = struct.Struct("<HHI")


def encode(uids: Iterable[int]) -> bytes:
    """Return the ACL that lets root write and these users read and enter."""
    # The kernel takes entries in this order of tags alone, and keeps it: allow() compares bytes, so
    # the uids are sorted. The mask limits what named users may do (acl(5)).
    entries = [(_USER_OBJ, _ALL, _NOBODY)]
    entries += [(_USER, _READ_ENTER, uid) for uid in sorted(set(uids))]
    entries += [(_GROUP_OBJ, 0, _NOBODY), (_MASK, _READ_ENTER, _NOBODY), (_OTHER, 0, _NOBODY)]
    return struct.pack("<I", _VERSION) + b"".join(_ENTRY.pack(*entry) for entry in entries)


def users(path: str) -> set[int]:
    """Return the users that a folder's ACL names."""
    try:
        raw = os.getxattr(path, NAME, follow_symlinks=False)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return set()
        raise
    return {uid for tag, _permissions, uid in _ENTRY.iter_unpack(raw[4:]) if tag == _USER}


def allow(path: str, uids: Collection[int]) -> bool:
    """Allow root and these users only; return whether that was a change."""
    wanted = encode(uids)
    try:
        if not uids:
            return _close(path)
        if _raw(path) == wanted:
            return False
        os.setxattr(path, NAME, wanted, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            raise Unsupported(
                f"the file system of {path} has no POSIX ACLs",
                "users of the host could see each other's tools",
                "Mount it with acl, or choose another path",
            ) from error
        raise
    return True


def _raw(path: str) -> bytes:
    try:
        return os.getxattr(path, NAME, follow_symlinks=False)
    except OSError as error:
        if error.errno == errno.ENODATA:
            return b""
        raise


def _close(path: str) -> bool:
    changed = bool(_raw(path))
    if changed:
        os.removexattr(path, NAME, follow_symlinks=False)
    # The mask became the group bits of the mode (acl(5)), and stays there when the ACL is removed:
    # the folder would be open to its group.
    if os.lstat(path).st_mode & 0o777 != 0o700:
        os.chmod(path, 0o700)
        changed = True
    return changed
