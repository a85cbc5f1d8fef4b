# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remember a rejected bind, so that the same password is not tried repeatedly.

Directories lock an account after a few wrong passwords. Ansible reads a source twice per run if
enable_plugins lists a plugin together with auto (ansible-core 2.21), and a schedule runs every few
minutes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...module_utils._core.atomic_write import write_atomically
from .directory_errors import Rejected
from .settings import ConnectionSettings

_in_process: dict[ConnectionSettings, tuple[float, str, str]] = {}
"""The time and the server's answer of each rejection in this process, by settings."""


def require_untried(settings: ConnectionSettings) -> None:
    """Raise Rejected where these settings were rejected a short while ago."""
    if settings.bind != "simple":  # A ticket or a certificate locks no account.
        return
    now = time.time()
    at, what, why = _in_process.get(_identity(settings)) or _on_disk(settings, now)
    # A clock that was set back must not hold for ever.
    if not 0 <= now - at < settings.rejection_hold:
        return
    until = datetime.fromtimestamp(at + settings.rejection_hold, UTC)
    raise Rejected(
        what,
        why,
        "Check bind_dn and the password; so that nothing is locked, it is not tried again before"
        f" {until:%H:%M:%S} UTC, unless the password or the settings change",
    )


def remember(settings: ConnectionSettings, error: Rejected) -> None:
    """Remember a rejection, in the folder of the state where there is one."""
    if settings.bind != "simple":
        return
    now = time.time()
    _in_process[_identity(settings)] = (now, error.what, error.why)
    if settings.state_path:
        salt = os.urandom(16)
        record = {"salt": salt.hex(), "digest": _digest(settings, salt), "at": now}
        _write(path_of(settings), {**record, "what": error.what, "why": error.why})


def forget(settings: ConnectionSettings) -> None:
    """Forget a rejection, since a bind has succeeded."""
    _in_process.pop(_identity(settings), None)
    if settings.state_path:
        with contextlib.suppress(OSError):
            path_of(settings).unlink(missing_ok=True)


def _identity(settings: ConnectionSettings) -> ConnectionSettings:
    """Return what an inventory and an event source of one directory have in common."""
    return replace(settings, rejection_hold=0, state_path="")


def _on_disk(settings: ConnectionSettings, now: float) -> tuple[float, str, str]:
    nothing = (now + 1, "", "")
    if not settings.state_path:
        return nothing
    # A file that cannot be read holds nothing up: at worst one more bind is tried.
    try:
        record = json.loads(path_of(settings).read_bytes())
        is_same = record["digest"] == _digest(settings, bytes.fromhex(record["salt"]))
        return (
            (float(record["at"]), str(record["what"]), str(record["why"])) if is_same else nothing
        )
    except (OSError, ValueError, KeyError, TypeError):
        return nothing


def _digest(settings: ConnectionSettings, salt: bytes) -> str:
    # The password is in it: a digest that is slow to guess, with a salt of its own.
    known = repr((replace(_identity(settings), password=""), settings.password))
    return hashlib.scrypt(known.encode(), salt=salt, n=2**14, r=8, p=1).hex()


def path_of(settings: ConnectionSettings) -> Path:
    """Return the file that remembers the rejections of one account."""
    # A folder may serve several inventories, with an account each.
    account = repr((settings.bind_dn, settings.servers, settings.srv_name))
    digest = hashlib.sha256(account.encode()).hexdigest()[:12]
    return Path(settings.state_path) / f"rejected-{digest}.json"


def _write(path: Path, record: Mapping[str, Any]) -> None:
    """Write the record by one rename, readable only by its owner."""
    # Where it cannot be written, at worst one more bind is tried.
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(str(path), json.dumps(record).encode())
