# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a detached worker: lines of JSON that others read while it works.

Beside it, for a moment, lies what the worker needs and what must not be written anywhere in clear:
credentials of registries, and the words to hide. It is sealed with a one-time pad that only the
worker is given, and gone as soon as the worker has read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from .mask import mask

_KEEP_SECONDS = 7 * 86400


def folder() -> str:
    """Where journals are, private to the user that runs the module."""
    base = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    path = os.path.join(base, "shipping.code")
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path


def path_for(app: str, run: str) -> str:
    """The journal of a run; journals that nobody has read for a week are removed."""
    place = folder()
    for name in os.listdir(place):
        old = os.path.join(place, name)
        with contextlib.suppress(OSError):
            if time.time() - os.stat(old).st_mtime > _KEEP_SECONDS:
                os.unlink(old)
    return os.path.join(place, f"{app}-{run.rpartition(' ')[2]}.jsonl")


def seal(journal: str, content: dict[str, Any]) -> str:
    """Put ``content`` beside the journal, unreadable without the key that is returned."""
    data = json.dumps(content).encode()
    pad = secrets.token_bytes(len(data))
    with _private(f"{journal}.sealed") as stream:
        stream.write(bytes(one ^ other for one, other in zip(data, pad)))
    return pad.hex()


def unseal(journal: str, key: str) -> dict[str, Any]:
    """What was sealed; it can be read once."""
    path = f"{journal}.sealed"
    with open(path, "rb") as stream:
        data = stream.read()
    os.unlink(path)
    content: dict[str, Any] = json.loads(bytes(one ^ other for one, other in zip(data, bytes.fromhex(key))))
    return content


def _private(path: str) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


@dataclass
class Journal:
    """Where a worker writes what it does."""

    path: str
    words: list[str] = field(default_factory=list)

    def start(self) -> None:
        """Say who writes."""
        with _private(self.path):
            pass
        self._write({"kind": "start", "pid": os.getpid(), "born": _born(os.getpid())})

    def line(self, text: str) -> None:
        """One line for people."""
        self._write({"kind": "line", "text": text})

    def end(self, result: dict[str, Any]) -> None:
        """The result; nothing follows."""
        self._write({"kind": "end", "result": result})

    def _write(self, entry: dict[str, Any]) -> None:
        line = json.dumps({"time": round(time.time(), 3), **mask(entry, self.words)}) + "\n"
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(line)


@dataclass(frozen=True)
class Pages:
    """What a reader found: complete entries, where to go on, and whether the writer is alive."""

    entries: list[dict[str, Any]]
    offset: int
    alive: bool


def read(path: str, offset: int) -> Pages:
    """What has been written since ``offset``; raises OSError where the journal cannot be read."""
    if not os.path.exists(path):
        return Pages([], offset, True)
    with open(path, "rb") as stream:
        first = stream.readline()
        stream.seek(offset)
        content = stream.read()
    whole = content[: content.rfind(b"\n") + 1]
    entries = [json.loads(line) for line in whole.splitlines()]
    start = json.loads(first) if first.endswith(b"\n") else {}
    return Pages(entries, offset + len(whole), not start or _born(start["pid"]) == start["born"])


def _stillborn(results_file: str) -> str:
    """Why a worker ended before its journal began, from the file where Ansible keeps its result."""
    try:
        with open(results_file, encoding="utf-8") as stream:
            result = json.load(stream)
    except (OSError, ValueError):
        return ""
    return str(result.get("msg") or result.get("stderr") or "") if result.get("failed") or result.get("stderr") else ""


def wait(path: str, offset: int, seconds: float, results_file: str = "") -> Pages:
    """As :func:`read`, but waits for something new."""
    deadline = time.monotonic() + seconds
    while True:
        pages = read(path, offset)
        stillborn = _stillborn(results_file) if offset == 0 and not pages.entries else ""
        if stillborn:
            return Pages(
                [{"kind": "end", "result": {"verdict": "failed", "reason": f"the worker could not begin: {stillborn}", "failures": [], "warnings": []}}],
                0,
                False,
            )
        if pages.entries or not pages.alive or time.monotonic() > deadline:
            return pages
        time.sleep(0.1)


def _born(pid: int) -> str:
    """When a process was started, in ticks since boot; empty where it does not run."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def clear(path: str, results_file: str, seconds: float = 3) -> None:
    """Remove a journal that has ended, and Ansible's file with the worker's result as soon as it is whole."""
    deadline = time.monotonic() + seconds
    while results_file and not _is_whole(results_file) and time.monotonic() < deadline:
        time.sleep(0.05)
    for name in filter(None, (path, f"{path}.sealed", results_file)):
        with contextlib.suppress(OSError):
            os.unlink(name)


def _is_whole(results_file: str) -> bool:
    """Whether the wrapper has written the worker's result in place of its first note."""
    try:
        with open(results_file, encoding="utf-8") as stream:
            return "started" not in json.load(stream)
    except (OSError, ValueError):
        return False
