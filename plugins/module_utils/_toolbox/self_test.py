# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a tool as its user: whether its commands can start, then its own test."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Iterable

from .._core.errors import os_words
from .failed_tool import FailedTool
from .generation_model import Tool, View
from .startable_commands import cannot_start, path_of
from .tool_store import Store
from .view_environment import environment

_LINES = 20


def failures(
    views: Iterable[View], users: str, timeout: int, store: Store, arch: str
) -> list[FailedTool]:
    """Test the tools that are not ready yet; ``users`` is the folder with the views to test."""
    failed_tools = []
    for view in views:
        base = os.path.join(users, view.name)
        for tool in view.tools:
            if tool.ready:
                continue
            path = path_of(view, tool, base, store)
            failed = cannot_start(view, tool, path, store, arch)
            if tool.self_test and not failed:
                variables = {**environment(view, base).as_values(), "PATH": path}
                failed = _test(view, tool, variables, timeout)
            if failed:
                failed_tools.append(failed)
    return failed_tools


def _test(
    view: View, tool: Tool, variables_of_view: dict[str, str], timeout: int
) -> FailedTool | None:
    # Without root's environment: the test runs with what the user has after a login.
    account = pwd.getpwuid(view.uid)
    variables = {
        **variables_of_view,
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": account.pw_shell,
        "LC_ALL": "C.UTF-8",
    }
    try:
        # run_command of AnsibleModule cannot become another user.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            list(tool.self_test),
            env=variables,
            cwd="/",
            user=view.uid,
            group=account.pw_gid,
            extra_groups=os.getgrouplist(account.pw_name, account.pw_gid),
            umask=0o077,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # In a process group of its own, so that a timeout also ends what the test has started.
            start_new_session=True,
        )
    except OSError as error:
        return FailedTool(view, tool, f"{tool.self_test[0]}: {os_words(error)}")
    return _outcome(process, view, tool, timeout)


def _outcome(
    process: subprocess.Popen[bytes], view: View, tool: Tool, timeout: int
) -> FailedTool | None:
    try:
        output, _none = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return FailedTool(view, tool, f"the self-test did not end within {timeout} s")
    lines = tuple(output.decode("utf-8", "replace").splitlines()[-_LINES:])
    return (
        FailedTool(view, tool, f"the self-test exited with code {process.returncode}", lines)
        if process.returncode
        else None
    )
