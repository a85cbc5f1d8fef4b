# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To import what runs in Ansible's own process changes nothing of that process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[5]
FOLDERS = ["plugins/action", "plugins/plugin_utils/_controller"]
PROGRAM = """
import importlib, json, sys
from ansible import constants as C

def state():
    stdout = [id(sys.stdout), sys.stdout.line_buffering, sys.stdout.write_through]
    return stdout + [repr(value) for name, value in sorted(vars(C).items()) if name.isupper()]

before = state()
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([before == state(), len(before)]))
"""


def test_imports_change_neither_the_output_nor_constants():
    names = []
    for folder in FOLDERS:
        package = f"ansible_collections.shipping.code.{folder.replace('/', '.')}"
        names += [f"{package}.{file.stem}" for file in sorted((ROOT / folder).glob("*.py"))]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env={"PYTHONPATH": str(ROOT / ".collections"), "LANG": "C.UTF-8"},
        stdout=subprocess.PIPE,
        check=True,
    )
    is_same, number = json.loads(done.stdout)
    assert is_same
    assert len(names) > 10 and number > 100
