# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new Compose key is a line in the model, one in each platform's support, and a row of tests.

Carried out in a copy of the collection, with a key that Kubernetes honors and one that Swarm does.
Each takes the value as it is; a value that has to be converted needs its conversion besides.
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

pytest.importorskip("yaml", reason="the documentation's tables are generated with PyYAML")

ROOT = Path(__file__).parents[5]
COPIED = (".collections", "docs", "extensions", "playbooks", "plugins", "tests")
# File -> lines of it, and what is added after each.
LINES = {
    "plugins/module_utils/_compose/service.py": [
        (
            "PARSERS: dict[str, Parser] = {\n",
            '    "nice_level": integer(0),\n    "burst_level": text,\n',
        ),
    ],
    "plugins/module_utils/_platforms/swarm/support.py": [
        (
            "_KEYS: dict[str, str | Plain] = {\n",
            '    "burst_level": Plain("ContainerSpec.BurstLevel"),\n',
        ),
        (
            "_REFUSED_KEYS: dict[str, str] = {\n",
            '    "nice_level": "Swarm cannot set it; leave it out",\n',
        ),
    ],
    "plugins/module_utils/_platforms/kubernetes/support.py": [
        (
            "_KEYS: dict[str, str | Plain] = {\n",
            '    "nice_level": Plain("niceLevel"),\n',
        ),
        (
            "_REFUSED_KEYS: dict[str, str] = {\n",
            '    "burst_level": "pods have none; leave it out",\n',
        ),
    ],
    "tests/integration/key_values.py": [
        ("    SWARM: {\n", '        "burst_level": ["high", "low"],\n'),
        ("    KUBERNETES: {\n", '        "nice_level": [1, 2],\n'),
    ],
}
TABLES = (
    "tests/unit/plugins/module_utils/_platforms/test_registry.py",
    "tests/unit/plugins/module_utils/_platforms/kubernetes/test_support.py",
)
# Prints what each platform makes of each key: its problems, or where the value is rendered.
RENDER = """
import json
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._deploy.naming import Naming
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import (
    Resolutions,
    resolve,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import render
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import compare
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.spec_fields import (
    Names,
)

def on_swarm(app):
    names = Names(networks={"shop_default": "id"})
    body = compare.render("shop_web", app.services["web"], names, {}, "hash")
    return body["TaskTemplate"]["ContainerSpec"].get("BurstLevel")

def on_kubernetes(app):
    pod = render.workload("shop", "web", app)["spec"]["template"]["spec"]
    return pod["containers"][0].get("niceLevel")

RENDERED = {"swarm": on_swarm, "kubernetes": on_kubernetes}
answers = {}
for name in registry.names():
    for key in ("nice_level", "burst_level"):
        content = {"services": {"web": {"image": "nginx", key: "5"}}}
        try:
            app = model.read(content, registry.support(name))
            resolved = resolve(Naming("shop"), app, Resolutions({}, {}))
            answers[f"{name} {key}"] = RENDERED[name](resolved)
        except SpecError as error:
            answers[f"{name} {key}"] = str(error.problems[0])
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


def test_a_new_key_takes_a_line_in_four_files(copied):
    for name, lines in LINES.items():
        for after, line in lines:
            add_line(copied / name, after, line)

    assert json.loads(run(copied, "-c", RENDER)) == {
        "swarm nice_level": "services.web.nice_level: Swarm cannot set it; leave it out",
        "swarm burst_level": "5",
        "kubernetes nice_level": 5,
        "kubernetes burst_level": "services.web.burst_level: pods have none; leave it out",
    }

    run(copied, "-m", "tests.docs")
    services, refused = table(copied, "services"), table(copied, "refused")
    assert "* - ``nice_level``\n     -\n     - ``niceLevel``\n" in services
    assert "* - ``burst_level``\n     - ``ContainerSpec.BurstLevel``\n     -\n" in services
    assert "``services.nice_level``\n     - Swarm cannot set it; leave it out\n" in refused
    assert "``services.burst_level``\n     -\n     - pods have none; leave it out\n" in refused

    options = ("-c", "tests/pytest.ini", "-q", "-p", "no:cacheprovider", "--tb=short")
    run(copied, "-m", "pytest", *options, *TABLES)
