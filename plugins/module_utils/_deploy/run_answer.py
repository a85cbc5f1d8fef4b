# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answer of a module to the controller: one type for every form of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._core.masking import mask
from .health import LIVE
from .intent import ABSENT, SCALE
from .job import Job
from .journal import Pages
from .lease import LeaseAge
from .progress import STANDING

_INTERNAL = "_run"
_EVENTS = {SCALE: "could not be scaled", ABSENT: "could not be removed"}


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run; each failure is one entry of the result's ``failures``.

    ``event`` continues a sentence about the release, and ``text`` is shown below that sentence.
    ``reason`` has the kinds of the failures. ``rollback`` is the release that was restored after
    them. ``seconds`` is unset if the worker was killed.
    """

    outcome: str
    event: str = ""
    text: str = ""
    reason: str = ""
    failures: tuple[Mapping[str, Any], ...] = ()
    rollback: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    release: Mapping[str, Any] = field(default_factory=dict)
    seconds: float | None = None

    def as_data(self) -> dict[str, Any]:
        """Return plain data, for the journal."""
        return {
            "outcome": self.outcome,
            "event": self.event,
            "text": self.text,
            "reason": self.reason,
            "failures": [dict(failure) for failure in self.failures],
            "rollback": dict(self.rollback),
            "warnings": list(self.warnings),
            "release": dict(self.release),
            "seconds": None if self.seconds is None else round(self.seconds, 1),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> RunOutcome:
        """Read what :meth:`as_data` returned."""
        return cls(
            **{
                **data,
                "failures": tuple(data["failures"]),
                "warnings": tuple(data["warnings"]),
            }
        )


@dataclass(frozen=True)
class RunAnswer:
    """The answer of one call of a module.

    It has the result for the user. If it does not end the run, it also has the lease to wait for
    (``waiting_for``), the ``job`` that a worker executes and logs to ``journal``, or the ``pages``
    of that journal.
    """

    result: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    waiting_for: str = ""
    lease_age: LeaseAge = field(default_factory=LeaseAge)
    job: Job | None = None
    journal: str = ""
    pages: Pages | None = None

    @property
    def failed(self) -> bool:
        """Return whether the call failed."""
        return bool(self.result.get("failed"))

    def as_data(self) -> dict[str, Any]:
        """Return plain data, as the result of a module that the controller reads."""
        internal = {
            "warnings": list(self.warnings),
            "waiting_for": self.waiting_for,
            "lease_age": asdict(self.lease_age),
            "job": self.job.as_data() if self.job else None,
            "journal": self.journal,
            "pages": asdict(self.pages) if self.pages else None,
        }
        return {**self.result, _INTERNAL: internal}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> RunAnswer:
        """Read what :meth:`as_data` returned; a module that failed may return less."""
        result = {name: value for name, value in data.items() if name != _INTERNAL}
        internal = data.get(_INTERNAL)
        if not internal:
            return cls(result)
        job, pages = internal["job"], internal["pages"]
        return cls(
            result=result,
            warnings=tuple(internal["warnings"]),
            waiting_for=internal["waiting_for"],
            lease_age=LeaseAge(**internal["lease_age"]),
            job=Job.from_data(job) if job else None,
            journal=internal["journal"],
            pages=Pages(**pages) if pages else None,
        )

    def as_result(self) -> dict[str, Any]:
        """Return the result of a module that the user reads, with the warnings to show."""
        return {**self.result, "shown_warnings": list(self.warnings)}

    def masked(self, words: list[str]) -> RunAnswer:
        """Return the answer without the words that must not be shown."""
        return replace(
            self,
            result=mask(dict(self.result), words),
            warnings=tuple(mask(self.warnings, words)),
            waiting_for=mask(self.waiting_for, words),
        )

    def finished(self, outcome: RunOutcome) -> RunAnswer:
        """Return the end of the run: its plan and the outcome of its job."""
        ended = outcome.as_data()
        reached = {
            name: ended[name]
            for name in ("outcome", "reason", "failures", "rollback", "seconds", "release")
            if ended[name] not in ("", None, {})
        }
        result = {**self.result, **reached}
        # A release that was rolled back has failed, even if the app is healthy again.
        if outcome.outcome not in (LIVE, STANDING):
            result |= {"failed": True, "msg": self._message(outcome)}
        return RunAnswer(result=result, warnings=(*self.warnings, *outcome.warnings))

    def _message(self, outcome: RunOutcome) -> str:
        """Return the failure of the run as text: what became of the app, then each failure."""
        kind = self.job.kind if self.job else ""
        app = self.job.app if self.job else str(self.result.get("app", ""))
        # Only a release has a version.
        subject = " ".join(filter(None, (app, self.result.get("version", ""))))
        event = outcome.event or _EVENTS.get(kind, "failed")
        return "\n".join(filter(None, (f"{subject} {event}.", outcome.text)))
