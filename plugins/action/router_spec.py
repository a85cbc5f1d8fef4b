# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._deploy.router_control import ROUTER
from ansible_collections.shipping.code.plugins.module_utils._routing.haproxy_configuration import (
    CONTROL_CA_FILE,
    EXPOSURE_KEY_FILE,
    PEERS_CA_FILE,
    SERVER_IDENTITY_FILE,
    TESTER_KEY_FILE,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.router_action import (
    RouterAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._routing import pki_folder

# The secrets of the router's spec, and the files that they are made of.
_SECRETS = {
    SERVER_IDENTITY_FILE: pki_folder.SERVER,
    CONTROL_CA_FILE: pki_folder.TRUSTED_CLIENTS,
    PEERS_CA_FILE: pki_folder.TRUSTED_ROUTERS,
    EXPOSURE_KEY_FILE: pki_folder.EXPOSURE_KEY,
    TESTER_KEY_FILE: pki_folder.TESTER_KEY,
}


class ActionModule(RouterAction):
    """Runs the module of the same name, and adds the keys of the control node to the spec."""

    def keys(self, folder: Path) -> dict[str, str]:
        """Return the server's keys; in check mode, those that a run would make."""
        files, _is_new = pki_folder.ensure_pki(
            folder, self.read_file, datetime.now(UTC), rotate=False, check=True
        )
        return {name: files[file].decode() for name, file in _SECRETS.items()}

    def completed(self, result: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Return the result with the paths of the keys; their content stays out of it."""
        spec = result["spec"]
        granted = {grant["source"] for grant in spec["services"][ROUTER]["secrets"]}
        files = {
            name: {"file": str(folder / file)} for name, file in _SECRETS.items() if name in granted
        }
        return {**result, "spec": {**spec, "secrets": {**spec["secrets"], **files}}}
