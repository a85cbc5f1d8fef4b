# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run git on the controller, the same way wherever the play was started."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

# git sets them for its hooks. They override -C, so that git would write to another repository.
# Those of its configuration (GIT_CONFIG_COUNT, GIT_SSL_CAINFO and others) stay.
_REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def run_git(
    words: Sequence[str], timeout: float, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git without a terminal, and without the settings of a hook that it runs in.

    ``timeout`` is in seconds: git has none for a server that sends no data. Raise TimeoutExpired
    after it, and OSError if git does not start.
    """
    kept = {name: text for name, text in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    return subprocess.run(
        ["git", *words],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        # git prompts at the terminal, even if its input is another, and would hang.
        env={**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **(variables or {})},
        stdin=subprocess.DEVNULL,
        timeout=timeout,
    )
