# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the declared objects with those of AWX. Pure.

AWX never answers a secret. So the description of an object of ours ends with a mark that has a
slow, salted hash of the secret: another secret is noticed, and cannot be guessed from the hash. The
mark also identifies the objects of this module.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from .._core.content_ids import canonical, secret_id
from .._core.errors import Problem, SpecError, suggestion
from .object_types import BY_NAME, KINDS, ObjectType
from .recurrence_rules import EXAMPLE, normal_rule, rule_problem

HIDDEN = "$encrypted$"
_MARK = re.compile(r"(?:^| )\[shipping\.code(?: ([0-9a-f]+))?\]$")


@dataclass(frozen=True)
class DeclaredObject:
    """One declared object, with the names of others that it refers to."""

    kind: ObjectType
    name: str
    fields: Mapping[str, Any]
    references: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Return its name in messages."""
        return f"the {self.kind.noun} {self.name}"

    def named_objects(self) -> Iterator[tuple[str, str]]:
        """Yield kind and name of the objects that it refers to."""
        for field_name, name in self.references.items():
            yield self.kind.references[field_name], name
        for list_name, names in self.lists.items():
            for name in names:
                yield self.kind.lists[list_name], name


def declared_in(objects: Mapping[str, Any]) -> list[DeclaredObject]:
    """Return all objects in the order of creation; raise with all problems."""
    declared: list[DeclaredObject] = []
    for kind in KINDS:
        declared += [_declared(kind, values) for values in objects.get(kind.name) or ()]
    problems = list(_duplicates(declared))
    for one in declared:
        problems += _problems(one)
    if problems:
        raise SpecError(problems, "the objects")
    return declared


def _declared(kind: ObjectType, options: Mapping[str, Any]) -> DeclaredObject:
    fields = {name: value for name, value in options.items() if value is not None}
    name = fields.pop("name")
    references = {field_name: fields.pop(field_name, None) for field_name in kind.references}
    lists = {list_name: fields.pop(list_name, None) for list_name in kind.lists}
    return DeclaredObject(
        kind,
        name,
        fields,
        {field_name: str(value) for field_name, value in references.items() if value},
        {list_name: tuple(names) for list_name, names in lists.items() if names is not None},
    )


def _duplicates(objects: Iterable[DeclaredObject]) -> Iterable[Problem]:
    seen = set[tuple[Optional[str], ...]]()
    for declared in objects:
        kind = declared.kind
        # References name credentials without their type, so that names are unique without it, too.
        scope = [declared.references.get(reference) for reference in kind.scope[:1]]
        identity = (kind.name, *scope, declared.name)
        if identity in seen:
            yield Problem(f"{kind.name}.{declared.name}", "is declared twice")
        seen.add(identity)


def _problems(declared: DeclaredObject) -> Iterable[Problem]:
    where = f"{declared.kind.name}.{declared.name}"
    rrule = declared.fields.get("rrule")
    rejected = "" if rrule is None else rule_problem(rrule)
    if rejected:
        yield Problem(f"{where}.rrule", f"{rejected}; AWX takes rules such as {EXAMPLE}")
    for name, (smallest, largest) in declared.kind.ranges.items():
        number = declared.fields.get(name)
        if number is not None and not smallest <= number <= largest:
            yield Problem(
                f"{where}.{name}", f"is {number}; write a whole number from {smallest} to {largest}"
            )
    if _MARK.search(declared.fields.get("description", "")):
        yield Problem(
            f"{where}.description",
            "ends with the mark of this module's own objects; leave it out",
        )


def unknown(declared: DeclaredObject, kind: str, name: str, known_names: Iterable[str]) -> Problem:
    """Return the problem of an unknown name."""
    return Problem(
        f"{declared.kind.name}.{declared.name}",
        f"names the {BY_NAME[kind].noun} {name}, which is neither declared nor in"
        f" AWX{suggestion(name, known_names)}",
    )


def is_ours(current: Mapping[str, Any]) -> bool:
    """Return whether this module manages an object of AWX."""
    return bool(_MARK.search(current.get("description") or ""))


def marked_description(declared: DeclaredObject, current: Mapping[str, Any]) -> str:
    """Return the description with the mark; without a declared one, AWX's is kept."""
    text, digest = declared.fields.get("description", _unmarked(current)), secret_digest(declared)
    return f"{text} [shipping.code{f' {digest}' if digest else ''}]".lstrip()


def _unmarked(current: Mapping[str, Any]) -> str:
    return _MARK.sub("", current.get("description") or "")


def _marked_digest(current: Mapping[str, Any]) -> str:
    mark = _MARK.search(current.get("description") or "")
    return (mark and mark[1]) or ""


def secret_digest(declared: DeclaredObject) -> str:
    """Return the hash of an object's secrets; empty if it has none."""
    secret = declared.fields.get(declared.kind.secret)
    if not secret:
        return ""
    # The salt is of the object: equal secrets of two objects have different marks.
    salt = f"shipping.code:awx:{declared.kind.name}:{declared.name}"
    return secret_id(canonical(secret).encode(), salt.encode())[:12]


def payload(
    declared: DeclaredObject, ids: Mapping[str, int | None], current: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the object in the form of AWX; ``ids`` are those of the references."""
    kind = declared.kind
    fields = {
        name: _text(value) if name in kind.texts else _as_stored(kind, name, value)
        for name, value in declared.fields.items()
    }
    description = marked_description(declared, current)
    sent = {**fields, **ids, "name": declared.name, "description": description}
    return {name: value for name, value in sent.items() if name not in kind.unsent}


def differences(
    declared: DeclaredObject,
    current: Mapping[str, Any],
    ids: Mapping[str, int | None],
    *,
    update_all_secrets: bool = False,
) -> dict[str, Any]:
    """Return the changes that make an object of AWX match its declaration.

    An object that is still to be made has the id None, from which AWX's null differs, too.
    """
    sent, kind = payload(declared, ids, current), declared.kind
    secret = sent.pop(kind.secret, None)
    changes = {
        name: value
        for name, value in sent.items()
        if (name in ids and value is None) or not _same(kind, name, value, current.get(name))
    }
    # AWX shows `$encrypted$` for a secret, so the mark has to show whether it changed.
    if secret and (update_all_secrets or _secret_differs(declared, secret, current)):
        changes[kind.secret] = secret
    return changes


def _secret_differs(
    declared: DeclaredObject, secret: Mapping[str, Any], current: Mapping[str, Any]
) -> bool:
    return secret_digest(declared) != _marked_digest(current) or _shown_differs(
        secret, current.get(declared.kind.secret) or {}
    )


def _same(kind: ObjectType, name: str, value: Any, current: Any) -> bool:
    if name in kind.texts:
        # AWX keeps the text as it was written: spaces and the order do not matter.
        return bool(_parsed(value) == _parsed(current))
    stored = _as_stored(kind, name, current)
    return bool(value == stored or (value in ("", None) and stored in ("", None)))


def _as_stored(kind: ObjectType, name: str, value: Any) -> Any:
    """Return a value in the form in which AWX stores it."""
    if (kind.name, name) == ("credential_types", "inputs"):
        return _with_types(value)
    if name == "rrule" and isinstance(value, str) and not rule_problem(value):
        return normal_rule(value)
    # Django REST framework trims all texts.
    return value.strip() if isinstance(value, str) else value


def _with_types(inputs: Any) -> Any:
    """Return the fields of a credential type; AWX adds the type to those without one."""
    fields = inputs.get("fields") if isinstance(inputs, Mapping) else None
    if not isinstance(fields, list) or not all(isinstance(one, Mapping) for one in fields):
        return inputs
    return {**inputs, "fields": [{"type": "string", **one} for one in fields]}


def _shown_differs(secret: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    """Return whether a mapping differs from what AWX shows.

    It adds its defaults, and hides what is secret.
    """
    return any(shown.get(name) not in (value, HIDDEN) for name, value in secret.items())


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def shown(declared: DeclaredObject) -> dict[str, Any]:
    """Return an object for a diff: names instead of numbers, without secrets."""
    return {
        **declared.fields,
        **declared.references,
        **{name: sorted(names) for name, names in declared.lists.items()},
        **_hidden(declared, secret_digest(declared)),
    }


def shown_current(
    declared: DeclaredObject, current: Mapping[str, Any], lists: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """Return the same fields with AWX's values."""
    fields = {name: current.get(name) for name in declared.fields}
    fields["description"] = _unmarked(current)
    for name in declared.kind.texts:
        if name in declared.fields:
            fields[name] = _parsed(current.get(name))
    references = {name: _referred_name(current, name) for name in declared.references}
    values = {**fields, **references, **{name: sorted(names) for name, names in lists.items()}}
    compared = shown(declared)
    return {
        **{name: value for name, value in values.items() if name in compared},
        **_hidden(declared, _marked_digest(current) or "unknown"),
    }


def _hidden(declared: DeclaredObject, digest: str) -> dict[str, Any]:
    secret = declared.kind.secret
    return {secret: f"hidden, {digest}"} if secret in declared.fields else {}


def _referred_name(current: Mapping[str, Any], reference: str) -> Any:
    referred = (current.get("summary_fields") or {}).get(reference, {})
    return referred.get("name", current.get(reference))
