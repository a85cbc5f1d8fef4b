# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write what is wanted and what was delivered, in the folder ``state_path``.

::

    state_path/
      wanted.json          {"format": 1, "cookie": TEXT or null, "membership": MEMBERSHIP,
                           "recent_removals": [[SECOND, ...], ...]}
      delivered/HOST.json  {"format": 1, "host": NAME, "revision": TEXT,
                           "users": [{id, name, projects}]}
      pending.json         {"format": 1, "membership": MEMBERSHIP,
                           "since": {NAME: REVISION, ...}, "served": [NAME, ...]}
      delivered.cache      {"format": 1, "read": {FILE: [FINGERPRINT, CONTENT], ...}}

- Only the event source writes ``wanted.json``: the directory's complete answer (see
  ``Membership.as_data``), the cookie that marks this answer's place in the directory's stream of
  changes, and the recent removals for the removal limit. One file holds all three, so that none is
  newer than the others.
- Only the delivery writes ``delivered/HOST.json``, after the host has reported ready: the host
  assignment that it received. Each host has its own file, so that parallel hosts and limited runs
  do not conflict.
- The event source writes ``pending.json`` right after ``wanted.json``. It holds only the hosts that
  have not received what is wanted, so that the play of an event reads no more; ``served`` lists the
  others, and ``since`` gives the revision at which a host became pending. The file is a shortcut:
  if it is older or damaged or missing, or if a served host has no ``delivered`` file, readers use
  ``wanted.json``.
- ``delivered.cache`` is the readers' copy of ``delivered``, because a play for one host of
  thousands reads all of it three times. Any reader writes it; you may delete it at any time.
- One rename replaces a file, and only its owner may read it (0600, folders 0700). A reader sees the
  former content or the new one, and needs no lock.
- A host is pending if its users differ from the delivered ones, or if nothing was delivered yet.
  Hints and the revision do not count, with two exceptions. An assignment that is known to be older
  than the delivered one is not pending. A host whose delivered revision is older than ``since`` is
  pending even if its users are equal: an assignment from in between may be on its way, as when a
  user leaves while a delivery is still installing the user's tools.
- A host that is no longer wanted has left the fleet. Its ``delivered`` file stays until
  ``forget_delivered``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ...module_utils._core.atomic_write import write_atomically
from ...module_utils._toolbox.revision_order import compare, is_older, is_revision
from .._directory.directory_errors import Contradiction, Inaccessible
from .._directory.distinguished_names import host_name
from .assignments import Host, Membership, record

FORMAT = 1
_CACHE = "delivered.cache"
_MANY = 100
"""The number of files read from which on writing the cache pays off."""


@dataclasses.dataclass(frozen=True)
class WantedMembership:
    """The answer that the event source has seen, and the cookie to resume from."""

    membership: Membership
    cookie: str | None = None


def read_wanted(folder: str | Path) -> WantedMembership:
    """Return what is wanted; raise Inaccessible if that is unknown."""
    path = Path(folder) / "wanted.json"
    data = _read(path)
    if data is None:
        raise Inaccessible(
            f"{path} does not exist",
            "",
            "Start the event source that writes it, correct state_path, or write source: directory",
        )
    return wanted_in(data, str(path))


def write_wanted(folder: str | Path, wanted: WantedMembership) -> None:
    """Replace what is wanted, and the cookie with it."""
    write(
        Path(folder),
        "wanted.json",
        {"format": FORMAT, "cookie": wanted.cookie, "membership": wanted.membership.as_data()},
    )


def read_pending(folder: str | Path) -> Membership:
    """Return what is wanted, with pending hosts only."""
    shortcut = _read_shortcut(Path(folder))
    if shortcut is None:
        wanted = read_wanted(folder).membership
        return dataclasses.replace(wanted, hosts=pending(wanted, read_delivered(folder)))
    return _only_pending(Path(folder), *shortcut)


def _read_shortcut(folder: Path) -> tuple[Membership, dict[str, str]] | None:
    wanted, shortcut = folder / "wanted.json", folder / "pending.json"
    with contextlib.suppress(OSError, Contradiction):
        # wanted.json is written first: an older shortcut is from before it.
        if shortcut.stat().st_mtime_ns >= wanted.stat().st_mtime_ns:
            data = _shaped(_read(shortcut), str(shortcut), membership=dict, served=list)
            if {f"{name}.json" for name in data["served"]} <= set(os.listdir(folder / "delivered")):
                return wanted_in({**data, "cookie": None}, str(shortcut)).membership, _since_in(
                    data, str(shortcut)
                )
    return None


def read_since(folder: str | Path) -> dict[str, str]:
    """Return the hosts that were pending when the event source wrote last.

    Each has the revision at which it became pending.
    """
    path = Path(folder) / "pending.json"
    with contextlib.suppress(Inaccessible, Contradiction):
        return _since_in(_read(path), str(path))
    return {}


def _only_pending(folder: Path, membership: Membership, since: Mapping[str, str]) -> Membership:
    """Return a membership with pending hosts only.

    Only the files of these hosts are read.
    """
    delivered = read_delivered_to(folder, [host.name for host in membership.hosts])
    return dataclasses.replace(membership, hosts=pending(membership, delivered, since))


def read_delivered_to(folder: str | Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the assignment that each of these hosts has received, if any.

    Only the files of these hosts are read.
    """
    paths = {name: Path(folder) / "delivered" / f"{name}.json" for name in names}
    contents = {name: (_read(path), str(path)) for name, path in paths.items()}
    return {
        name: delivered_in(data, path)
        for name, (data, path) in contents.items()
        if data is not None
    }


def write_pending(
    folder: str | Path, membership: Membership, since: Mapping[str, str]
) -> dict[str, str]:
    """Write the pending hosts; return them with their revisions.

    Only hosts in ``since`` can be pending.
    """
    hosts = tuple(host for host in membership.hosts if host.name in since)
    unserved = _only_pending(Path(folder), dataclasses.replace(membership, hosts=hosts), since)
    behind = {host.name: since[host.name] for host in unserved.hosts}
    served = [host.name for host in membership.hosts if host.name not in behind]
    content = {
        "format": FORMAT,
        "membership": unserved.as_data(),
        "since": behind,
        "served": served,
    }
    # Not ``lasting``: where a power cut has emptied it, wanted.json is read.
    replace_file(Path(folder), "pending.json", json.dumps(content), lasting=False)
    return behind


def read_delivered(folder: str | Path) -> dict[str, dict[str, Any]]:
    """Return the assignment that each host has received."""
    cached = _read_cache(Path(folder))
    records, uncached = {}, 0
    for name, path, fingerprint in _files(Path(folder) / "delivered"):
        record = cached.get(name)
        if record is None or record[0] != fingerprint:
            data = _read(Path(path))
            if data is None:
                continue
            record, uncached = [fingerprint, delivered_in(data, path)], uncached + 1
        records[name] = record
    if uncached > _MANY:
        with contextlib.suppress(Inaccessible):  # An account that may only read does without.
            replace_file(
                Path(folder), _CACHE, json.dumps({"format": FORMAT, "read": records}), lasting=False
            )
    return {record["host"]: record for _fingerprint, record in records.values()}


def _files(folder: Path) -> list[tuple[str, str, list[int]]]:
    """Return name, path and fingerprint of each file.

    Files are replaced, not written to, so that other content is another inode.
    """
    try:
        with os.scandir(folder) as entries:
            files = [
                (entry.name, entry.path, entry.stat())
                for entry in entries
                if entry.name.endswith(".json")
            ]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unread(folder, error) from error
    return [
        (name, path, [status.st_ino, status.st_mtime_ns, status.st_size])
        for name, path, status in sorted(files)
    ]


def _read_cache(folder: Path) -> dict[str, list[Any]]:
    with contextlib.suppress(Inaccessible, Contradiction):
        data = _read(folder / _CACHE)
        if isinstance(data, dict) and data.get("format") == FORMAT:
            return dict(data["read"])
    return {}


def write_delivered(folder: str | Path, delivered: Mapping[str, Any]) -> None:
    """Store the assignment that a host has reported ready."""
    content = delivered_in({"format": FORMAT, **delivered}, "the record")
    write(Path(folder) / "delivered", f"{content['host']}.json", {"format": FORMAT, **content})


def forget_delivered(folder: str | Path, host: str) -> None:
    """Drop the record of a host, which has nothing any more.

    Use it for a host that was taken out of service, or that must be delivered to like a new one.
    """
    name = _host(host, "the record")
    with contextlib.suppress(FileNotFoundError):
        (Path(folder) / "delivered" / f"{name}.json").unlink()


def pending(
    wanted: Membership,
    delivered: Mapping[str, Mapping[str, Any]],
    since: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Host, ...]:
    """Return the pending hosts, each with all its users.

    ``since`` is the revision at which each host became pending, if known. Pure.
    """
    return tuple(
        host
        for host in wanted.hosts
        if _is_pending(host, wanted.revision, delivered.get(host.name), since.get(host.name))
    )


def _is_pending(
    host: Host, revision: str, delivered: Mapping[str, Any] | None, since: str | None
) -> bool:
    if delivered is None:
        return True
    # An answer from a cache or a lagging replica.
    if is_older(revision, delivered["revision"]):
        return False
    return record(host, revision)["users"] != delivered["users"] or (
        since is not None and not _is_from(since, delivered["revision"])
    )


def _is_from(since: str, revision: str) -> bool:
    """Return whether it is known to be from then or later, by the same server's numbers."""
    order = compare(revision, since)
    return not order.older and not order.other_source


def wanted_in(data: Any, where: str) -> WantedMembership:
    """Return the content of ``wanted.json``; raise Contradiction where it is broken. Pure."""
    # A damaged file ends the run: a delivery would remove what is missing in it.
    content = _shaped(data, where, cookie=(str, type(None)), membership=dict)
    membership = _shaped(
        content["membership"], where, revision=str, hosts=list, projects=dict, remarks=list
    )
    names = set()
    for host in membership["hosts"]:
        name = _host(_shaped(host, where, host=str, users=list)["host"], where)
        if name in names:
            raise _broken(where, f"it has the host {name} twice")
        names.add(name)
        _check_users(host["users"], where)
        for user in host["users"]:
            _shaped(user, where, hints=dict)
            if set(user["projects"]) - membership["projects"].keys():
                raise _broken(
                    where, f"{user['name']} is in a project that is not among the projects"
                )
    _check_revision(membership["revision"], where)
    _check_texts(
        [*membership["projects"], *membership["projects"].values(), *membership["remarks"]], where
    )
    return WantedMembership(Membership.from_data(membership), content["cookie"])


def _since_in(data: Any, where: str) -> dict[str, str]:
    since = dict(_shaped(data, where, since=dict)["since"])
    for text in since.values():
        _check_revision(text, where)
    return since


def delivered_in(data: Any, where: str) -> dict[str, Any]:
    """Return the content of a file in ``delivered``; raise where it is broken. Pure."""
    content = _shaped(data, where, host=str, revision=str, users=list)
    name = _host(content["host"], where)
    _check_revision(content["revision"], where)
    _check_users(content["users"], where)
    users = [
        {"id": user["id"], "name": user["name"], "projects": list(user["projects"])}
        for user in content["users"]
    ]
    return {"host": name, "revision": content["revision"], "users": users}


def _shaped(data: Any, where: str, **kinds: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping) or data.get("format", FORMAT) != FORMAT:
        raise _broken(where, f"it is not of format {FORMAT}")
    for name, kind in kinds.items():
        if name not in data or not isinstance(data[name], kind):
            raise _broken(where, f"its {name} is missing or of another type")
    return data


def _check_users(users: Iterable[Any], where: str) -> None:
    for user in users:
        _shaped(user, where, id=str, name=str, projects=list)
        _check_texts(user["projects"], where)


def _check_texts(values: Iterable[Any], where: str) -> None:
    if not all(isinstance(value, str) for value in values):
        raise _broken(where, "a value that must be a string has another type")


def _check_revision(text: str, where: str) -> None:
    if not is_revision(text):
        raise _broken(where, f"its revision {text!r} is invalid")


def _host(name: str, where: str) -> str:
    """Return a host's name, which is a file's name too."""
    if host_name(name, "") != name:
        raise _broken(where, f"{name!r} is no host's name in lower case")
    return name


def _broken(where: str, why: str) -> Contradiction:
    return Contradiction(
        f"{where} cannot be used",
        why,
        "Remove the file; the event source or the next delivery writes it again",
    )


def _read(path: Path) -> Any:
    """Return what a file holds; None where it does not exist."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unread(path, error) from error
    except ValueError as error:
        raise _broken(str(path), f"it is no JSON ({error})") from error


def write(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    """Replace a file of the state."""
    replace_file(folder, name, json.dumps(content, indent=1, sort_keys=True))


def replace_file(folder: Path, name: str, text: str, *, lasting: bool = True) -> None:
    """Replace a file of the state by one rename, readable only by its owner.

    One that is not ``lasting`` may be lost in a power cut.
    """
    try:
        # mkdir() by mkdir(): the mode of os.makedirs() applies to the last folder only.
        for place in reversed([folder, *folder.parents]):
            if not place.exists():
                place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritten(folder / name, error, "state_path") from error
    replace(folder / name, text, 0o600, "state_path", lasting=lasting)


def replace(path: Path, text: str, mode: int, option: str, *, lasting: bool = True) -> None:
    """Replace a file by one rename; ``option`` is the option that names its folder."""
    try:
        write_atomically(str(path), text.encode(), mode, lasting=lasting)
    except OSError as error:
        raise _unwritten(path, error, option) from error


def _unread(path: Path, error: OSError) -> Inaccessible:
    return Inaccessible(
        f"{path} cannot be read",
        error.strerror or type(error).__name__,
        "Correct state_path or its rights",
    )


def _unwritten(path: Path, error: OSError, option: str) -> Inaccessible:
    return Inaccessible(
        f"{path} cannot be written",
        error.strerror or type(error).__name__,
        f"Correct {option}, its rights or the space on its disk",
    )
