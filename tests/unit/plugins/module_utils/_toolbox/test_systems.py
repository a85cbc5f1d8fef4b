# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The families of Linux, which are told apart by what is there and not by their names."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import workstation
from ansible_collections.shipping.code.plugins.module_utils._toolbox.python_version import (
    version_behind,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.shell_integration import (
    install_shell_integration,
    remove_shell_integration,
)

ROOT = "/opt/shipping"
ALWAYS = {"profile.d/shipping.sh", "environment.d/60-shipping.conf", "security/pam_env.conf"}
FAMILIES = {
    "debian": (
        ["environment.d/", "security/pam_env.conf", "zsh/zshenv", "fish/config.fish"],
        {"zsh/zshenv", "fish/conf.d/shipping.fish"},
    ),
    "fedora": (
        [
            "environment.d/",
            "security/pam_env.conf",
            "zshenv",
            "zshrc",
            "zprofile",
            "fish/config.fish",
        ],
        {"zshenv", "fish/conf.d/shipping.fish"},
    ),
    "rhel without zsh and fish": (["environment.d/", "security/pam_env.conf"], set()),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_files_of_each_family_and_no_others(tmp_path: Path, family: str):
    there, more = FAMILIES[family]
    for name in there:
        path = tmp_path / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text("# the system's own\n")
    wanted = {str(tmp_path / name) for name in ALWAYS | more}
    assert (
        set(install_shell_integration(ROOT, str(tmp_path), check_mode=True)) == wanted
        and not (tmp_path / "profile.d").exists()
    )
    assert (
        set(install_shell_integration(ROOT, str(tmp_path))) == wanted
        and install_shell_integration(ROOT, str(tmp_path)) == []
    )
    assert (
        set(remove_shell_integration(ROOT, str(tmp_path))) == wanted
        and remove_shell_integration(ROOT, str(tmp_path)) == []
    )
    assert {
        name
        for name in there
        if not name.endswith("/") and (tmp_path / name).read_text() != "# the system's own\n"
    } == set()


@pytest.mark.parametrize(
    ("name", "target", "version"),
    [
        ("python3", "python3.11", "3.11"),
        ("python3", "python3.14", "3.14"),
        ("platform-python", "platform-python3.9", "3.9"),
        ("python3", "python3-config", "?"),
    ],
)
def test_the_version_of_the_systems_python(tmp_path: Path, name: str, target: str, version: str):
    (tmp_path / target).touch()
    (tmp_path / name).symlink_to(target)
    assert version_behind(str(tmp_path / name), "?") == version


def test_the_systems_own_python_is_taken_wherever_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """RHEL 8 has it in /usr/libexec alone."""
    (tmp_path / "platform-python3.9").touch(0o755)
    (tmp_path / "platform-python").symlink_to("platform-python3.9")
    monkeypatch.setattr(
        workstation, "_PYTHONS", (str(tmp_path / "python3"), str(tmp_path / "platform-python"))
    )
    facts = workstation.facts()
    assert (facts.python, facts.python_version) == (str(tmp_path / "platform-python"), "3.9")
