# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._toolbox.delivery_errors import (
    Unsupported,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.host_assignment import (
    check_record,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.toolbox_options import (
    TOOLBOX,
    WHERE,
    check,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.compute_once import once
from ansible_collections.shipping.code.plugins.plugin_utils._controller.catalog_action import (
    CatalogAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.module_runner import (
    AnsibleModuleRunner,
    run_first,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    slow_calls_shown,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.remote_python import (
    Program,
    RemotePythonRunner,
    packed,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.task_options import (
    read_options,
)

_INLINE_BYTES = 1_000_000
"""The largest bundle that is sent in the module's input.

A separate file costs five more round trips.
"""
_PROGRAM_PATH = "_path"
_WINDOWS = ("winrm", "psrp")
_TOOLBOX_PROGRAM = (
    "_toolbox.toolbox_calls",
    "directly",
    "_core/errors.py",
    "_core/failure.py",
    "_core/text_table.py",
    "_toolbox",
)


class ActionModule(CatalogAction):
    """Reads the catalog on the controller, calls the host, and sends what it lacks."""

    _supports_check_mode = True
    _supports_async = False
    _supports_diff = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        with slow_calls_shown(str(variables.get("inventory_hostname", "localhost"))):
            try:
                result.update(self._deliver(read_options(TOOLBOX, self._task.args), variables))
            except ShippingError as error:
                result.update(error.as_result())
        return result

    def _deliver(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self._refuse_windows()
        check(options)
        if options.get("generation") is not None or options.get("state", "present") != "present":
            return self._call(options, task_vars)
        options["record"] = _plain(options["record"])
        check_record(options["record"])
        contents = self._contents(options)
        options = {key: value for key, value in options.items() if key not in _program_options()}
        options |= {"_projects": contents["manifests"], "_programs": contents["checksums"]}
        result = self._call(options, task_vars)
        if result.get("missing") and not result.get("failed"):
            if self._task.check_mode:
                _add_unobtainable(result, _probe(contents, result["missing"]), options)
            else:
                result = self._send(contents, result["missing"], options, task_vars)
        _add_projects_without_file(result, contents["without"])
        return result

    def _refuse_windows(self) -> None:
        # ShellModule._IS_WINDOWS is private. A host with SSH may be Windows, too, with PowerShell.
        if self._connection.transport.rpartition(".")[2] in _WINDOWS or getattr(
            self._connection._shell, "_IS_WINDOWS", False
        ):
            raise Unsupported(
                "tools cannot be delivered to this host",
                "its system is Windows",
                "Linux is supported; macOS and Windows are not yet",
            )

    def _folder(self, options: dict[str, Any]) -> str:
        folder = self.catalog_path(str(options["catalog"]))
        if not os.path.isdir(folder):
            raise ShippingError(
                f"there is no catalog {options['catalog']}",
                "no folder of that name is beside the playbook or role",
                "Correct the path; nothing was changed",
            )
        return folder

    def _contents(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the contents of the catalog, which the first host's process reads.

        All hosts of a run get the same contents.
        """
        projects: set[str] = set()
        for user in options["record"]["users"]:
            projects.update(user["projects"])
        wanted = {
            "folder": self._folder(options),
            "projects": sorted(projects),
            "program_paths": {
                name: str(options[option])
                for option, name in _program_options().items()
                if options.get(option)
            },
        }
        about = sha256(json.dumps(wanted).encode()).hexdigest()
        # Task._uuid is private; it is the same for all hosts of a task.
        # One of the processes that wait for the catalog packs the program.
        return once(_of_run(f"{self._task._uuid}-{about}"), lambda: _read(wanted), _program)

    def _call(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the module's result, without Ansible's module runtime if possible."""
        quick = RemotePythonRunner(self, task_vars, _program, self._function_arguments)
        module = AnsibleModuleRunner(self, task_vars)
        result = run_first([quick], module, options)
        # The result does not repeat what the controller has sent.
        given = result.get("invocation", {}).get("module_args", {})
        for name in [name for name in given if name.startswith("_")]:
            del given[name]
        return result

    def _function_arguments(self, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the arguments of the toolbox's function; None if the module must run.

        The module reports invalid options, and can expand ~ on the host.
        """
        checked = ArgumentSpecValidator(TOOLBOX).validate(options)
        path = options.get("path", WHERE["path"]["default"])
        if checked.error_messages or checked.validated_parameters["path"] != path:
            return None
        return {
            "options": checked.validated_parameters,
            "dry": self._task.check_mode,
            "diff": self._task.diff,
        }

    def _send(
        self,
        contents: dict[str, Any],
        missing: list[dict[str, Any]],
        options: dict[str, Any],
        task_vars: dict[str, Any],
    ) -> dict[str, Any]:
        """Send all missing content in one transfer; only the store keeps it."""
        from ansible_collections.shipping.code.plugins.plugin_utils._catalog.run_contents import (
            bundle_writer,
        )

        folder = tempfile.mkdtemp()
        try:
            local = os.path.join(folder, "bundle.tar")
            sent = bundle_writer(contents).write(local, missing)
            if os.path.getsize(local) <= _INLINE_BYTES:
                with open(local, "rb") as bundle:
                    return self._call(
                        {
                            **options,
                            "_bundle": sent,
                            "_content": base64.b64encode(bundle.read()).decode(),
                        },
                        task_vars,
                    )
            # ActionBase has only private methods to send a file. _fixup_perms2 lets an unprivileged
            # user of become read it.
            if not self._connection._shell.tmpdir:
                self._make_tmp_path()
            remote = self._connection._shell.join_path(self._connection._shell.tmpdir, "bundle.tar")
            self._transfer_file(local, remote)
            self._fixup_perms2((self._connection._shell.tmpdir, remote))
            return self._call({**options, "_bundle": {"path": remote, **sent}}, task_vars)
        finally:
            shutil.rmtree(folder)


def _probe(contents: dict[str, Any], missing: list[dict[str, Any]]) -> dict[str, str]:
    """Return why objects cannot be fetched; once for all hosts that lack the same."""
    from ansible_collections.shipping.code.plugins.plugin_utils._catalog.run_contents import (
        bundle_writer,
    )

    about = sha256(json.dumps(missing).encode()).hexdigest()
    return once(_of_run(f"probe-{about}"), lambda: bundle_writer(contents).unobtainable(missing))


def _add_unobtainable(
    result: dict[str, Any], reasons: dict[str, str], options: dict[str, Any]
) -> None:
    """Add to the result of check mode the content that a delivery could not get.

    A call that blocks removals does not fail, as in toolbox_calls: the role reports the errors.
    """
    faults = [
        {
            "project": lacking["project"],
            "tool": lacking["tool"],
            "reason": reasons[lacking["object"]],
        }
        for lacking in result["missing"]
        if lacking["object"] in reasons
    ]
    if not faults:
        return
    result["catalog_errors"] = [*result["catalog_errors"], *faults]
    if options.get("removals") != "block":
        texts = dict.fromkeys(fault["reason"] for fault in faults)
        result |= {"failed": True, "msg": f"not everything would be ready: {'; '.join(texts)}"}


def _add_projects_without_file(result: dict[str, Any], projects: list[str]) -> None:
    """Add a note for each of these projects, and a warning where users would lose its tools.

    A group of the directory that never had tools is no mistake.
    """
    notes = {name: f"{name} has no file in the catalog, and so no tools" for name in projects}
    if notes:
        result["notes"] = [*result.get("notes", ()), *notes.values()]
    losing = {removal["project"] for removal in result.get("removals") or ()}
    warnings = [note for name, note in notes.items() if name in losing]
    if warnings:
        result["warnings"] = [*result.get("warnings", ()), *warnings]


def _program_options() -> dict[str, str]:
    """Return the options with the path of a helper program, such as uv_path, and its name."""
    options = [option for option in TOOLBOX if not option.startswith("_")]
    return {
        option: option[: -len(_PROGRAM_PATH)]
        for option in options
        if option.endswith(_PROGRAM_PATH)
    }


def _of_run(name: str) -> str:
    """Return the path of a file that is removed at the end of the run."""
    # Ansible creates this folder for each run, and removes it at the end.
    return os.path.join(C.DEFAULT_LOCAL_TMP, f"{name}.json")  # type: ignore[attr-defined]


def _program() -> Program:
    """Return the toolbox as one program, which is packed once for all hosts of a run."""
    return Program(**once(_of_run("toolbox"), lambda: packed(*_TOOLBOX_PROGRAM)._asdict()))


def _read(wanted: dict[str, Any]) -> dict[str, Any]:
    # Imported here, by the first host's process: the others do not read the catalog.
    from ansible_collections.shipping.code.plugins.plugin_utils._catalog.run_contents import read

    return read(**wanted)


def _plain(record: Any) -> Any:
    """Return the host assignment as plain data, without the inventory's hints on users."""
    if not isinstance(record, dict) or not isinstance(record.get("users"), list):
        return record
    users = [
        (
            {key: user[key] for key in ("id", "name", "projects") if key in user}
            if isinstance(user, dict)
            else user
        )
        for user in record["users"]
    ]
    # Ansible's values are subclasses that carry tags; JSON leaves plain ones. A value that JSON
    # does not have, such as a date of YAML, becomes text, which check_record() rejects.
    return json.loads(json.dumps({**record, "users": users}, default=str, skipkeys=True))
