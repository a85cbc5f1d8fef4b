# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of the collection in the quickest of several ways.

There are three: as Ansible runs any module (here), in Ansible's own process (:mod:`in_process`),
and by the host's Python without Ansible's library (:mod:`remote_python`). What they use of
ansible-core beyond the documented interface of plugins is here and in those two files, and is
in ``tests/unit/plugins/plugin_utils/_controller/private_api.py`` with its signature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ansible import constants as C

_LOCAL = ("local", "ansible.builtin.local")


class ModuleRunner(Protocol):
    """One way to run a module."""

    def run(self, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the module's result; None where this way cannot run it with these options."""


class AnsibleModuleRunner:
    """Run the module as Ansible runs any module: packed, copied and started for each call."""

    def __init__(self, action: Any, variables: Mapping[str, Any]) -> None:
        self._action = action
        self._variables = variables

    def run(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the module's result."""
        # ActionBase._execute_module: underscored, but the developer guide recommends it to plugins
        # https://docs.ansible.com/ansible/latest/dev_guide/developing_plugins.html
        result: dict[str, Any] = self._action._execute_module(
            module_args=dict(options), task_vars=self._variables
        )
        return result


def run_first(
    quick: Sequence[ModuleRunner], last: AnsibleModuleRunner, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the first result of the quick ways, else that of the last way, which takes all."""
    for runner in quick:
        result = runner.run(options)
        if result is not None:
            return result
    return last.run(options)


def is_local(action: Any) -> bool:
    """Return whether the module runs on the control node."""
    # ActionBase._connection is private, and the only thing that knows the transport of the task.
    return action._connection.transport in _LOCAL


def host_variables(action: Any, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the variables of the host that the module runs on."""
    # Ansible keeps the variables of the host that a task is delegated to under this name.
    target = action._task.delegate_to
    return variables.get("ansible_delegated_vars", {}).get(target, {}) if target else variables


def configured_python(action: Any, variables: Mapping[str, Any]) -> str:
    """Return the Python that is set for the host, or a word such as ``auto``; may be empty."""
    # constants.config is private. ActionBase._configure_module reads INTERPRETER_PYTHON so, too.
    path = C.config.get_config_value(
        "INTERPRETER_PYTHON", variables=dict(host_variables(action, variables))
    )
    return str(action._templar.template(path) or "")
