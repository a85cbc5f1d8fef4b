# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from hashlib import sha256
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.shipping.code.plugins.module_utils._app.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._toolbox import manifest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.errors import Unsupported
from ansible_collections.shipping.code.plugins.module_utils._toolbox.kinds.kind import sha256_of
from ansible_collections.shipping.code.plugins.module_utils._toolbox.options import check
from ansible_collections.shipping.code.plugins.plugin_utils._catalogue.bundle import Parcel
from ansible_collections.shipping.code.plugins.plugin_utils._catalogue.sources import Catalogue
from ansible_collections.shipping.code.plugins.plugin_utils._catalogue.turns import once

_GOES_ALONG = 1_000_000
"""Bytes of a bundle that the module's own input takes along; a file of its own costs five more round trips."""
_WINDOWS = ("winrm", "psrp")


class ActionModule(ActionBase):
    """Reads the catalogue on the control machine, asks the machine, and sends what it lacks."""

    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        try:
            result.update(self._deliver(dict(self._task.args), variables))
        except ShippingError as error:
            result.update({"failed": True, "msg": str(error), **error.facts})
        return result

    def _deliver(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._refuse_windows()
        check(options)
        if options.get("generation") is not None or options.get("state", "present") != "present":
            return self._call(options, task_vars)
        options["record"] = _plain(options["record"])
        manifest.check_record(options["record"])
        catalogue = self._catalogue(options)
        projects = sorted({name for user in options["record"]["users"] for name in user["projects"]})
        offer = self._offer(catalogue, projects, options.get("uv_path"))
        manifests, without = offer["manifests"], offer["without"]
        options = {key: value for key, value in options.items() if key != "uv_path"}
        options |= {"_projects": manifests, "_uv": offer["uv_sha256"]}
        result = self._call(options, task_vars)
        if result.get("missing") and not result.get("failed") and not self._task.check_mode:
            parcel = Parcel(catalogue, {manifest["name"]: manifest for manifest in manifests}, offer["uv"])
            result = self._send(parcel, result["missing"], options, task_vars)
        if without:
            result["notes"] = [*result.get("notes", ()), *(f"{name} has no file in the catalogue, and so no tools" for name in without)]
        return result

    def _refuse_windows(self) -> None:
        if self._connection.transport.rpartition(".")[2] in _WINDOWS or getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise Unsupported("tools cannot be delivered to this machine", "its system is Windows", "Linux is supported; macOS and Windows are not yet")

    def _catalogue(self, options: dict[str, Any]) -> Catalogue:
        try:
            folder = str(self._find_needle("files", options["catalogue"]))
        except AnsibleError:
            folder = os.path.join(self._loader.get_basedir(), options["catalogue"])
        if not os.path.isdir(folder):
            raise ShippingError(
                f"there is no catalogue {options['catalogue']}",
                "no folder of that name is beside the playbook or role",
                "Correct the path; nothing was touched",
            )
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        return Catalogue(folder, os.path.join(cache, "shipping.code", "downloads"))

    def _offer(self, catalogue: Catalogue, projects: list[str], uv_path: str | None) -> dict[str, Any]:
        """What these projects have, read by the first machine of the task: all machines of a run get the same."""
        about = sha256(json.dumps([catalogue.folder, projects, uv_path]).encode()).hexdigest()
        folder = C.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]  # It goes with the run.
        offer = once(os.path.join(folder, f"{self._task._uuid}-{about}.json"), lambda: _read_offer(catalogue, projects, uv_path))
        catalogue.checkouts.update(offer["checkouts"])
        return offer

    def _call(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(module_args=options, task_vars=task_vars)
        given = result.get("invocation", {}).get("module_args", {})
        for name in [name for name in given if name.startswith("_")]:
            del given[name]
        return result

    def _send(self, parcel: Parcel, missing: list[dict[str, Any]], options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Everything that is missing, in one transfer; nothing of it stays outside the store."""
        folder = tempfile.mkdtemp()
        try:
            local = os.path.join(folder, "bundle.tar")
            sent = parcel.write(local, missing)
            if os.path.getsize(local) <= _GOES_ALONG:
                with open(local, "rb") as bundle:
                    return self._call({**options, "_bundle": sent, "_content": base64.b64encode(bundle.read()).decode()}, task_vars)
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "bundle.tar")
            self._transfer_file(local, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote))
            return self._call({**options, "_bundle": {"path": remote, **sent}}, task_vars)
        finally:
            shutil.rmtree(folder)


def _read_offer(catalogue: Catalogue, projects: list[str], uv_path: str | None) -> dict[str, Any]:
    manifests, without = catalogue.manifests(projects)
    uv = _uv(uv_path, manifests)
    return {"manifests": manifests, "without": without, "checkouts": catalogue.checkouts, "uv": uv, "uv_sha256": sha256_of(uv) if uv else ""}


def _uv(given: str | None, manifests: list[dict[str, Any]]) -> str:
    """The path of uv, where any project has a tool that it installs."""
    if not any(tool["kind"] == "python" for manifest in manifests for tool in manifest["tools"]):
        return ""
    path = given or shutil.which("uv")
    if not path or not os.path.isfile(path):
        raise ShippingError(
            "tools of the kind python need uv", f"{given or 'uv'} is not on the control machine", "pip install uv, or say where it is with uv_path"
        )
    return path


def _plain(record: Any) -> Any:
    """The record as plain data, and no more of each user than it has: what the inventory hints at stays here."""
    if not isinstance(record, dict) or not isinstance(record.get("users"), list):
        return record
    users = [{key: user[key] for key in ("id", "name", "projects") if key in user} if isinstance(user, dict) else user for user in record["users"]]
    return json.loads(json.dumps({**record, "users": users}))
