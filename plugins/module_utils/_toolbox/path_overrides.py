# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the system that replace the PATH after the shell integration has set it.

Not among them: secure_path of sudoers and ENV_PATH of login.defs. Every distribution has them, and
a login shell that follows sets the PATH again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from .atomic_files import read_text

_ENVIRONMENT = re.compile(r"(?m)^\s*(?:export\s+)?PATH\s*=")
_INCLUDE = re.compile(r"(?:@include|-?\w+ (?:include|substack)) ([\w.-]+)")
# Without indentation: an assignment below a condition is for some users only.
_ASSIGNMENT = re.compile(r"(?m)^(?:export\s+)?PATH=(?P<value>.*)$")
_KEEPS_PATH = re.compile(r"\$\{?PATH\b")


def notes(etc: str) -> Iterator[str]:
    """Yield a note for each file that hides the commands of views, with what to do."""
    yield from _note_on_environment(etc)
    for folder, own, suffix in (
        ("profile.d", "shipping.sh", ".sh"),
        ("environment.d", "60-shipping.conf", ".conf"),
    ):
        for path in _later_files(os.path.join(etc, folder), own, suffix):
            if replaces_path(read_text(path)):
                yield (
                    f"{path} hides the commands of tools: it is read after {own} and replaces PATH."
                    " Keep the former value there: PATH=FOLDERS:$PATH"
                )


def _note_on_environment(etc: str) -> Iterator[str]:
    path = os.path.join(etc, "environment")
    if _environment_is_last(etc) and _ENVIRONMENT.search(read_text(path)):
        yield (
            f"PATH in {path} hides the commands of tools from `ssh HOST COMMAND`: pam_env reads"
            f" it last. Delete that line; the block in {etc}/security/pam_env.conf keeps its"
            " value"
        )


def _environment_is_last(etc: str) -> bool:
    """Return whether PAM reads /etc/environment after pam_env.conf when a user comes in by SSH.

    Each line of pam_env reads pam_env.conf first, then its own ``envfile``. Debian has a second
    line for /etc/default/locale, by which pam_env.conf wins; Red Hat has one line.
    """
    lines = list(_pam_env_arguments(etc, "sshd", set()))
    return bool(lines) and "readenv=0" not in lines[-1] and "envfile=" not in lines[-1]


def _pam_env_arguments(etc: str, service: str, seen: set[str]) -> Iterator[str]:
    """Yield the arguments of each line with pam_env, also in included files (pam.conf(5))."""
    seen.add(service)
    for line in read_text(os.path.join(etc, "pam.d", service)).splitlines():
        words = line.partition("#")[0].split()
        included = _INCLUDE.fullmatch(" ".join(words))
        if included and included[1] not in seen:
            yield from _pam_env_arguments(etc, included[1], seen)
        elif any(word.rpartition("/")[2] == "pam_env.so" for word in words):
            yield " ".join(words)


def replaces_path(text: str) -> bool:
    """Return whether a startup file sets a PATH without the former one."""
    return any(not _KEEPS_PATH.search(found["value"]) for found in _ASSIGNMENT.finditer(text))


def _later_files(folder: str, own: str, suffix: str) -> list[str]:
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [os.path.join(folder, name) for name in names if name.endswith(suffix) and name > own]
