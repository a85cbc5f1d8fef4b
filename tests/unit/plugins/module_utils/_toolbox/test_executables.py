# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs need to start, and whether this host has it."""

from __future__ import annotations

import platform
import struct
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox.executables import (
    Needs,
    needs,
    problem,
)
from hypothesis import example, given
from hypothesis import strategies as st

LOADER = b"/lib64/ld-linux-x86-64.so.2\0"


def elf(machine: int, loader: bytes = b"", *, is_64: bool = True, order: str = "<") -> bytes:
    """A program of nothing but its headers, as elf(5) lays them out."""
    identity = b"\x7fELF" + bytes([2 if is_64 else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    size, entry = (64, 56) if is_64 else (52, 32)
    words = "QQQ" if is_64 else "III"
    header = struct.pack(
        f"{order}HHI{words}IHHHHHH", 2, machine, 1, 0, size, 0, 0, size, entry, 1, 0, 0, 0
    )
    where = size + entry
    if is_64:
        segment = struct.pack(f"{order}IIQQQQQQ", 3, 4, where, 0, 0, len(loader), len(loader), 1)
    else:
        segment = struct.pack(f"{order}IIIIIIII", 3, where, 0, 0, len(loader), len(loader), 4, 1)
    return identity + header + segment + loader


@pytest.mark.parametrize(
    ("head", "interpreter", "processor"),
    [
        pytest.param(b"#!/bin/sh\n", "/bin/sh", "", id="a script"),
        pytest.param(b"#! /usr/bin/perl -w\n", "/usr/bin/perl", "", id="with a blank"),
        pytest.param(b"#!/usr/bin/env python3\n", "python3", "", id="env"),
        pytest.param(b"#!/usr/bin/env -S A=1 node --x\n", "node", "", id="env with options"),
        pytest.param(b"#!/usr/bin/env\n", "/usr/bin/env", "", id="env alone"),
        pytest.param(b"#!\n", "", "", id="an empty line"),
        pytest.param(b"plain", "", "", id="no program"),
        pytest.param(elf(62, LOADER), "/lib64/ld-linux-x86-64.so.2", "x86_64", id="x86_64"),
        pytest.param(elf(183), "", "aarch64", id="static"),
        pytest.param(elf(3, b"/lib/ld.so\0", is_64=False), "/lib/ld.so", "i386", id="32 bits"),
        pytest.param(elf(22, b"/lib/ld64.so.1\0", order=">"), "/lib/ld64.so.1", "s390x", id="big"),
        pytest.param(elf(9999), "", "", id="a processor that is not known"),
    ],
)
def test_what_a_program_needs(head: bytes, interpreter: str, processor: str):
    assert needs(head)[:2] == (interpreter, processor)


@given(st.binary(max_size=200), st.integers(0, 200))
@example(b"", 10)
def test_whatever_the_bytes_are(tail: bytes, cut: int):
    for head in (b"\x7fELF" + tail, elf(62, LOADER)[:cut], b"#!" + tail, tail):
        assert isinstance(needs(head), Needs)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"#!/bin/sh\n", ""),
        (b"#!/usr/bin/env sh\n", ""),
        (b"#!/usr/bin/no-such-ruby\n", "it needs /usr/bin/no-such-ruby, which is not on this host"),
        (b"#!/usr/bin/env no-such-node\n", "it needs no-such-node, which is not on this host"),
        (elf(62, b"/lib/ld-musl-none.so\0"), "it needs /lib/ld-musl-none.so, which is not on"),
        (elf(183), "it is for aarch64, and this host is x86_64"),
        (elf(3), ""),
    ],
)
def test_why_it_cannot_run(tmp_path: Path, content: bytes, said: str):
    path = tmp_path / "program"
    path.write_bytes(content)
    found = problem(str(path), "x86_64", "/usr/bin:/bin")
    assert found.startswith(said) if said else found == ""
    assert problem(str(tmp_path / "none"), "x86_64", "/bin") == (
        "it cannot be read: no such file or directory"
    )


def test_a_real_program():
    path = str(Path("/bin/ls").resolve())
    assert problem(path, platform.machine(), "/bin") == ""
    assert problem(path, "none", "/bin").endswith("and this host is none")
