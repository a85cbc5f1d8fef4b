# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a worker: lines of JSON that others read while it works."""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import ShippingError, os_words
from .._core.masking import mask

_KEEP_SECONDS = 7 * 86400


def folder() -> str:
    """Return the folder of the journals, private to the user that runs the module."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = os.path.join(base, "shipping.code")
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        # exist_ok accepts an existing folder of another user, as after become.
        os.listdir(path)
    except OSError as error:
        raise ShippingError(
            f"cannot keep a journal in {path}",
            os_words(error),
            "Set XDG_STATE_HOME to a folder of that user",
        ) from error
    return path


def path_for(app: str, run: str) -> str:
    """Return the path of a run's journal; remove those that were not read for a week."""
    parent = folder()
    for name in os.listdir(parent):
        journal = os.path.join(parent, name)
        # Another run on this host may remove the same journals now.
        with contextlib.suppress(OSError):
            if time.time() - os.stat(journal).st_mtime > _KEEP_SECONDS:
                os.unlink(journal)
    return os.path.join(parent, f"{app}-{run.rpartition(' ')[2]}.jsonl")


def _open_private(path: str) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


@dataclass
class Journal:
    """A file to which a worker writes what it does."""

    path: str
    words: list[str] = field(default_factory=list)

    def hide(self, text: str) -> str:
        """Return a text without the words that must not be shown."""
        return str(mask(text, self.words))

    def start(self) -> None:
        """Write which process this is, so that readers see whether it is alive."""
        # The mode has to be there from the first byte: open() makes files that others may read.
        with _open_private(self.path):
            pass
        self._write({"kind": "start", "pid": os.getpid(), "born": _born(os.getpid())})

    def write_line(self, text: str) -> None:
        """Write one line of progress."""
        self._write({"kind": "line", "text": text})

    def end(self, result: dict[str, Any]) -> None:
        """Write the result; nothing follows."""
        self._write({"kind": "end", "result": result})

    def _write(self, entry: dict[str, Any]) -> None:
        line = json.dumps({"time": round(time.time(), 3), **mask(entry, self.words)}) + "\n"
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(line)


@dataclass(frozen=True)
class Pages:
    """Complete entries of a journal, the next offset, and whether the writer is alive."""

    entries: list[dict[str, Any]]
    offset: int
    alive: bool

    @property
    def ended(self) -> bool:
        """Return whether the result is among them."""
        return any(entry["kind"] == "end" for entry in self.entries)


def read(path: str, offset: int) -> Pages:
    """Return what has been written since ``offset``; raise OSError where that is not possible."""
    # A worker that has only just been started has no journal yet.
    if not os.path.exists(path):
        return Pages([], offset, True)
    with open(path, "rb") as stream:
        first = stream.readline()
        start = json.loads(first) if first.endswith(b"\n") else {}
        # Checked before the rest is read: a writer that ends between the two has written its last
        # entry, and has not been killed.
        alive = not start or _born(start["pid"]) == start["born"]
        stream.seek(offset)
        content = stream.read()
    # The writer may be in the middle of a line; it is read next time.
    whole = content[: content.rfind(b"\n") + 1]
    entries = [json.loads(line) for line in whole.splitlines()]
    return Pages(entries, offset + len(whole), alive)


def read_new(path: str, offset: int, seconds: float) -> Pages:
    """Return the same, after a wait for something new."""
    deadline = time.monotonic() + seconds
    while True:
        pages = read(path, offset)
        if pages.entries or not pages.alive or time.monotonic() > deadline:
            return pages
        time.sleep(0.1)


def _born(pid: int) -> str:
    """Return when a process was started, in ticks since boot; empty where it does not run."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            # proc(5): the name of the program may have blanks and parentheses. Field 3 is the
            # state, field 22 the start time, which a reused pid does not share.
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return ""
    # A zombie has ended, although it still has a process id.
    return "" if fields[0] == "Z" else fields[19]


def remove_journal(path: str) -> None:
    """Remove a journal that has been read to its end."""
    with contextlib.suppress(OSError):
        os.unlink(path)
