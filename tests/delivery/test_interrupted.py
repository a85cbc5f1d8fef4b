# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test a kill, or a full disk, at every single step.

What was there works, and the next run goes on.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.plugins.module_utils._toolbox.archives import (
    HELLO,
    Box,
    archive,
    entry,
    project,
    script,
    sha256,
    user,
)

pytestmark = pytest.mark.long

CHANGES = {
    "os.mkdir",
    "os.rename",
    "os.symlink",
    "os.remove",
    "os.rmdir",
    "os.chmod",
    "os.setxattr",
    "os.removexattr",
    "os.truncate",
    "shutil.move",
}
NEW = b"#!/bin/sh\necho new from $(id -un)\n"
PACKED = archive(("bin/run", b"#!/bin/sh\necho run\n"))


def is_change(event: str, args: tuple[Any, ...], root: str) -> bool:
    if event == "open":
        return (
            isinstance(args[0], str)
            and args[0].startswith(root)
            and bool(args[2] & (os.O_WRONLY | os.O_RDWR))
        )
    return event in CHANGES and any(isinstance(arg, str) and arg.startswith(root) for arg in args)


def forked(box: Box, work: Callable[[], object], at: int, how: str) -> str:
    """Run in a process that fails at a certain change; return how it ended."""
    child = os.fork()
    if child:
        _pid, status = os.waitpid(child, 0)
        return (
            "killed"
            if os.WIFSIGNALED(status)
            else {0: "done", 3: "failed"}[os.waitstatus_to_exitcode(status)]
        )
    count = 0

    def watch(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if is_change(event, args, str(box.root)):
            count += 1
            if count == at and how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if count >= at and how == "full" and event not in ("os.remove", "os.rmdir"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(watch)
    try:
        work()
    except Exception:
        os._exit(3)
    os._exit(0 if count < at else 3)


def prepare(box: Box) -> Callable[[], Any]:
    """Prepare a host with one generation, and the next request.

    One joins, one leaves, one tool changes.
    """
    box.projects = [project("atlas", script("hello")), project("beta", script("other"))]
    box.deliver(user("daemon", "atlas"), user("bin", "beta"))
    box.contents = {("atlas", "hello"): {"content": NEW}, ("atlas", "pack"): {"archive": PACKED}}
    pack = entry("archive", "pack", {"sha256": sha256(PACKED)}, {"run": "bin/run"})
    box.projects = [
        project("atlas", script("hello", NEW, version="2"), pack),
        project("beta", script("other")),
    ]
    return lambda: box.deliver(user("daemon", "atlas"), user("games", "beta"), keep=1)


def is_old(box: Box) -> bool:
    return (
        box.commands("daemon") == {"hello"}
        and (box.view("daemon") / "bin" / "hello").read_bytes() == HELLO
        and box.commands("bin") == {"other"}
    )


def is_new(box: Box) -> bool:
    return (
        box.commands("daemon") == {"hello", "run"}
        and (box.view("daemon") / "bin" / "hello").read_bytes() == NEW
        and box.commands("bin") == set()
    )


def stages(box: Box, how: str) -> list[str]:
    """Run once for each change that it would make, each from the same start."""
    work = prepare(box)
    saved = Path(f"{box.top}-saved")
    os.rename(box.root, saved)
    ends = []
    try:
        while not ends or ends[-1] != "done":
            copy(saved, box.root)
            ends.append(forked(box, work, len(ends) + 1, how))
            assert is_old(box) or is_new(box), (how, len(ends), ends[-1])
            answer = work()
            assert is_new(box) and answer["ready"], (how, len(ends))
            assert not work()["changed"], (how, len(ends))
            assert box.objects() == ["hello-2", "other-1", "pack-1"], (
                how,
                len(ends),
                box.objects(),
            )
    finally:
        shutil.rmtree(saved)
    return ends


def copy(source: Path, target: Path) -> None:
    """Restore it, except for times of change, which cannot be set: markers are recreated."""
    from ansible_collections.shipping.code.plugins.module_utils._toolbox import acl
    from ansible_collections.shipping.code.plugins.module_utils._toolbox.tool_store import Store

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)
    for path in source.rglob("*"):
        if path.is_dir() and not path.is_symlink() and acl.users(str(path)):
            acl.allow(str(target / path.relative_to(source)), acl.users(str(path)))
    store = Store(str(target))
    for place in store.places():
        store.finish(place)


@pytest.mark.parametrize("how", ["kill", "full"])
def test_every_stage(box: Box, how: str):
    ends = stages(box, how)
    assert len(ends) > 40 and set(ends[:-1]) <= {
        "killed" if how == "kill" else "failed",
        "done",
    }, ends
