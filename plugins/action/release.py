# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._core.masking import words_of
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    argument_specs,
    operations,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.entry import check_present
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.manifests import (
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.in_process import Call
from ansible_collections.shipping.code.plugins.plugin_utils._controller.live_action import (
    LiveAction,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.manifest_files import (
    Chart,
    documents,
    secret_words,
)


class ActionModule(LiveAction):
    """Reads the spec on the control machine, runs the module and shows its progress."""

    call = Call(argument_specs.RELEASE, operations.release_or_absent, argument_specs.RELEASE_RULES)

    def prepare(self, task_vars: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Read, interpolate, merge and validate; what goes to the host is plain data."""
        options = dict(self._task.args)
        if options.get("state", "present") != "present":
            return options, []
        check_present(options)
        if options.get("manifests"):
            return self._prepared_manifests(options)
        sources = self._sources(options)
        support = registry.support(options.get("platform", "swarm"))
        source = load(sources, lambda content: model.read(content, support, options.get("images")))
        words = words_of(
            [*source.secrets.values(), *(str(value) for value in sources.secret_values.values())]
        )
        read = (
            "compose",
            "values",
            "values_from_environment",
            "secret_values",
            "env_file",
            "allow_secret_environment",
        )
        kept = {key: value for key, value in options.items() if key not in read}
        data = {
            "secrets": {
                name: base64.b64encode(content).decode() for name, content in source.secrets.items()
            },
            "configs": {
                name: base64.b64encode(content).decode() for name, content in source.configs.items()
            },
        }
        return {
            **kept,
            **self.author(),
            "spec": source.content,
            "_data": data,
            "_mask": words,
        }, words

    def _prepared_manifests(self, options: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Read and render manifests.

        They go to the host where nothing is logged, since Secrets are among them.
        """
        chart = Chart(
            options["app"],
            str(options.get("namespace") or "default"),
            options.get("helm_values") or {},
            tuple(self._found(path) for path in _listed(options.get("helm_values_files"))),
        )
        manifests = documents(
            [self._found(path) for path in _listed(options["manifests"])], self._read, chart
        )
        read(
            manifests,
            chart.namespace if options.get("namespace") else None,
            str(options.get("hooks") or "fail"),
        )
        words = words_of(secret_words(manifests))
        kept = {
            key: value
            for key, value in options.items()
            if key not in ("helm_values", "helm_values_files")
        }
        return {
            **kept,
            **self.author(),
            "_data": {"manifests": base64.b64encode(json.dumps(manifests).encode()).decode()},
            "_mask": words,
        }, words

    def _sources(self, options: dict[str, Any]) -> SpecSources:
        return SpecSources(
            read=self._read,
            compose=[self._found(path) for path in _listed(options.get("compose"))],
            inline=options.get("spec"),
            folder=self._loader.get_basedir(),
            values={"COMPOSE_PROJECT_NAME": options["app"], **(options.get("values") or {})},
            secret_values=options.get("secret_values") or {},
            env_files=[self._found(path) for path in _listed(options.get("env_file"))],
            environment=(
                dict(os.environ) if boolean(options.get("values_from_environment", False)) else {}
            ),
            secrets_anywhere=boolean(options.get("allow_secret_environment", False)),
        )

    def _found(self, path: str) -> str:
        """A path as the user wrote it: beside the play or role, in its files, or absolute."""
        try:
            return str(self._find_needle("files", path))
        except AnsibleError as error:
            raise ShippingError(
                f"cannot read {path} on the control machine",
                "there is no such file beside the playbook or role",
                "Correct the path",
            ) from error

    def _read(self, path: str) -> bytes:
        """A file's bytes, decrypted where it is an Ansible Vault file."""
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a directory")
        if not os.path.exists(path):
            raise FileNotFoundError(2, "there is no such file")
        with open(self._loader.get_real_file(path), "rb") as stream:
            return stream.read()


def _listed(given: Any) -> list[str]:
    """A path or a list of paths, as a list."""
    return [str(path) for path in ([given] if isinstance(given, str) else given or [])]
