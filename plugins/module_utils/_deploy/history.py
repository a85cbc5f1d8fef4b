# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of an app: their records, and the target of a rollback."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._core.content_ids import canonical
from .._core.errors import PlanError, PlatformError
from .health import LIVE, PENDING, ROLLED_BACK_RELEASE
from .naming import LABEL
from .resolution import Resolved

# Bytes: a Swarm's config takes about 1,000 kB, a Secret of Kubernetes 1 MiB.
RECORD_LIMIT = 900_000
REASON_LIMIT = 4_000
NOTES_LIMIT = 4_000
_NUMBER, _STATE, _REASON, _VERSION = (
    f"{LABEL}{name}" for name in ("release", "state", "reason", "version")
)
_JOBS = f"{LABEL}jobs"
_RAMP, _MEASURED = f"{LABEL}ramp", f"{LABEL}measured"
_TEXTS = (
    "by",
    "commit",
    "branch",
    "preview_of",
    "release_notes",
    "started",
    "ended",
    "rollback_of",
    "content",
)


@dataclass(frozen=True)
class Record:
    """One release: its description, its outcome, and the full spec to restore it.

    ``jobs`` has the hash by which each job of the app has run last; see job_runs. ``preview_of`` is
    the app that this one is a preview of. ``ramp`` has the steps and the state of a canary or
    blue-green release, and ``measured`` what its checks have measured.
    """

    number: int
    version: str
    state: str = PENDING
    reason: str = ""
    by: str = ""
    commit: str = ""
    started: str = ""
    ended: str = ""
    rollback_of: str = ""
    content: str = ""
    resolved: Resolved = field(default_factory=Resolved)
    id: str = ""
    index: int = 0
    jobs: Mapping[str, str] = field(default_factory=dict)
    release_notes: str = ""
    branch: str = ""
    preview_of: str = ""
    ramp: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    def labels(self) -> dict[str, str]:
        """Return the fields that may change, and those to read without opening the record."""
        # In labels, since a Swarm never changes the data of a config, and the outcome is not known
        # when the record is written.
        texts = {f"{LABEL}{name}": getattr(self, name) for name in _TEXTS if getattr(self, name)}
        jobs = {_JOBS: json.dumps(dict(self.jobs), sort_keys=True)} if self.jobs else {}
        # An empty text replaces what an earlier write has left.
        ramp = {_RAMP: _json(self.ramp), _MEASURED: _json(self.measured)} if self.ramp else {}
        return {
            **texts,
            **jobs,
            **ramp,
            _NUMBER: str(self.number),
            _STATE: self.state,
            # Cut in bytes, so that the last character may be a part of one.
            _REASON: self.reason.encode()[:REASON_LIMIT].decode("utf-8", "ignore"),
            _VERSION: self.version,
        }

    def data(self) -> bytes:
        """Return the compressed canonical spec; raise PlanError where it is too large."""
        packed = zlib.compress(canonical(self.resolved.as_data()).encode(), 9)
        if len(packed) > RECORD_LIMIT:
            raise PlanError(
                f"the record of release {self.number} is {len(packed)} bytes",
                f"a record may have {RECORD_LIMIT}",
                "Split the app, or move large values from the spec into configs",
            )
        return packed

    def summary(self) -> dict[str, Any]:
        """Return the record in the form of a module's result."""
        return {
            "number": self.number,
            "version": self.version,
            "outcome": self.state,
            "reason": self.reason,
            "by": self.by,
            "commit": self.commit,
            "branch": self.branch,
            "preview_of": self.preview_of,
            "release_notes": self.release_notes.splitlines(),
            "started": self.started,
            "ended": self.ended,
            "rollback_of": int(self.rollback_of) if self.rollback_of else None,
            "services": {
                name: {"image": service["image"], "reference": service["reference"]}
                for name, service in self.resolved.services.items()
            },
        }


def read_record(identity: str, index: int, labels: Mapping[str, str], data: bytes | str) -> Record:
    """Read a record from its object's labels and data (bytes, or base64 as the API has it).

    Raise PlatformError if it is not readable, as after a change by hand.
    """
    try:
        return _record(identity, index, labels, data)
    # What Resolved makes of other data is any of these.
    except (ValueError, zlib.error, LookupError, TypeError, AttributeError) as error:
        raise PlatformError(
            f"the record {identity} of a release cannot be read",
            f"it does not have this collection's format ({type(error).__name__}: {error})",
            "Upgrade the collection if a newer version wrote the record; otherwise remove it",
        ) from error


def _record(identity: str, index: int, labels: Mapping[str, str], data: bytes | str) -> Record:
    packed = base64.b64decode(data) if isinstance(data, str) else data
    content = json.loads(zlib.decompress(packed))
    texts = {name: labels.get(f"{LABEL}{name}", "") for name in _TEXTS}
    # An invalid number fails here, where it is reported, and not in summary.
    int(texts["rollback_of"] or 0)
    return Record(
        number=int(labels[_NUMBER]),
        version=labels.get(_VERSION, ""),
        state=labels.get(_STATE, PENDING),
        reason=labels.get(_REASON, ""),
        jobs=_jobs_of(labels),
        ramp=json.loads(labels.get(_RAMP) or "{}"),
        measured=json.loads(labels.get(_MEASURED) or "{}"),
        resolved=Resolved.from_data(content),
        id=identity,
        index=index,
        **texts,
    )


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(dict(data), sort_keys=True, separators=(",", ":")) if data else ""


def _jobs_of(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: str(hashed) for name, hashed in json.loads(labels.get(_JOBS, "{}")).items()}


def notes_text(notes: Iterable[str]) -> str:
    """Return notes as a record has them: one a line, the first ones up to the limit."""
    text, size = "", 0
    for note in notes:
        line = " ".join(note.split()) + "\n"
        size += len(line.encode(errors="replace"))
        if size > NOTES_LIMIT:
            break
        text += line
    return text


@dataclass(frozen=True)
class FailedPreview:
    """A preview none of whose releases is live."""

    branch: str
    preview_of: str


def failed_previews(
    records: Iterable[tuple[str, Mapping[str, str]]],
) -> dict[str, FailedPreview]:
    """Return the previews without a live release, by app; of each record its app and labels."""
    by_app: dict[str, list[Mapping[str, str]]] = {}
    for app, labels in records:
        by_app.setdefault(app, []).append(labels)
    previews = {}
    for app, found in by_app.items():
        last = max(found, key=lambda labels: int(labels.get(_NUMBER, "0")))
        branch, of = (last.get(f"{LABEL}{name}", "") for name in ("branch", "preview_of"))
        if of and not any(labels.get(_STATE) == LIVE for labels in found):
            previews[app] = FailedPreview(branch, of)
    return previews


def newest(records: Iterable[Record], state: str | None = None) -> Record | None:
    """Return the newest record, or the newest with this state."""
    return max(
        (record for record in records if state in (None, record.state)),
        key=lambda record: record.number,
        default=None,
    )


def next_number(records: Iterable[Record]) -> int:
    """Return the number of the next release."""
    last = newest(records)
    return last.number + 1 if last else 1


def rollback_target(records: Iterable[Record], number: int | None) -> Record | None:
    """Return the release to roll back to; None if it runs already.

    Without a number: the newest live release that is older than what runs and differs from it.
    After a rollback that is no release at all, so that a second rollback changes nothing.
    """
    known = list(records)
    # A failed release may be what runs: its rollback did not finish. One that was rolled
    # back is not.
    runs = newest(record for record in known if record.state != ROLLED_BACK_RELEASE)
    if newest(known, LIVE) is None or runs is None:
        raise PlanError(
            "the app cannot be rolled back",
            "no release of it has been live",
            "Correct app, or deploy it with shipping.code.release",
        )
    if number is not None:
        return _numbered(known, runs, number)
    # Else a second rollback would return to the version that the first one left.
    if runs.state == LIVE and runs.rollback_of:
        return None
    return _before(known, runs)


def _before(known: list[Record], runs: Record) -> Record:
    """Return the newest live release with another spec than what runs, and older."""
    live = (record for record in known if record.state == LIVE)
    other = (record for record in live if record.content != runs.content)
    target = newest(record for record in other if record.number < runs.number)
    if target is None:
        raise PlanError(
            "the app cannot be rolled back",
            f"release {runs.number} is the oldest in the history",
            "Deploy the version that you want with shipping.code.release",
        )
    return target


def _numbered(known: list[Record], runs: Record, number: int) -> Record | None:
    target = next((record for record in known if record.number == number), None)
    usable = ", ".join(str(record.number) for record in known if record.state == LIVE)
    if target is None:
        raise PlanError(
            f"release {number} does not exist",
            f"the history has {usable} to roll back to",
            "Choose one of them; shipping.code.release_info lists them",
        )
    if target.state != LIVE:
        raise PlanError(
            f"release {number} cannot be restored",
            f"it was never live ({target.state})",
            f"Choose one of {usable}",
        )
    return None if runs.state == LIVE and target.content == runs.content else target


def expendable(records: Iterable[Record], keep: int) -> list[Record]:
    """Return the records beyond the newest ``keep``, except the two that were live last.

    The live release and the one to roll back to always stay.
    """
    ordered = sorted(records, key=lambda record: record.number, reverse=True)
    live = [record for record in ordered if record.state == LIVE]
    protected = {record.number for record in live[:2]}
    return [record for record in ordered[keep:] if record.number not in protected]


def ended(
    record: Record, state: str, reason: str, when: str, jobs: Mapping[str, str] | None = None
) -> Record:
    """Return the record with its outcome, and the hashes by which its jobs have run."""
    return replace(record, state=state, reason=reason, ended=when, jobs=jobs or record.jobs)
