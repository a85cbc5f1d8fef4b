# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One failure as data, and the only place that turns it into text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple


class Failure(NamedTuple):
    """A failure: its object, what happened to it, the cause, and the hint that mends it.

    ``details``: lines to show below it, such as the end of a log.
    ``facts``: the same as data in the result of a module, for ``rescue``.
    """

    object: str = ""
    event: str = ""
    cause: str = ""
    hint: str = ""
    details: tuple[str, ...] = ()
    facts: Mapping[str, Any] = {}  # never changed in place

    def sentence(self) -> str:
        """Return ``object event: cause. hint.``, without doubled or missing full stops."""
        statement = self.statement()
        return f"{_ended(statement)} {_ended(self.hint)}" if self.hint else statement

    def statement(self) -> str:
        """Return ``object event: cause``."""
        subject = " ".join(filter(None, (self.object, self.event)))
        return ": ".join(filter(None, (subject, self.cause)))

    def lines(self) -> tuple[str, ...]:
        """Return the statement and the details below it."""
        return (self.statement(), *self.details)


def _ended(text: str) -> str:
    """Return a text with one full stop at its end, unless it ends with a question."""
    return text if text.endswith("?") else f"{text.rstrip('.')}."


def failures_text(failures: Iterable[Failure], consequences: Iterable[Failure] = ()) -> str:
    """Return failures as text: each with its details, at the end each hint once.

    ``consequences``: failures of the rollback that followed.
    """
    first, later = list(failures), list(consequences)
    lines = list(chain.from_iterable(failure.lines() for failure in first))
    if later:
        lines += ["After the rollback:", *chain.from_iterable(failure.lines() for failure in later)]
    hints = dict.fromkeys(_ended(failure.hint) for failure in (*first, *later) if failure.hint)
    return "\n".join([*lines, *hints])
