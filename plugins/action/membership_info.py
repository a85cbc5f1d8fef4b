# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import inventory_loader
from ansible.utils.display import Display
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    ShippingError,
    SpecError,
    sentence,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.connection_check import (
    CheckStep,
    check,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory.plugin_options import (
    beside,
    read_settings,
    refuse_unknown,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Host,
    User,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.contents_check import (
    check_contents,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership.explain import Question
from ansible_collections.shipping.code.plugins.plugin_utils._membership.membership import (
    explain_membership,
)

display = Display()

_INVENTORY = "shipping.code.ldap_projects"
_OWN: dict[str, dict[str, Any]] = {
    "source_file": {"type": "str"},
    "user": {"type": "list", "elements": "str", "default": []},
    "project": {"type": "list", "elements": "str", "default": []},
    "host": {"type": "list", "elements": "str", "default": []},
    "former": {"type": "dict"},
    "state_path": {"type": "str"},
    "check_connection": {"type": "bool", "default": False},
}


class ActionModule(ControllerAction):
    """Query the directory from the controller, as the inventory plugin does."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Query the directory, or check the connection to it."""
        return {"changed": False, **self._answer()}

    def _answer(self) -> dict[str, Any]:
        spec = {
            **{
                # raw: the options of the inventory plugin convert and check them.
                name: {"type": "raw", "no_log": name == "bind_password"}
                for name in settings.OPTIONS
            },
            **_OWN,
        }
        _checked, own = self.validate_argument_spec(
            spec, mutually_exclusive=[("former", "state_path")]
        )
        directory_settings = self._settings(own["source_file"], own["state_path"])
        if own["check_connection"]:
            return _checked_connection(check(directory_settings, check_contents))
        question = {name: own[name] for name in ("user", "project", "host")}
        former = self._former(own, question)
        explained = explain_membership(directory_settings, Question(*question.values()), former)
        for remark in explained["remarks"]:
            display.warning(f"membership_info: {remark}")
        return {**explained, "query": question}

    def _settings(self, source_file: str | None, state_path: str | None) -> settings.Settings:
        """Return the settings; the task's own go before those of the inventory's file."""
        plugin = inventory_loader.get(_INVENTORY)
        path = os.path.abspath(self._loader.path_dwim(source_file)) if source_file else ""
        in_file = self._options_in(plugin, path) if path else {}
        own = {name: value for name, value in self._task.args.items() if name in settings.OPTIONS}
        folder = self._loader.get_basedir()
        if path and "host_map" not in own:
            folder = os.path.dirname(path)
        # By the plugin's own options: the same types, defaults and variables as in the inventory.
        plugin.set_options(direct={"plugin": _INVENTORY, **in_file, **own})
        state = self._state_folder(plugin, path, in_file, state_path)
        return read_settings(plugin, self._loader, folder, path or "the task", state)

    def _options_in(self, plugin: Any, path: str) -> dict[str, Any]:
        try:
            content = self._loader.load_from_file(path, cache="none")
        except AnsibleError as error:
            raise ShippingError(
                f"cannot read source_file {path}",
                " ".join(str(error).split()),
                "Write the path of the inventory's file",
            ) from None
        if not isinstance(content, Mapping) or content.get("plugin") != _INVENTORY:
            raise SpecError([Problem("plugin", f"is not {_INVENTORY}")], path)
        refuse_unknown(content, plugin.option_definitions, path)
        known = (*settings.OPTIONS, "state_path")
        return {name: value for name, value in content.items() if name in known}

    def _state_folder(
        self, plugin: Any, path: str, in_file: Mapping[str, Any], state_path: str | None
    ) -> str:
        """Return the folder that remembers rejections, of the task or of the inventory's file."""
        if state_path:
            return beside(self._loader.get_basedir(), state_path)
        in_inventory = plugin.get_option("state_path") if in_file.get("state_path") else ""
        return beside(os.path.dirname(path), in_inventory) if in_inventory else ""

    def _former(self, own: Mapping[str, Any], question: Mapping[str, Any]) -> list[Host] | None:
        if own["state_path"]:
            path = beside(self._loader.get_basedir(), own["state_path"])
            return [_host(record) for record in membership_state.read_delivered(path).values()]
        former = own["former"]
        if former is None:
            return None
        # Results of different queries differ even if nothing has changed.
        if former.get("query", question) != question:
            raise _wrong_former(
                "is the result for another query; use the same user, project and host"
            )
        try:
            return [_host(record) for record in former["hosts"]]
        except (KeyError, TypeError):
            raise _wrong_former(
                "is not a complete result of this module; store the complete result"
            ) from None


def _wrong_former(text: str) -> SpecError:
    return SpecError([Problem("former", text)], "the task")


def _host(record: Mapping[str, Any]) -> Host:
    return Host(
        record["host"],
        tuple(User(user["name"], user["id"], tuple(user["projects"])) for user in record["users"]),
    )


def _checked_connection(checked: Iterable[CheckStep]) -> dict[str, Any]:
    """Return all steps; the task fails with the first one that failed."""
    steps = [step.as_data() for step in checked]
    failed = next((step for step in steps if not step["ok"]), None)
    if failed is None:
        return {"steps": steps}
    where = f"{failed['step']} of {failed['server']}"
    return {
        "steps": steps,
        "failed": True,
        "msg": sentence(where, failed["text"], failed["hint"]),
    }
