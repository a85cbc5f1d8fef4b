# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key ``security_opt`` of a service: options of the Docker client, as one mapping.

Options: https://docs.docker.com/reference/cli/docker/container/run/#security-opt
"""

from __future__ import annotations

import re
from typing import Any

from .._core.parsing import SpecReader, boolean, words

UNCONFINED, DEFAULT = "unconfined", "default"
# The separator was a colon first (moby, daemon/daemon_unix.go); of labels, the rest has colons.
_OPTION = re.compile(r"(?P<name>[^=:]+)(?:[=:](?P<value>.*))?")
_LABELS = ("user", "role", "type", "level")


def security_options(value: object, reader: SpecReader) -> object:
    """Read options as no_new_privileges, seccomp, apparmor and the SELinux labels."""
    result: dict[str, Any] = {}
    options = words(value, reader)
    for index, option in enumerate(options if isinstance(options, list) else []):
        place = reader.at(index) if isinstance(value, list) else reader
        match = _OPTION.fullmatch(str(option))
        name = match["name"] if match else ""
        if match and name in _READERS:
            _READERS[name](match["value"] or "", result, place)
        else:
            place.refuse_value("security_opt", option)
    return result


def _no_new_privileges(value: str, result: dict[str, Any], reader: SpecReader) -> None:
    # False is what is so without it.
    if boolean(value or True, reader):
        result["no_new_privileges"] = True
    else:
        result.pop("no_new_privileges", None)


def _seccomp(value: str, result: dict[str, Any], reader: SpecReader) -> None:
    if value == UNCONFINED:
        result["seccomp"] = UNCONFINED
    elif value in ("builtin", DEFAULT):
        result["seccomp"] = DEFAULT
    else:
        reader.refuse_value("seccomp", value)


def _apparmor(value: str, result: dict[str, Any], reader: SpecReader) -> None:
    if not value:
        reader.problem("needs a profile; write for example apparmor=unconfined")
    result["apparmor"] = DEFAULT if value == "docker-default" else value


def _label(value: str, result: dict[str, Any], reader: SpecReader) -> None:
    key, _colon, setting = value.partition(":")
    labels = result.setdefault("selinux", {})
    if value == "disable":
        labels["disable"] = True
    elif key in _LABELS and setting:
        labels[key] = setting
    else:
        reader.problem(
            f"{value!r} is no label; write label=disable, or user, role, type or level as in"
            " label=type:svirt_apache_t"
        )


_READERS = {
    "no-new-privileges": _no_new_privileges,
    "seccomp": _seccomp,
    "apparmor": _apparmor,
    "label": _label,
}
