# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module that needs the router's keys, which are files of the control node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ...module_utils._core.errors import ShippingError
from ...module_utils._core.slow_calls import waiting_for
from .._routing import pki_folder
from .progress_lines import slow_calls_shown
from .vault_files import read_decrypted


class RouterKeys(ActionBase):
    """Read the router's keys, also those of a vault."""

    def keys_folder(self, path: str) -> Path:
        """Return the folder; a relative path is below the folder of the playbook."""
        return Path(self._loader.path_dwim(str(path)))

    def read_file(self, path: str) -> bytes:
        """Return a file's bytes, decrypted where it is an Ansible Vault file."""
        return read_decrypted(self._loader, path)

    def with_keys(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return options with the client's keys, if they name the folder of the router's keys."""
        rest = {name: item for name, item in options.items() if name != "_pki"}
        if not options.get("pki"):
            return rest
        folder = self.keys_folder(options["pki"])
        return {**rest, "_pki": pki_folder.client_files(folder, self.read_file)}


class RouterAction(RouterKeys):
    """Add the client's keys to the options of the module of the same name, and run it."""

    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def keys(self, folder: Path) -> dict[str, str]:
        """Return what the module gets of the keys."""
        return pki_folder.client_files(folder, self.read_file)

    def completed(self, result: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Return the module's result with what only the control node knows."""
        return result

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        options = {name: item for name, item in self._task.args.items() if name != "_pki"}
        host = str(variables.get("inventory_hostname", "localhost"))
        if not options.get("pki"):
            return {**result, "failed": True, "msg": "pki is not set. Set it to the router's keys."}
        folder = self.keys_folder(options["pki"])
        try:
            keys = self.keys(folder)
        except ShippingError as error:
            return {**result, **error.as_result()}
        with slow_calls_shown(host), waiting_for(f"the module on {host}"):
            found: dict[str, Any] = self._execute_module(
                module_args={**options, "_pki": keys}, task_vars=variables
            )
        if not found.get("failed"):
            found = self.completed(found, folder)
        result.update(found)
        return result
