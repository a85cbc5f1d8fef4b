# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the control node that has the keys of the router's control channel."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from ...module_utils._core.atomic_write import write_atomically
from ...module_utils._core.errors import ShippingError, os_words
from ...module_utils._routing.control_channel import CONTROLLER_FILES
from .pki import RouterPki, new_pki, pki_problem

AUTHORITY, CLIENT = CONTROLLER_FILES
SERVER = "server.pem"
# Kept when the others are rotated: by the first one, logs have the same visitor under one name.
EXPOSURE_KEY, TESTER_KEY = "exposure.key", "tester.key"
_ROTATED = (AUTHORITY, SERVER, CLIENT)
_ALL = (*_ROTATED, EXPOSURE_KEY, TESTER_KEY)
# The keys before the last change: replicas that a failed rollout restored still have them.
_FORMER = "former"
# Replicas with new keys are rolled out, so there must be time for it.
_RENEWED_BEFORE = timedelta(days=60)

Read = Callable[[str], bytes]


def _read_folder(folder: Path, read: Read, names: Sequence[str]) -> dict[str, bytes]:
    """Return those of the files that are there, by name; ``read`` decrypts those of a vault."""
    found = {}
    for name in names:
        path = folder / name
        if path.exists():
            try:
                found[name] = read(str(path))
            except OSError as error:
                raise ShippingError(
                    f"cannot read {path} on the control node",
                    os_words(error),
                    "Correct router_pki or the file's permissions",
                ) from error
    return found


def client_files(folder: Path, read: Read) -> dict[str, str]:
    """Return what a client needs; raise ShippingError where it is missing."""
    found = _read_folder(folder, read, CONTROLLER_FILES)
    missing = [name for name in CONTROLLER_FILES if name not in found]
    if missing:
        raise ShippingError(
            f"the keys of the router in {folder} are incomplete",
            f"the folder lacks {', '.join(missing)}",
            "Set pki to the folder that the role router made, or run shipping.code.router",
        )
    return {name: content.decode() for name, content in found.items()}


def ensure_pki(
    folder: Path, read: Read, now: datetime, *, rotate: bool, check: bool
) -> tuple[dict[str, bytes], bool]:
    """Return the keys, and whether they are new; in check mode new ones are not written."""
    found = _read_folder(folder, read, _ALL)
    made = {name: key for name, key in _lasting().items() if not found.get(name)}
    if rotate or _must_be_renewed(found, now):
        pki = new_pki(now)
        made.update({AUTHORITY: pki.ca, SERVER: pki.server, CLIENT: pki.client})
    if made and not check:
        _write_folder(folder, made)
    return {**found, **made}, bool(made)


def _lasting() -> dict[str, bytes]:
    """Return new keys of the log and of testers, in the form in which the router reads them."""
    exposure = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        EXPOSURE_KEY: f"key {exposure}\n".encode(),
        TESTER_KEY: f"{secrets.token_urlsafe(24)}\n".encode(),
    }


def _must_be_renewed(files: dict[str, bytes], now: datetime) -> bool:
    """Return whether a file is missing or cannot be used in some weeks."""
    if any(name not in files for name in _ROTATED):
        return True
    pki = RouterPki(files[AUTHORITY], files[CLIENT], files[SERVER])
    return bool(pki_problem(pki, now + _RENEWED_BEFORE))


def _write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Write new keys; those before them move into a folder of their own."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        former = folder / _FORMER
        for name in _ROTATED:
            if name in files and (folder / name).exists():
                former.mkdir(mode=0o700, exist_ok=True)
                (folder / name).replace(former / name)
        for name, content in files.items():
            write_atomically(str(folder / name), content)
    except OSError as error:
        raise ShippingError(
            f"cannot write the keys of the router to {folder} on the control node",
            os_words(error),
            "Set router_pki to a folder that this account can write to",
        ) from error


def restore_former(folder: Path, *, check: bool) -> bool:
    """Put the keys before the last change back; return whether there are any."""
    former = folder / _FORMER
    names = [name for name in _ROTATED if (former / name).exists()]
    if names and not check:
        try:
            for name in names:
                (former / name).replace(folder / name)
        except OSError as error:
            raise ShippingError(
                f"cannot write the keys of the router to {folder} on the control node",
                os_words(error),
                "Move the files of its folder former into it by hand",
            ) from error
    return bool(names)
