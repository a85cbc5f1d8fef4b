# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store generations: ``generations/N`` with a view for each user, and the link ``current``.

A draft becomes a generation by one rename, and the current one by another.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from . import acl
from .atomic_files import (
    link,
    make_folder,
    points_to,
    read_json,
    read_text,
    remove,
    write,
    write_json,
)
from .generation_model import Generation, Tool, View
from .shell_files import by_view_path
from .tool_store import Store
from .view_layout import TOOLS, TOOLS_SCRIPT, contents

_RECORD = "generation.json"
_DRAFT = "draft"


class Generations:
    """The folder ``generations`` of a toolbox and the link ``current``."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.folder = os.path.join(root, "generations")
        self.current_link = os.path.join(root, "current")
        self._shell_files: dict[tuple[str, ...], dict[str, str]] = {}

    def numbers(self) -> list[int]:
        """Return the numbers of all generations."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return sorted(int(name) for name in names if name.isdigit())

    def read(self, number: int) -> Generation | None:
        """Return a generation; None if it does not exist or is not readable."""
        data = read_json(os.path.join(self.folder, str(number), _RECORD))
        try:
            return Generation.from_data(data) if data else None
        except (KeyError, TypeError):
            return None

    def current(self) -> Generation:
        """Return the generation that users see; number 0 before the first delivery."""
        head, number = os.path.split(points_to(self.current_link))
        if head != "generations" or not number.isdigit():
            return Generation()
        return self.read(int(number)) or Generation()

    def next_number(self) -> int:
        """Return a number that no generation has had."""
        return max([0, *self.numbers()]) + 1

    def draft(self, views: Iterable[View]) -> str:
        """Write the views beside the generations; return the draft's folder."""
        make_folder(self.folder, 0o711)
        folder = os.path.join(self.folder, _DRAFT)
        remove(folder)
        make_folder(folder, 0o711)
        make_folder(os.path.join(folder, "users"), 0o711)
        write(os.path.join(folder, TOOLS), TOOLS_SCRIPT, 0o755)
        for view in views:
            self._write_view(folder, view)
        return folder

    def _write_view(self, folder: str, view: View) -> None:
        top = os.path.join(folder, "users", view.name)
        os.mkdir(top, 0o700)
        for part in ("bin", "share"):
            make_folder(os.path.join(top, part), 0o755)
        layout = contents(self.root, view, self.shell_files)
        for name, target in layout.links.items():
            path = os.path.join(top, name)
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            os.symlink(target, path)
        for name, text in layout.texts.items():
            # Without fsync: if a power cut has emptied a file, is_sound() finds it, and the next
            # delivery writes the view again.
            write(os.path.join(top, name), text, 0o644, lasting=False)
        for name, text in layout.launchers.items():
            write(os.path.join(top, name), text, 0o755, lasting=False)
        # The folder was created for root only: users enter complete views only.
        acl.allow(top, {view.uid})

    def shell_files(self, tool: Tool) -> dict[str, str]:
        """Return the man pages and completions of a tool: paths in its object by paths in a view.

        Read once for all users of a tool, which may have thousands of files.
        """
        key = (tool.place, *sorted(tool.commands))
        if key not in self._shell_files:
            files = Store(self.root).files(tool.place)
            self._shell_files[key] = by_view_path(files, sorted(tool.commands))
        return self._shell_files[key]

    def discard(self) -> None:
        """Remove the draft."""
        remove(os.path.join(self.folder, _DRAFT))

    def publish(self, generation: Generation) -> None:
        """Turn the draft into a generation."""
        draft = os.path.join(self.folder, _DRAFT)
        # Before the rename, so that whatever has a number also has its record.
        write_json(os.path.join(draft, _RECORD), generation.as_data())
        os.rename(draft, os.path.join(self.folder, str(generation.number)))

    def switch(self, number: int) -> None:
        """Switch all views to a generation, by one rename."""
        link(os.path.join("generations", str(number)), self.current_link)

    def is_sound(self, generation: Generation) -> bool:
        """Return whether the views on the disk are as they were written."""
        top = os.path.join(self.folder, str(generation.number))
        if read_text(os.path.join(top, TOOLS)) != TOOLS_SCRIPT:
            return False
        users = os.path.join(top, "users")
        # A view that was added or removed by hand counts, too.
        names = sorted(os.listdir(users)) if os.path.isdir(users) else None
        return names == sorted(view.name for view in generation.views) and all(
            self._view_is_sound(top, view) for view in generation.views
        )

    def _view_is_sound(self, folder: str, view: View) -> bool:
        top = os.path.join(folder, "users", view.name)
        layout = contents(self.root, view, self.shell_files)
        texts = {**layout.texts, **layout.launchers}
        starts = (*layout.links, *layout.launchers)
        commands = sorted(name[4:] for name in starts if name.startswith("bin/"))
        return (
            all(
                points_to(os.path.join(top, name)) == target
                for name, target in layout.links.items()
            )
            and all(read_text(os.path.join(top, name)) == text for name, text in texts.items())
            and sorted(os.listdir(os.path.join(top, "bin"))) == commands
        )

    def allow(self, generation: Generation, *, visible: bool) -> bool:
        """Allow users to enter their views, or none of them; return whether that was a change."""
        top = os.path.join(self.folder, str(generation.number), "users")
        changed = False
        for view in generation.views:
            path = os.path.join(top, view.name)
            if os.path.isdir(path):
                changed |= acl.allow(path, {view.uid} if visible else set())
        return changed

    def remove_others(self, kept: set[int]) -> list[str]:
        """Remove drafts, and generations that are not kept; return their names."""
        names = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        removed = sorted(name for name in names if not (name.isdigit() and int(name) in kept))
        for name in removed:
            remove(os.path.join(self.folder, name))
        return removed


def publish_draft(
    root: str, views: tuple[View, ...], now: str, rolled_back_to: int | None = None
) -> Generation:
    """Turn the draft into a generation, switch to it, and return it."""
    generations = Generations(root)
    ready = tuple(
        view.map_tools(lambda tool: tool._replace(ready=tool.ready or now)) for view in views
    )
    generation = Generation(generations.next_number(), now, ready, rolled_back_to)
    generations.publish(generation)
    generations.switch(generation.number)
    return generation


def utc_now() -> str:
    """Return the current time in UTC, in the form of generations."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
