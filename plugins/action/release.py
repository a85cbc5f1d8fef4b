# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from itertools import chain
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.shipping.code.plugins.module_utils._compose import model, service_routes
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.module_utils._core.masking import words_of
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    operations,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Contents
from ansible_collections.shipping.code.plugins.module_utils._deploy.read_options import (
    check_present,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.run_request import RunRequest
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._controller.in_process import ModuleSpec
from ansible_collections.shipping.code.plugins.plugin_utils._controller.live_action import (
    LiveAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.vault_files import (
    read_decrypted,
)
from ansible_collections.shipping.code.plugins.plugin_utils._routing.certificates import (
    certificate_problem,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.helm_charts import (
    Capabilities,
    Chart,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.manifest_files import (
    all_documents,
    check_files,
    documents,
    secret_words,
)

_READ_BY_COMPOSE = (
    "compose",
    "values",
    "values_from_environment",
    "secret_values",
    "env_file",
    "allow_secret_environment",
)
_READ_BY_HELM = ("helm_values", "helm_values_files")
"""The options that the control node reads, and the host has no use for."""


class ActionModule(LiveAction):
    """Reads the spec on the control node, runs the module and shows its progress."""

    module = ModuleSpec(
        PLATFORMS.argument_spec(argument_specs.RELEASE, releases=True),
        operations.release_or_absent,
        PLATFORMS,
        argument_specs.RELEASE_RULES,
    )

    def module_options(self) -> tuple[dict[str, Any], RunRequest]:
        """Read, interpolate, merge and validate; what the host gets is plain data."""
        options = self.given_options()
        if options.get("state", "present") != "present":
            return options, RunRequest()
        # The module checks it again, since it also runs without this action.
        check_present(options, PLATFORMS)
        if options.get("manifests"):
            return self._with_manifests(options)
        sources = self._sources(options)
        support = PLATFORMS.support(options.get("platform", PLATFORMS.default))
        everywhere = options.get("bind_mounts") == "everywhere"
        sources.resolve_binds = everywhere or support.relative_binds
        sources.ship_binds = options.get("bind_mounts") == "as_configs"
        if options.get("loopback_ports") == "unpublished":
            sources.unpublished = support.modes_without_addresses
        apps: list[model.Compose] = []
        source = load(
            sources,
            lambda content: apps.append(model.read(content, support, options.get("images"))),
        )
        _check_certificates(apps[0], source.secrets)
        self.early_warnings = source.warnings
        values = (str(value) for value in sources.secret_values.values())
        request = RunRequest(
            contents=Contents(secrets=source.secrets, configs=source.configs),
            relative_binds={} if everywhere else source.relative_binds,
            hidden=tuple(words_of([*source.secrets.values(), *values])),
        )
        kept = _without(options, _READ_BY_COMPOSE)
        return {**kept, **self.author(), "spec": source.content}, request

    def _with_manifests(self, options: dict[str, Any]) -> tuple[dict[str, Any], RunRequest]:
        """Read and render manifests.

        They go to the host where nothing is logged, since Secrets are among them.
        """
        chart = Chart(
            options["app"],
            str(options.get("namespace") or "default"),
            options.get("helm_values") or {},
            tuple(self._path(path) for path in _as_list(options.get("helm_values_files"))),
            # Once for all charts.
            cache(partial(self._capabilities, options)),
        )
        files = documents(
            [self._path(path) for path in _as_list(options["manifests"])], self._read, chart
        )
        self.early_notes = tuple(chain.from_iterable(file.notes for file in files))
        # Each chart reports the version of the same program.
        self.early_warnings = tuple(
            dict.fromkeys(chain.from_iterable(file.warnings for file in files))
        )
        manifests = all_documents(files)
        platform = PLATFORMS.definition(options.get("platform", PLATFORMS.default))
        # Before the host is called: an error of a manifest needs no connection.
        check = platform.check_manifests
        if check:
            namespace = chart.namespace if options.get("namespace") else None
            hooks = str(options.get("hooks") or "fail")
            check_files(files, lambda parts: check(parts, namespace, hooks))
        request = RunRequest(
            manifests=tuple(manifests), hidden=tuple(words_of(secret_words(manifests)))
        )
        return {**_without(options, _READ_BY_HELM), **self.author()}, request

    def _capabilities(self, options: dict[str, Any]) -> Capabilities:
        """Read the cluster's, only for a chart: on a remote host, that is one more call."""
        found = self.capabilities(options)
        return Capabilities(found.get("version", ""), tuple(found.get("apis", ())))

    def _sources(self, options: dict[str, Any]) -> SpecSources:
        return SpecSources(
            read=self._read,
            compose=[self._path(path) for path in _as_list(options.get("compose"))],
            inline=options.get("spec"),
            folder=self._loader.get_basedir(),
            # docker compose sets this variable to the name of the project.
            values={"COMPOSE_PROJECT_NAME": options["app"], **(options.get("values") or {})},
            secret_values=options.get("secret_values") or {},
            env_files=[self._path(path) for path in _as_list(options.get("env_file"))],
            environment=(
                dict(os.environ) if boolean(options.get("values_from_environment", False)) else {}
            ),
            secrets_anywhere=boolean(options.get("allow_secret_environment", False)),
        )

    def _path(self, path: str) -> str:
        """Return a file's place: beside the play or role, in its files, or absolute."""
        try:
            # ActionBase._find_needle is private; by it, copy and template search their files.
            return str(self._find_needle("files", path))
        except AnsibleError as error:
            raise ShippingError(
                f"cannot read {path} on the control node",
                "there is no such file beside the playbook or role",
                "Correct the path",
            ) from error

    def _read(self, path: str) -> bytes:
        """Return a file's bytes, decrypted where it is an Ansible Vault file."""
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a directory")
        if not os.path.exists(path):
            raise FileNotFoundError(2, "there is no such file")
        return read_decrypted(self._loader, path)


def _check_certificates(app: model.Compose, secrets: Mapping[str, bytes]) -> None:
    """Raise SpecError for certificates of routes that cannot be used; external ones are unknown."""
    problems = []
    now = datetime.now(UTC)
    for name, host, secret in service_routes.certificates(app.services):
        text = certificate_problem(secrets[secret], host, now) if secret in secrets else ""
        if text:
            problems.append(Problem(f"secrets.{secret}", f"{text} (a route of {name})"))
    if problems:
        raise SpecError(problems)


def _as_list(given: Any) -> list[str]:
    """Return a path or a list of paths as a list."""
    if given is None:
        return []
    return [str(path) for path in (given if isinstance(given, (list, tuple)) else [given])]


def _without(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in names}
