# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An event source is started by its path, without Ansible's loader."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLUGINS = Path(__file__).resolve().parents[5] / "plugins"
CLIENT = (
    "_directory.bind_password",
    "_directory.connection_check",
    "_directory.plugin_options",
    "_membership.contents_check",
    "_membership.membership_state",
)
ONLY_WHERE_USED = ("ansible", "ansible_collections", "ldap3", "dns", "gssapi")
PROGRAM = f"""
import importlib, sys, types
top = types.ModuleType("_shipping_code")
top.__path__ = [{str(PLUGINS)!r}]
sys.modules["_shipping_code"] = top
membership = importlib.import_module("_shipping_code.plugin_utils._membership.membership")
for name in {CLIENT!r}:
    importlib.import_module(f"_shipping_code.plugin_utils.{{name}}")
assert callable(membership.read_membership)
loaded = [name for name in sys.modules if name.partition(".")[0] in {ONLY_WHERE_USED!r}]
assert not loaded, loaded
"""


def test_the_client_loads_without_ansible_and_without_ldap3():
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
