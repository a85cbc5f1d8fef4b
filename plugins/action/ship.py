# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._deploy.argument_specs import REGISTRY
from ansible_collections.shipping.code.plugins.module_utils._deploy.platform_connection import (
    registry_credentials,
)
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import Credentials
from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    is_quiet,
    show_line,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import (
    previews,
    run_folder,
    ship_run,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.ancestry import Permissions
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_engine import (
    BuildEngine,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.engine_address import (
    engine_address,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.git_repository import (
    GitRepository,
    open_repository,
)

_OPTIONS: dict[str, dict[str, Any]] = {
    "repository": {"type": "str"},
    "commit": {"type": "str"},
    "branch": {"type": "str"},
    "folder": {"type": "path"},
    "state": {
        "type": "str",
        "choices": ["read", "built", "previews", "cleaned"],
        "default": "built",
    },
    "preview": {"type": "str"},
    "apps": {"type": "list", "elements": "dict", "default": []},
    "failed": {"type": "list", "elements": "dict", "default": []},
    "history": {"type": "list", "elements": "dict", "default": []},
    "retry": {"type": "bool", "default": False},
    "allow_older": {"type": "bool", "default": False},
    "by": {"type": "str"},
    "built": {"type": "dict"},
    "docker_host": {"type": "str"},
    "tls": {"type": "bool"},
    "ca_path": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "registry_auths": REGISTRY["registry_auths"],
    "docker_config": REGISTRY["docker_config"],
}

_COMMIT = ("repository", "commit", "branch")
_REQUIRED = [
    ("state", "read", _COMMIT),
    ("state", "built", (*_COMMIT, "folder")),
    ("state", "previews", _COMMIT),
    ("state", "cleaned", ("folder",)),
]


class ActionModule(ControllerAction):
    """Build, test and push a commit on the controller; no host is needed."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Read, build or clean up, as the state names it."""
        _checked, options = self.validate_argument_spec(_OPTIONS, required_if=_REQUIRED)
        host = str(variables.get("inventory_hostname", "localhost"))
        report = _silent if is_quiet("auto") else lambda text: show_line(f"{host} | {text}")
        return _run(options, report, check=bool(self._task.check_mode))


def _run(options: dict[str, Any], report: Callable[[str], None], *, check: bool) -> dict[str, Any]:
    if options["state"] == "cleaned":
        run_folder.remove(options["folder"])
        return {"changed": False}
    if options["state"] == "read":
        return _read(options)
    if options["state"] == "previews":
        return _previews(options)
    repository = open_repository(options["repository"], options["folder"])
    shipped = _shipped(repository, options)
    notes = _check_order(repository, shipped, options)
    order = {
        "release_notes": notes,
        "after_release": max((int(entry["number"]) for entry in options["history"]), default=0),
    }
    if options["built"]:
        return ship_run.ordered(shipped, options["built"], order)
    checkout = _checkout(repository, shipped.id, options["folder"])
    compose = ship_run.compose_paths(shipped.content, checkout)
    engine = _engine(options)
    planned = ship_run.plan_images(shipped.content.images, checkout, engine)
    time = repository.time(shipped.id)
    images = planned if check else ship_run.build_all(planned, engine, time, report)
    release = {
        **ship_run.release_options(shipped, compose, images),
        **order,
        "by": options["by"] or repository.author(shipped.id),
    }
    return {
        **shipped.summary(),
        "notes": notes,
        **ship_run.outcome(planned, images),
        "release": release,
    }


def _read(options: dict[str, Any]) -> dict[str, Any]:
    folder = options["folder"] or run_folder.make()
    try:
        repository = open_repository(options["repository"], folder)
        shipped = _shipped(repository, options)
    except ShippingError:
        if not options["folder"]:
            run_folder.remove(folder)
        raise
    return {"changed": False, "folder": folder, **shipped.summary()}


def _previews(options: dict[str, Any]) -> dict[str, Any]:
    """Return the previews whose branch was deleted, and check whether another one may be added."""
    folder = run_folder.make()
    try:
        repository = open_repository(options["repository"], folder)
        commit, content = ship_run.read_content(repository, options["commit"], options["branch"])
        branches = repository.branches()
    finally:
        run_folder.remove(folder)
    # Those that failed have no replicas, so that they do not count against the limit.
    entries = [*options["apps"], *options["failed"]]
    remove = previews.removable_previews(entries, content.app, branches)
    if options["preview"] is None:
        environment = previews.removing_environment(content)
    else:
        environment = previews.preview_environment(content, options["branch"], _name(options))
        previews.check_limit(options["apps"], environment, content, branches)
    shipped = ship_run.ShippedCommit(commit, content, environment, preview_of=content.app)
    return {"changed": False, **shipped.summary(), "remove": remove}


def _shipped(repository: GitRepository, options: dict[str, Any]) -> ship_run.ShippedCommit:
    preview = None if options["preview"] is None else _name(options)
    return ship_run.read_commit(repository, options["commit"], options["branch"], preview)


def _name(options: dict[str, Any]) -> str:
    return "" if options["preview"] == "auto" else str(options["preview"])


def _check_order(
    repository: GitRepository, shipped: ship_run.ShippedCommit, options: dict[str, Any]
) -> list[str]:
    """Return the commits since the live one; raise ShippingError if this one may not follow it."""
    if shipped.preview_of:
        return ship_run.check_newest(repository, shipped, options["history"])
    permissions = Permissions(options["retry"], options["allow_older"])
    return ship_run.check_order(repository, shipped.id, options["history"], permissions)


def _checkout(repository: GitRepository, commit: str, folder: str) -> str:
    """Return the folder with the files of the commit."""
    checkout = os.path.join(folder, commit)
    if not os.path.isdir(checkout):
        os.mkdir(checkout, 0o700)
        repository.check_out(commit, checkout)
    return checkout


def _engine(options: dict[str, Any]) -> BuildEngine:
    auths = [
        # As module_utils has it, with the names of the client's configuration.
        {name: value for name, value in entry.items() if value is not None}
        for entry in options["registry_auths"]
    ]
    given = registry_credentials({"registry_auths": auths})
    address = engine_address(options, os.environ, os.path.expanduser("~"))
    return BuildEngine(address, Credentials(given, options["docker_config"]))


def _silent(_text: str) -> None:
    """Show nothing: the callback's output is for programs."""
