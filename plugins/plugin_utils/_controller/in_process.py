# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the preview of a module, or one that only reads, in Ansible's own process.

A module is packed, started and compiled for every task, which takes longer than to find that
nothing changes. If it would run as the same user in the same Python as Ansible itself, that
is seen here; whatever writes something is left to the module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from ...module_utils._core.errors import ShippingError
from ...module_utils._deploy.argument_specs import Spec, for_module
from ...module_utils._deploy.platform_definition import Platforms
from ...module_utils._deploy.prepare import Planner
from ...module_utils._deploy.run import preview_run
from .module_runner import configured_python, is_local


@dataclass(frozen=True)
class ModuleSpec:
    """A module's options, its planner and its platforms."""

    arguments: Spec
    planner: Planner
    platforms: Platforms
    rules: dict[str, Any] = field(default_factory=dict)


class InProcessRunner:
    """Preview a module's run where it would run in this Python, as this user, in this environment.

    It saves what packing, copying, starting and importing a module take.
    """

    def __init__(self, module: ModuleSpec, action: Any, variables: Mapping[str, Any]) -> None:
        self._module = module
        self._action = action
        self._variables = variables

    def run(self, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the module's result if it writes nothing, else None."""
        if not is_this_process(self._action, self._variables):
            return None
        task = self._action._task
        return preview_module(self._module, options, check=task.check_mode, diff=task.diff)


def is_this_process(action: Any, variables: Mapping[str, Any]) -> bool:
    """Return whether a module would run in this Python, as this user, with this environment."""
    if not is_local(action) or action._connection.become or any(action._task.environment or ()):
        return False
    # By path: the Python of a virtual environment is a link to another one, with other packages.
    return configured_python(action, variables) == sys.executable


def preview_module(
    module: ModuleSpec, options: Mapping[str, Any], *, check: bool, diff: bool
) -> dict[str, Any] | None:
    """Return what the module would answer if it writes nothing.

    None where it has to run, if only to say what is wrong with its options.
    """

    def preview(parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        answer = preview_run(parameters, module.planner, module.platforms, check=check)
        return None if answer is None else answer.as_data()

    result = _answer(module.arguments, module.rules, options, preview)
    # As _core/module_exit.py does for the module itself.
    if result and not diff:
        result.pop("diff", None)
    return result


def read_here(
    action: Any,
    variables: Mapping[str, Any],
    arguments: Spec,
    options: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> dict[str, Any] | None:
    """Return what a module that only reads would answer if it ran here.

    None where it would run elsewhere, or has to run, if only to report wrong options.
    """
    if not is_this_process(action, variables):
        return None
    return _answer(
        arguments, {}, options, lambda parameters: {"changed": False, **read(parameters)}
    )


def _answer(
    arguments: Spec,
    rules: Mapping[str, Any],
    options: Mapping[str, Any],
    work: Callable[[Mapping[str, Any]], dict[str, Any] | None],
) -> dict[str, Any] | None:
    """Return what ``work`` makes of valid options, or its failure; None for wrong options."""
    # ValidationResult's warnings, deprecations and values not to be logged are private; they are
    # what AnsibleModule reads of it as well.
    validated = ArgumentSpecValidator(for_module(arguments), **rules).validate(dict(options))
    if validated.error_messages or validated._warnings or validated._deprecations:
        return None
    try:
        result = work(validated.validated_parameters)
    except ShippingError as error:
        result = error.as_result()
    except Exception:  # a defect, which the module meets, too, and reports with what belongs to it
        return None
    if result is None:
        return None
    # remove_values is private as well: AnsibleModule masks its result by it.
    masked: dict[str, Any] = remove_values(result, validated._no_log_values)
    return masked
