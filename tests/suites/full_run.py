# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last full run: when everything passed, at which commit, and how long each part took."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .selection import FileChange

PLACE = "tests/last-full-run.json"


@dataclass(frozen=True)
class FullRun:
    """The record; without one, everything counts as changed. Durations are in seconds."""

    commit: str = ""
    date: str = ""
    seconds: int = 0
    sessions: dict[str, int] = field(default_factory=dict)
    suites: dict[str, int] = field(default_factory=dict)


def read(root: Path) -> FullRun:
    """Read the record of a checkout; one that is missing or cannot be read is an empty one."""
    try:
        return FullRun(**json.loads((root / PLACE).read_text()))
    except FileNotFoundError:
        return FullRun()
    except (TypeError, ValueError) as error:
        print(f"{PLACE} cannot be read, so everything counts as changed: {error}")
        return FullRun()


def write(root: Path, run: FullRun) -> None:
    """Write the record."""
    (root / PLACE).write_text(json.dumps(asdict(run), indent=2) + "\n")


def head(root: Path) -> str:
    """Return the hash of the commit that is checked out."""
    return _git(root, "rev-parse", "HEAD").strip()


def is_clean(root: Path) -> bool:
    """Return whether the files are exactly those of the commit."""
    return not _git(root, "status", "--porcelain")


def changes(root: Path, run: FullRun) -> list[FileChange]:
    """Return what changed since the record's commit; all files, where that is unknown here.

    The record itself is written after the commit that it speaks of, and is left out.
    """
    known = run.commit and not _fails(root, "merge-base", "--is-ancestor", run.commit, "HEAD")
    since = [f"{run.commit}..HEAD"] if known else []
    log = _git(root, "log", "--format=%x00%ct", "--name-only", "--no-renames", *since)
    newest: dict[str, float] = {}
    for entry in log.split("\0")[1:]:
        when, *names = entry.split("\n")
        for name in filter(None, names):
            newest.setdefault(name, float(when))
    for name in _uncommitted(root):
        newest[name] = time.time()
    newest.pop(PLACE, None)
    return [FileChange(name, when) for name, when in newest.items()]


def _uncommitted(root: Path) -> Iterator[str]:
    listed = _git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")
    yield from (entry[3:] for entry in listed.split("\0") if entry)


def _git(root: Path, *words: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *words]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout


def _fails(root: Path, *words: str) -> bool:
    return (
        subprocess.run(["git", *words], cwd=root, check=False, capture_output=True).returncode != 0
    )
