# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a task in their types, for an action that reads them before the module does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import (
    ArgumentTypeError,
    ElementError,
    SubParameterTypeError,
)

from ...module_utils._core.errors import ShippingError, suggestion

# As ansible.module_utils.common.arg_spec takes it.
Spec = Mapping[str, Mapping[str, Any]]
_OF_TYPES = (ArgumentTypeError, ElementError, SubParameterTypeError)


def read_options(spec: Spec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with values of their types; raise ShippingError for other options.

    Paths stay as they are, since most are of the host: Ansible would expand ``~`` and variables
    here. What else is wrong, the module reports.
    """
    _refuse_unknown(spec, given)
    read = {name: _type_of(entry) for name, entry in spec.items() if not _is_path(entry)}
    # A null option is not set, to a module as well.
    checked = {name: given[name] for name in read.keys() & given.keys() if given[name] is not None}
    _refuse_text(checked.get("spec"))
    result = ArgumentSpecValidator({name: read[name] for name in checked}).validate(checked)
    wrong = [*_of_types(result.errors), *_missing(spec, given)]
    if wrong:
        raise ShippingError(
            "the options cannot be used", "; ".join(sorted(wrong)), "Correct their values"
        )
    return {**given, **{name: result.validated_parameters[name] for name in checked}}


def _of_types(errors: Iterable[Any]) -> list[str]:
    return [str(error.msg) for error in errors if isinstance(error, _OF_TYPES)]


def _missing(spec: Spec, given: Mapping[str, Any]) -> list[str]:
    required = (name for name, entry in spec.items() if entry.get("required"))
    return [f"{name} is not set" for name in required if given.get(name) is None]


def _refuse_unknown(spec: Spec, given: Mapping[str, Any]) -> None:
    """Reject a mistyped name before the option that it stands for counts as missing."""
    known = {*spec, *chain.from_iterable(entry.get("aliases", ()) for entry in spec.values())}
    offered = [name for name in known if not name.startswith("_")]
    unknown = [
        f"there is no option {name}{suggestion(name, offered)}"
        for name in sorted(given.keys() - known)
    ]
    if unknown:
        raise ShippingError(
            "the options cannot be used",
            "; ".join(unknown),
            "Correct the names; ansible-doc lists all options of a module",
        )


def _refuse_text(inline: Any) -> None:
    """Reject a string as spec, such as that of a lookup; JSON is accepted."""
    if isinstance(inline, str) and not inline.lstrip().startswith("{"):
        raise ShippingError(
            "spec cannot be used",
            "it is a text, and must be a mapping",
            "Give the path of a Compose file by compose, or add | from_yaml to the lookup",
        )


def _type_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entry[key] for key in ("type", "elements") if key in entry}


def _is_path(entry: Mapping[str, Any]) -> bool:
    return "path" in (entry.get("type"), entry.get("elements"))
