# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One failure as data, and the only place that makes a sentence of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Failure:
    """What failed: the object, what happened to it, the cause, and the hint that mends it.

    ``details``: further statements, such as the last lines of a log.
    ``facts``: what the result of a module has of it, for ``rescue``.
    """

    object: str = ""
    event: str = ""
    cause: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def sentence(self) -> str:
        """Return ``object event: cause. hint.``, without doubled or missing full stops."""
        if not self.hint:
            return self._statement()
        return f"{_ended(self._statement())} {_ended(self.hint)}"

    def clause(self) -> str:
        """Return the same without a full stop at its end, as a part of a longer sentence."""
        return ". ".join(filter(None, (self._statement(), self.hint)))

    def _statement(self) -> str:
        subject = " ".join(filter(None, (self.object, self.event)))
        return ". ".join((": ".join(filter(None, (subject, self.cause))), *self.details))


def _ended(text: str) -> str:
    """Return a text with one full stop at its end, unless it ends with a question."""
    return text if text.endswith("?") else f"{text.rstrip('.')}."


def clauses(failures: Iterable[Failure]) -> str:
    """Return several failures as a part of one sentence."""
    return "; ".join(failure.clause() for failure in failures)


def reason(state: str, failures: Iterable[Failure]) -> str:
    """Return the reason of an outcome: what the app's state is now, and the failures behind it."""
    return f"{state}. {clauses(failures)}"
