# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of tests depends on, in a repository of a few files."""

from __future__ import annotations

import pytest

from tests.suites.dependencies import Files

MODULE = {"plugins/modules/rollback.py", "plugins/action/rollback.py"}
PLAYBOOK = {"playbooks/rollback.yml", "roles/services/tasks/main.yml"}
SOURCES = {
    **dict.fromkeys(MODULE, ""),
    "playbooks/rollback.yml": "- roles: [shipping.code.services]",
    "playbooks/deploy.yml": "- roles: [shipping.code.services]",
    "plugins/modules/release.py": "",
    "roles/services/tasks/main.yml": "",
}


def dependencies(test: str) -> set[str]:
    sources = {**SOURCES, "tests/test_it.py": test}
    return Files(sources, sources.__getitem__).closure(["tests/test_it.py"]) - {"tests/test_it.py"}


@pytest.mark.parametrize(
    ("test", "files"),
    [
        ("player.run('rollback', {'app': app})", MODULE),
        ("player.run('rollback', options, '--check')", MODULE),
        ("Player(home).start('rollback', {**options})", MODULE),
        ("operator.run('rollback')", PLAYBOOK),
        ("operator.run('rollback', '-e', 'release=2')", PLAYBOOK),
        ("operator.run('rollback', f'-e release={release}')", PLAYBOOK),
        ("operator.run('rollback', *words)", PLAYBOOK),
        # What only one of them is called, is meant by it.
        ("player.run('release')", {"plugins/modules/release.py"}),
        (
            "player.run('deploy', options)",
            {"playbooks/deploy.yml", *PLAYBOOK} - {"playbooks/rollback.yml"},
        ),
        ("print('rollback')", set()),
    ],
)
def test_a_test_depends_on_the_module_or_the_playbook_that_it_starts(
    test: str, files: set[str]
) -> None:
    assert dependencies(test) == files
