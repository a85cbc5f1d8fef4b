# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of this collection, as one tree.

ShippingError
 +- SpecError          the spec of an app cannot be honored; all problems at once
 +- PlanError          the spec is fine, but this platform cannot do it now
 +- PlatformError      the platform answered with an error
 |   +- Unreachable    no answer at all; trying again later may help
 |   +- Denied         the platform or a registry denied these credentials
 |   +- NotFound       the object is not there
 |   +- Outdated       another writer changed the object since it was read
 +- LeaseHeld          another run works on the app
 +- LeaseLost          another run took the app over while this one did not answer
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .failure import Failure


class ShippingError(Exception):
    """A failure as an error; ``facts`` are returned for ``rescue``."""

    def __init__(self, what: str, why: str = "", hint: str = "", **facts: object) -> None:
        self.failure = Failure(event=what, cause=why, hint=hint, facts=facts)
        super().__init__(self.failure.sentence())

    @property
    def what(self) -> str:
        """Return what happened, and to which object."""
        return self.failure.event

    @property
    def why(self) -> str:
        """Return the cause."""
        return self.failure.cause

    @property
    def hint(self) -> str:
        """Return the imperative that mends it."""
        return self.failure.hint

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return what the result of a module has of it."""
        return self.failure.facts

    def add_facts(self, **facts: Any) -> None:
        """Add facts that only a caller of what failed knows."""
        self.failure = self.failure._replace(facts={**self.failure.facts, **facts})

    def as_result(self) -> dict[str, Any]:
        """Return the failure as the result of a module or an action."""
        return {"failed": True, "msg": str(self), **self.facts}


class PlanError(ShippingError):
    """The platform, as it is now, cannot take this spec; nothing was changed."""


class PlatformError(ShippingError):
    """The platform answered with an error."""


class Unreachable(PlatformError):
    """The platform did not answer."""


class Denied(PlatformError):
    """The platform denied the credentials."""


class NotFound(PlatformError):
    """The object does not exist."""


class Outdated(PlatformError):
    """Another writer changed the object since it was read."""


class LeaseHeld(ShippingError):
    """Another run holds the lease of the app."""


class LeaseLost(ShippingError):
    """Another run took over the lease of the app; nothing more may be written."""


class Problem(NamedTuple):
    """One thing in a spec that cannot be honored: where, what, what to write instead."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


class SpecError(ShippingError):
    """All problems of a spec, in the order of the spec itself."""

    def __init__(self, problems: Iterable[Problem], origin: str = "the spec") -> None:
        self.problems = list(problems)
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        super().__init__(
            f"{count} {noun} in {origin}; nothing was changed",
            "\n" + "\n".join(f"  {problem}" for problem in self.problems),
            problems=[{"path": problem.path, "text": problem.text} for problem in self.problems],
        )


def sentence(what: str, why: str = "", hint: str = "") -> str:
    """Return ``what: why. hint.``, as an error with these parts is shown."""
    return Failure(event=what, cause=why, hint=hint).sentence()


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean X?`` where one of ``known`` is close to ``word``, else nothing."""
    # Costs each program on a host some time, and is for mistakes alone.
    import difflib

    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def unknown_names(names: Iterable[object], known: Iterable[str]) -> list[Problem]:
    """Return a problem for each name of an option that does not exist, a typing mistake."""
    options = list(known)
    return [
        Problem(str(name), f"is unknown{suggestion(str(name), options)}")
        for name in names
        if name not in options
    ]


def first_cause(error: BaseException) -> BaseException:
    """Return the error that caused the others, which has the useful message."""
    # urllib3, requests and the clients of platforms wrap an error of the socket several times.
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error


def innermost(error: BaseException) -> str:
    """Return the message of the first cause."""
    error = first_cause(error)
    return os_words(error) if isinstance(error, OSError) else str(error)


def os_words(error: OSError) -> str:
    """Return the message of the system or of OpenSSL, for the middle of a sentence.

    Only a first letter becomes a small one: names and abbreviations keep theirs.
    """
    # Not imported here, which takes a workstation's time: an error of ssl has loaded it.
    ssl = sys.modules.get("ssl")
    if ssl and isinstance(error, ssl.SSLError):
        return _openssl_words(error)
    # str() of an OSError begins with its number, which does not help a user.
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _openssl_words(error: OSError) -> str:
    # Of ssl.SSLCertVerificationError.
    verify_message = getattr(error, "verify_message", "")
    if verify_message:
        return f"its certificate is not trusted: {str(verify_message).rstrip('.')}"
    # "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1010)"
    match = re.search(
        r"(?:^|\] )([^\[\]]+?)(?: \(_ssl\.c:[0-9]+\))?$", error.strerror or str(error)
    )
    return f"TLS: {match[1] if match else error}"
