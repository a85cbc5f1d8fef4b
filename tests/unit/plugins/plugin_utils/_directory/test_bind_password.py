# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory.bind_password import password
from ansible_collections.shipping.code.plugins.plugin_utils._directory.directory_errors import (
    Inaccessible,
)


def test_from_a_file_without_its_line_end(tmp_path):
    file = tmp_path / "password"
    file.write_text(" hunter2 \r\n")
    assert password({"bind_password_file": str(file)}) == " hunter2 "


def test_the_password_itself_takes_precedence(tmp_path):
    assert (
        password({"bind_password": "hunter2", "bind_password_file": str(tmp_path / "missing")})
        == "hunter2"
    )


def test_from_a_command():
    assert password({"bind_password_command": ["printf", "%s\\n", "hunter2"]}) == "hunter2"
    assert password({}) == ""


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["false"], "it ended with 1"),
        (["true"], "it printed nothing"),
        (["/nowhere/at/all"], "No such file"),
        (["sh", "-c", "echo hunter2; exit 3"], "it ended with 3"),
    ],
)
def test_a_command_that_fails_shows_nothing(command, why):
    with pytest.raises(Inaccessible, match=why) as caught:
        password({"bind_password_command": command})
    assert "hunter2" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(
        Inaccessible, match=r"cannot read bind_password_file .*: No such file or directory"
    ):
        password({"bind_password_file": str(tmp_path / "missing")})
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    binary.chmod(stat.S_IRUSR)
    with pytest.raises(Inaccessible, match="it is no UTF-8 text"):
        password({"bind_password_file": str(binary)})
