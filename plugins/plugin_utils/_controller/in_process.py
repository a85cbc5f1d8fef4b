# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first look of a run, in Ansible's own process.

A module is packed, started and compiled anew for every task, which takes longer than to see that
there is nothing to do. Where it would run as the same user in the same Python as Ansible itself,
that is seen here; whatever writes something is the module's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from ...module_utils._core.errors import ShippingError
from ...module_utils._deploy.argument_specs import Spec, for_module
from ...module_utils._deploy.entry import look as look_at
from ...module_utils._deploy.prepare import Planner

_LOCAL = ("local", "ansible.builtin.local")


@dataclass(frozen=True)
class Call:
    """What a module takes, and how it plans."""

    arguments: Spec
    planner: Planner
    rules: dict[str, Any] = field(default_factory=dict)


def is_here(action: Any, variables: Mapping[str, Any]) -> bool:
    """Whether an action's module would run in this Python, as this user, with this environment."""
    if (
        action._connection.transport not in _LOCAL
        or action._connection.become
        or any(action._task.environment or ())
    ):
        return False
    return interpreter(action, variables) == sys.executable


def interpreter(action: Any, variables: Mapping[str, Any]) -> str:
    """The Python that is set for the host; empty where Ansible would look for one."""
    target = action._task.delegate_to
    own = variables.get("ansible_delegated_vars", {}).get(target, {}) if target else variables
    found = C.config.get_config_value("INTERPRETER_PYTHON", variables=dict(own))
    return str(action._templar.template(found) or "")


def look(call: Call, options: Mapping[str, Any], check: bool, diff: bool) -> dict[str, Any] | None:
    """What the module would answer if it writes nothing.

    None where it has to run, if only to say what is wrong with its options.
    """
    validated = ArgumentSpecValidator(for_module(call.arguments), **call.rules).validate(
        dict(options)
    )
    if validated.error_messages or validated._warnings or validated._deprecations:
        return None
    try:
        found = look_at(validated.validated_parameters, check, call.planner)
    except ShippingError as error:
        found = {"failed": True, "msg": str(error), **error.facts}
    except Exception:  # a defect, which the module meets, too, and reports with what belongs to it
        return None
    if found and not diff:
        found.pop("diff", None)
    return remove_values(found, validated._no_log_values) if found else None
