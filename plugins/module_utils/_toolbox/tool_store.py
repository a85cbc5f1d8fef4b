# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store each version of each tool in a folder, named by the hash of its inputs.

An object is built in its final place. It is complete when its marker has been renamed in. The
marker has each file's size, times and mode, so that a change is found without reading the file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from . import acl
from .atomic_files import make_folder, read_json, remove, write_json
from .delivery_errors import DeliveryError
from .generation_model import Generation
from .installer_registry import INSTALLERS
from .installers.installer import Build, SystemFacts
from .wanted_tools import Source

_MARKER = "complete"
_SENT = "given"
# slug() returns no ~, so that no other object's key begins with this.
_AGAIN = "~"


class Store:
    """The folder ``store`` of a toolbox."""

    def __init__(self, root: str) -> None:
        self.folder = os.path.join(root, "store")

    def sent_folder(self, place: str) -> str:
        """Return the folder of an object for the files from the controller."""
        return self.path(place, _SENT)

    def path(self, place: str, *parts: str) -> str:
        """Return a path in an object's folder."""
        return os.path.join(self.folder, place, *parts)

    def places(self) -> list[str]:
        """Return all folders, complete or not."""
        return sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else []

    def is_complete(self, place: str) -> bool:
        """Return whether the object was once finished."""
        return os.path.isfile(self.path(place, _MARKER))

    def is_sound(self, place: str) -> bool:
        """Return whether it is complete and unchanged."""
        marker = read_json(self.path(place, _MARKER))
        if not isinstance(marker, dict):
            return False
        top = self.path(place, "files")
        return all(
            _fingerprint(os.path.join(top, name)) == known
            for name, known in marker["files"].items()
        )

    def files(self, place: str) -> list[str]:
        """Return the paths of all files of a finished object."""
        marker = read_json(self.path(place, _MARKER))
        return list(marker["files"]) if isinstance(marker, dict) else []

    def find(self, key: str) -> str:
        """Return the place of an unchanged object; empty if the store does not have it."""
        if self.is_sound(key):
            return key
        others = (place for place in self.places() if place.startswith(f"{key}{_AGAIN}"))
        return next((place for place in others if self.is_sound(place)), "")

    def free_place(self, key: str) -> str:
        """Return a place for an object.

        A damaged one stays beside it, as long as users may be running it.
        """
        number = 1
        while True:
            place = key if number == 1 else f"{key}{_AGAIN}{number}"
            if not self.is_complete(place):
                return place
            number += 1

    def make_place(self, key: str) -> str:
        """Create an empty folder for an object that is to be built; return its place."""
        place = self.free_place(key)
        remove(self.path(place))
        make_folder(self.folder, 0o711)
        # The top is closed until allow() names users. Below it, all of them may read.
        for part, mode in (("", 0o700), (_SENT, 0o700), ("files", 0o755)):
            make_folder(self.path(place, part), mode)
        return place

    def install(
        self, place: str, source: Source, facts: SystemFacts, programs: Mapping[str, str]
    ) -> list[str]:
        """Build the object from the files of the bundle, with the programs by their paths.

        Return the notes of its installer.
        """
        sent, target = self.path(place, _SENT), self.path(place, "files")
        notes = INSTALLERS[source.type].install(
            Build(sent, target, source.tool, source.details, source.commands, facts, programs)
        )
        for path in sorted(set(source.commands.values())):
            _make_executable(target, path, source)
        remove(sent)
        self.finish(place)
        return notes or []

    def finish(self, place: str) -> None:
        """Write the marker, which completes the object."""
        top = self.path(place, "files")
        fingerprints = {name: _fingerprint(os.path.join(top, name)) for name in _files(top)}
        # Without fsync, since a delivery may build hundreds: if a power cut empties a marker, the
        # object counts as changed and is built again.
        write_json(self.path(place, _MARKER), {"files": fingerprints}, lasting=False)

    def allow(self, place: str, uids: Collection[int]) -> bool:
        """Let exactly these users use an object."""
        return acl.allow(self.path(place), uids)

    def users(self, place: str) -> set[int]:
        """Return the users that may use an object."""
        return acl.users(self.path(place))

    def remove(self, place: str) -> None:
        """Remove an object, its marker first: so a part of it never counts as complete."""
        remove(self.path(place, _MARKER))
        remove(self.path(place))


def damaged_tools(root: str, generation: Generation) -> list[str]:
    """Return the tools of a generation whose objects were changed."""
    store = Store(root)
    return sorted(
        {
            f"{tool.project} {tool.name}"
            for _view, tool in generation.tools
            if tool.place and not store.is_sound(tool.place)
        }
    )


def _make_executable(top: str, path: str, source: Source) -> None:
    """Make the file of a command executable; it must exist in the object's folder."""
    full = os.path.join(top, path)
    inside = os.path.realpath(os.path.dirname(full)).startswith(os.path.realpath(top))
    # By its real path: an archive may have links between its folders.
    if not inside or not os.path.isfile(full):
        raise DeliveryError(
            f"{source.tool} of {source.project} has no {path}",
            "the catalog names it as a command",
            "Correct commands in the catalog, or strip",
        )
    if not os.path.islink(full):
        mode = os.stat(full).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
        os.chmod(full, mode)


def _files(top: str) -> Iterator[str]:
    """Yield files and links below a folder, by their path in it."""
    for folder, folders, files in os.walk(top):
        # os.walk() lists a link to a folder as a folder, and does not enter it.
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in (*files, *links):
            yield os.path.relpath(os.path.join(folder, name), top)


def _fingerprint(path: str) -> Any:
    """Return values that show a change of a file; users cannot set its ctime."""
    try:
        about = os.lstat(path)
    except OSError:
        return None
    if stat.S_ISLNK(about.st_mode):
        return os.readlink(path)
    # Hashes would need to read each file in each delivery, 500 MB for a large tool.
    return [about.st_mode, about.st_uid, about.st_size, about.st_mtime_ns, about.st_ctime_ns]
