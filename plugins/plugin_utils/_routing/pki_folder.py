# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of the control node that has the keys of the router's control channel.

A rotation has two releases of the router, so that each replica always trusts the keys of the
others and of the client. By the first one, replicas trust the authority of the keys in the folder
``next``, too. Then those keys become the current ones, and the former ones move into the folder
``former``. By the second release, replicas have the new keys, and the former client is no longer
trusted.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
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
# The authorities of clients that the router trusts, and those of routers that peers trust.
TRUSTED_CLIENTS, TRUSTED_ROUTERS = "trusted-clients.pem", "trusted-routers.pem"
_ROTATED = (AUTHORITY, SERVER, CLIENT)
_ALL = (*_ROTATED, EXPOSURE_KEY, TESTER_KEY, TRUSTED_CLIENTS, TRUSTED_ROUTERS)
_FORMER, _NEXT = "former", "next"
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
    # While a rotation lasts, some replicas have the keys before or after it.
    others = (_read_folder(folder / place, read, [AUTHORITY]) for place in (_NEXT, _FORMER))
    found[AUTHORITY] = _joined([found, *others])
    return {name: content.decode() for name, content in found.items()}


def _joined(places: Sequence[Mapping[str, bytes]]) -> bytes:
    """Return the authorities of several places as one file, each once."""
    return b"".join(dict.fromkeys(place[AUTHORITY] for place in places if AUTHORITY in place))


def ensure_pki(
    folder: Path, read: Read, now: datetime, *, rotate: bool, check: bool
) -> tuple[dict[str, bytes], bool]:
    """Return the keys, and whether any file is new; in check mode new ones are not written.

    A rotation that is due, or that was interrupted, has keys in the folder ``next`` afterwards.
    """
    if not check:
        _end_promotion(folder)
    found = _read_folder(folder, read, _ALL)
    following = _read_folder(folder / _NEXT, read, _ROTATED)
    made = _missing_keys(found)
    begun: dict[str, bytes] = {}
    if any(name not in found for name in _ROTATED):
        made.update(_new_files(now))
    elif not following and (rotate or _must_be_renewed(found, now)):
        begun = following = _new_files(now)
    former = _read_folder(folder / _FORMER, read, [AUTHORITY])
    made.update(_changed_trust(found, [{**found, **made}, following], former))
    if not check:
        _write_folder(folder / _NEXT, begun)
        _write_folder(folder, made)
    return {**found, **made}, bool(made or begun)


def _changed_trust(
    found: Mapping[str, bytes],
    clients: Sequence[Mapping[str, bytes]],
    former: Mapping[str, bytes],
) -> dict[str, bytes]:
    """Return the files of trusted authorities that differ from those found."""
    trusted = {TRUSTED_CLIENTS: _joined(clients), TRUSTED_ROUTERS: _joined([*clients, former])}
    return {name: text for name, text in trusted.items() if found.get(name) != text}


def is_rotating(folder: Path) -> bool:
    """Return whether the keys after this rotation wait to become the current ones."""
    return any((folder / _NEXT / name).exists() for name in _ROTATED)


def _new_files(now: datetime) -> dict[str, bytes]:
    pki = new_pki(now)
    return {AUTHORITY: pki.ca, SERVER: pki.server, CLIENT: pki.client}


def _missing_keys(found: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return new keys of the log and of testers that lack, in the form that the router reads."""
    exposure = base64.b64encode(secrets.token_bytes(32)).decode()
    keys = {
        EXPOSURE_KEY: f"key {exposure}\n".encode(),
        TESTER_KEY: f"{secrets.token_urlsafe(24)}\n".encode(),
    }
    return {name: key for name, key in keys.items() if not found.get(name)}


def _must_be_renewed(files: dict[str, bytes], now: datetime) -> bool:
    """Return whether a file cannot be used in some weeks."""
    pki = RouterPki(files[AUTHORITY], files[CLIENT], files[SERVER])
    return bool(pki_problem(pki, now + _RENEWED_BEFORE))


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    if not files:
        return
    with _errors_named(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            write_atomically(str(folder / name), content)


def _end_promotion(folder: Path) -> None:
    """End what a killed run has begun: some of the next keys are current already."""
    waiting = [name for name in _ROTATED if (folder / _NEXT / name).exists()]
    if waiting and len(waiting) < len(_ROTATED):
        promote_next(folder, check=False)


def promote_next(folder: Path, *, check: bool) -> bool:
    """Make the next keys the current ones, and those the former ones; return whether there are."""
    return _replace_current(folder, _NEXT, _FORMER, check=check)


def restore_former(folder: Path, *, check: bool) -> bool:
    """Put the keys before the last change back; return whether there are any.

    Keys that no router has yet are removed. Those that were current wait in ``next``, since the
    router trusts them, too: the next run ends the rotation.
    """
    if not is_rotating(folder):
        return _replace_current(folder, _FORMER, _NEXT, check=check)
    if not check:
        with _errors_named(folder):
            for name in _ROTATED:
                (folder / _NEXT / name).unlink(missing_ok=True)
    return True


def _replace_current(folder: Path, source: str, target: str, *, check: bool) -> bool:
    """Move keys from one folder to the current ones, and keep those in another folder."""
    names = [name for name in _ROTATED if (folder / source / name).exists()]
    if names and not check:
        with _errors_named(folder):
            (folder / target).mkdir(mode=0o700, exist_ok=True)
            for name in names:
                # No name is ever missing, also if this run is killed.
                current = (folder / name).read_bytes()
                write_atomically(str(folder / target / name), current)
                (folder / source / name).replace(folder / name)
    return bool(names)


@contextlib.contextmanager
def _errors_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ShippingError(
            f"cannot write the keys of the router to {folder} on the control node",
            os_words(error),
            "Set router_pki to a folder that this account can write to",
        ) from error
