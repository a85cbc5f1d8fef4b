# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted, and where what AWX has differs from it. Pure.

AWX never answers a secret. So the description of an object of ours ends with a mark, in which a
slow, salted hash follows what was given: another secret is seen, and cannot be guessed from it. The
mark also says what is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.content_ids import canonical, secret_id
from .._core.errors import Problem, SpecError, suggestion
from .object_types import BY_NAME, KINDS, Kind

HIDDEN = "$encrypted$"
_MARK = re.compile(r"(?:^| )\[shipping\.code(?: ([0-9a-f]+))?\]$")
_RRULE = re.compile(r"DTSTART(;TZID=[^:]+)?:\d{8}T\d{6}Z? .*RRULE:\S*INTERVAL=\d+")


@dataclass(frozen=True)
class Wanted:
    """One object, with the names of others that it refers to."""

    kind: Kind
    name: str
    fields: Mapping[str, Any]
    references: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"the {self.kind.noun} {self.name}"


def wanted_of(objects: Mapping[str, Any]) -> list[Wanted]:
    """All objects in the order in which they can be made, or all that is wrong with them."""
    found = [_wanted(kind, given) for kind in KINDS for given in objects.get(kind.name) or ()]
    problems = [*_twice(found), *(problem for one in found for problem in _problems(one))]
    if problems:
        raise SpecError(problems, "the objects")
    return found


def _wanted(kind: Kind, given: Mapping[str, Any]) -> Wanted:
    values = {name: value for name, value in given.items() if value is not None and name != "name"}
    return Wanted(
        kind,
        given["name"],
        {
            name: value
            for name, value in values.items()
            if name not in kind.references and name not in kind.lists
        },
        {name: str(values[name]) for name in kind.references if values.get(name)},
        {name: tuple(values[name]) for name in kind.lists if name in values},
    )


def _twice(found: Iterable[Wanted]) -> Iterable[Problem]:
    seen = set()
    for one in found:
        identity = (one.kind.name, one.references.get(one.kind.scope), one.name)
        if identity in seen:
            yield Problem(f"{one.kind.name}.{one.name}", "is there twice")
        seen.add(identity)


def _problems(one: Wanted) -> Iterable[Problem]:
    where = f"{one.kind.name}.{one.name}"
    rrule = one.fields.get("rrule")
    if rrule is not None and not _RRULE.match(rrule):
        yield Problem(
            f"{where}.rrule",
            f"is {rrule!r}; AWX takes rules such as DTSTART:20260101T000000Z"
            " RRULE:FREQ=MINUTELY;INTERVAL=5",
        )
    if _MARK.search(one.fields.get("description", "")):
        yield Problem(
            f"{where}.description",
            "ends with the mark that says what is of this module's making; leave it out",
        )


def unknown(one: Wanted, kind: str, name: str, known: Iterable[str]) -> Problem:
    """The problem of a name that nothing has."""
    return Problem(
        f"{one.kind.name}.{one.name}",
        f"names the {BY_NAME[kind].noun} {name}, which is neither declared nor in"
        f" AWX{suggestion(name, known)}",
    )


def is_ours(have: Mapping[str, Any]) -> bool:
    """Whether an object of AWX is of our making."""
    return bool(_MARK.search(have.get("description") or ""))


def description_of(one: Wanted, have: Mapping[str, Any]) -> str:
    """The description with the mark; where none is given, what is there stays."""
    text, found = one.fields.get("description", _unmarked(have)), secret_of(one)
    return f"{text} [shipping.code{f' {found}' if found else ''}]".lstrip()


def _unmarked(have: Mapping[str, Any]) -> str:
    return _MARK.sub("", have.get("description") or "")


def _marked_secret(have: Mapping[str, Any]) -> str:
    found = _MARK.search(have.get("description") or "")
    return (found and found[1]) or ""


def secret_of(one: Wanted) -> str:
    """What follows the secrets of an object; empty where it has none."""
    given = one.fields.get(one.kind.secret)
    return (
        secret_id(
            canonical(given).encode(), f"shipping.code:awx:{one.kind.name}:{one.name}".encode()
        )[:12]
        if given
        else ""
    )


def payload(one: Wanted, ids: Mapping[str, int | None], have: Mapping[str, Any]) -> dict[str, Any]:
    """The object as AWX takes it; ``ids`` are those of the references."""
    fields = {
        name: _text(value) if name in one.kind.texts else value
        for name, value in one.fields.items()
    }
    sent = {**fields, **ids, "name": one.name, "description": description_of(one, have)}
    return {name: value for name, value in sent.items() if name not in one.kind.unsent}


def differences(
    one: Wanted, have: Mapping[str, Any], ids: Mapping[str, int | None], again: bool = False
) -> dict[str, Any]:
    """What has to be sent so that an object of AWX is as it is wanted.

    ``again`` sends secrets in any case.
    """
    sent = payload(one, ids, have)
    secret = sent.pop(one.kind.secret, None)
    found = {
        name: value
        for name, value in sent.items()
        if not _same(one.kind, name, value, have.get(name))
    }
    if secret and (
        again
        or secret_of(one) != _marked_secret(have)
        or _shown_differs(secret, have.get(one.kind.secret) or {})
    ):
        found[one.kind.secret] = secret
    return found


def _same(kind: Kind, name: str, value: Any, has: Any) -> bool:
    if name in kind.texts:
        return bool(_parsed(value) == _parsed(has))
    return bool(value == has or (value in ("", None) and has in ("", None)))


def _shown_differs(given: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Whether what AWX shows of a mapping is something else.

    It adds its defaults, and hides what is secret.
    """
    return any(shown.get(name) not in (value, HIDDEN) for name, value in given.items())


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def shown(one: Wanted) -> dict[str, Any]:
    """An object as a difference shows it: names in place of numbers, and no secrets."""
    return {
        **one.fields,
        **one.references,
        **{name: sorted(names) for name, names in one.lists.items()},
        **_hidden(one.kind, one.fields, secret_of(one)),
    }


def shown_of(
    one: Wanted, have: Mapping[str, Any], lists: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The same fields, as AWX has them."""
    texts = {name: _parsed(have.get(name)) for name in one.kind.texts if name in one.fields}
    plain = {name: have.get(name) for name in one.fields}
    plain["description"] = _unmarked(have)
    named = {name: _name_of(have, name) for name in one.references}
    found = {**plain, **texts, **named, **{name: sorted(names) for name, names in lists.items()}}
    return {
        **{name: value for name, value in found.items() if name in shown(one)},
        **_hidden(one.kind, one.fields, _marked_secret(have) or "unknown"),
    }


def _hidden(kind: Kind, fields: Mapping[str, Any], digest: str) -> dict[str, Any]:
    return {kind.secret: f"hidden, {digest}"} if kind.secret in fields else {}


def _name_of(have: Mapping[str, Any], reference: str) -> Any:
    return (have.get("summary_fields") or {}).get(reference, {}).get("name", have.get(reference))
