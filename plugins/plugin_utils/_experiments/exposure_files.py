# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder with the data of an experiment: what the router logged, by unit.

::

    exposures/FROM-TO.jsonl  {"unit", "arm", "first", "last", "requests", "errors", "duration"}
    events/FROM-TO.jsonl     {"unit", "arm", "time", "name", "value", "id"}
    looks.jsonl              the primary response at each look, for the timeline of the report

A file has the lines of one look, from FROM to TO in milliseconds since 1970. Files are written once
and never changed, so that an analysis of the same files has the same result. An exposure has the
sums of a unit with one arm in that time; ``first`` and ``last`` are times of requests. Times are
seconds since 1970, durations milliseconds. A unit is its HMAC in hex. ``value`` may be null,
``id`` empty.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from ...module_utils._core.atomic_write import write_atomically

EXPOSURES, EVENTS = "exposures", "events"
EXPOSURE_FIELDS = ("unit", "arm", "first", "last", "requests", "errors", "duration")
EVENT_FIELDS = ("unit", "arm", "time", "name", "value", "id")
_LOOKS = "looks.jsonl"
_MOST_LOOKS = 1000
_FIELDS = {EXPOSURES: EXPOSURE_FIELDS, EVENTS: EVENT_FIELDS}


@dataclass(frozen=True)
class DataFolder:
    """The data of one experiment on the control node."""

    path: Path

    def files(self, kind: str) -> list[Path]:
        """Return the files of exposures or events, the oldest first."""
        return sorted(self.path.joinpath(kind).glob("*-*.jsonl"), key=_span)

    @property
    def cursor(self) -> float | None:
        """Return the time up to which the data are complete, in seconds; None without data."""
        # Exposures are written last, so that a look that was killed begins again at its start.
        files = self.files(EXPOSURES)
        return _span(files[-1])[1] / 1000 if files else None

    def add(self, begin: float, end: float, rows: Mapping[str, Iterable[Iterable[Any]]]) -> None:
        """Write the rows of a look, by kind in the order of the fields."""
        name = f"{round(begin * 1000)}-{round(end * 1000)}.jsonl"
        for kind in (EVENTS, EXPOSURES):
            folder = self.path / kind
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fields = _FIELDS[kind]
            lines = (json.dumps(dict(zip(fields, row, strict=True))) for row in rows[kind])
            content = "".join(f"{line}\n" for line in lines)
            write_atomically(os.fspath(folder / name), content.encode(), lasting=True)

    def looks(self) -> list[dict[str, Any]]:
        """Return the looks of the timeline, the oldest first."""
        path = self.path / _LOOKS
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def add_look(self, look: Mapping[str, Any]) -> None:
        """Add a look if its data are others than at the last one."""
        former = self.looks()
        if former and former[-1]["digest"] == look["digest"]:
            return
        content = "".join(f"{json.dumps(entry)}\n" for entry in [*former, look][-_MOST_LOOKS:])
        write_atomically(os.fspath(self.path / _LOOKS), content.encode(), lasting=True)

    def digest(self, others: Iterable[Path] = ()) -> str:
        """Return the hash of all data, with those of other files."""
        whole = sha256()
        for path in chain(self.files(EXPOSURES), self.files(EVENTS), sorted(others)):
            whole.update(f"{path.parent.name}/{path.name}\0".encode())
            whole.update(sha256(path.read_bytes()).digest())
        return whole.hexdigest()

    def remove_before(self, time: float) -> list[Path]:
        """Remove files that end before a time, by the retention; return those removed."""
        files = [*self.files(EXPOSURES), *self.files(EVENTS)]
        old = [path for path in files if _span(path)[1] <= time * 1000]
        for path in old:
            path.unlink()
        return old


def _span(path: Path) -> tuple[int, int]:
    begin, _dash, end = path.stem.partition("-")
    return int(begin), int(end)
