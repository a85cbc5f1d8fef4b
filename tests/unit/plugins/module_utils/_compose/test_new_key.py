# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new Compose key is a line in the model, one in each platform's support, and a row of tests.

Carried out in a copy of the collection. How a platform renders a key that it honors is its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[5]
COPIED = (".collections", "docs", "extensions", "playbooks", "plugins", "tests")
# File -> the line after which it gets a line, and that line.
LINES = {
    "plugins/module_utils/_compose/service.py": (
        "PARSERS: dict[str, Parser] = {\n",
        '    "nice_level": integer(0),\n',
    ),
    "plugins/module_utils/_platforms/swarm/support.py": (
        "_REFUSED_KEYS: dict[str, str] = {\n",
        '    "nice_level": "Swarm cannot set it; leave it out",\n',
    ),
    "plugins/module_utils/_platforms/kubernetes/support.py": (
        "_KEYS: dict[str, str] = {\n",
        '    "nice_level": "`niceLevel` of the container",\n',
    ),
    "tests/integration/test_keys.py": (
        "    KUBERNETES: {\n",
        '        "nice_level": [1, 2],\n',
    ),
}
TABLES = (
    "tests/unit/plugins/module_utils/_platforms/test_registry.py",
    "tests/unit/plugins/module_utils/_platforms/kubernetes/test_support.py",
    "tests/unit/docs/test_guides.py::test_tables_are_what_the_code_has",
    "tests/integration/test_keys.py::test_table_has_every_key",
)
READ = """
import json
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry

CONTENT = {"services": {"web": {"image": "nginx", "nice_level": "5"}}}
answers = {}
for name in registry.names():
    try:
        answers[name] = model.read(CONTENT, registry.support(name)).services["web"]["nice_level"]
    except SpecError as error:
        answers[name] = [str(problem) for problem in error.problems]
print(json.dumps(answers))
"""


@pytest.fixture
def copied(tmp_path):
    for name in COPIED:
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", "output", "samples"),
        )
    return tmp_path


def run(folder, *command):
    paths = os.pathsep.join([str(folder / ".collections"), str(folder)])
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def add_line(path, after, line):
    before, anchor, rest = path.read_text().partition(after)
    assert anchor, f"{path} has no line {after!r}"
    path.write_text(f"{before}{anchor}{line}{rest}")


def table(folder, name):
    guide = (folder / "docs/docsite/rst/guide_spec.rst").read_text()
    return re.search(rf"table begins: {name}\n(.*?)\.\. table ends", guide, re.DOTALL)[1]


def test_a_new_key_takes_four_lines(copied):
    for name, (after, line) in LINES.items():
        add_line(copied / name, after, line)

    assert json.loads(run(copied, "-c", READ)) == {
        "swarm": ["services.web.nice_level: Swarm cannot set it; leave it out"],
        "kubernetes": 5,
    }

    run(copied, "-m", "tests.docs")
    assert "   * - ``nice_level``\n     -\n     - ``niceLevel`` of the container\n" in table(
        copied, "services"
    )
    assert (
        "   * - ``services.nice_level``\n     - Swarm cannot set it; leave it out\n     -\n"
        in table(copied, "refused")
    )

    options = ("-c", "tests/pytest.ini", "-q", "-p", "no:cacheprovider", "--tb=short")
    run(copied, "-m", "pytest", *options, *TABLES)
