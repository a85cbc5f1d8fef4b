# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions and what they share use of ansible-core beyond its documented interface."""

from __future__ import annotations

ACTION, SHELL = "plugins/action/__init__.py", "plugins/shell/__init__.py"

CALLS: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {
    (ACTION, "ActionBase._compute_environment_string"): (0, ()),
    (ACTION, "ActionBase._execute_module"): (0, ("module_args", "task_vars")),
    (ACTION, "ActionBase._find_needle"): (2, ()),
    (ACTION, "ActionBase._fixup_perms2"): (1, ()),
    (ACTION, "ActionBase._is_pipelining_enabled"): (1, ()),
    (ACTION, "ActionBase._low_level_execute_command"): (1, ("in_data",)),
    (ACTION, "ActionBase._make_tmp_path"): (0, ()),
    (ACTION, "ActionBase._remove_tmp_path"): (1, ()),
    (ACTION, "ActionBase._transfer_file"): (2, ()),
    (SHELL, "ShellBase.build_module_command"): (3, ()),
    (SHELL, "ShellBase.join_path"): (2, ()),
    ("config/manager.py", "ConfigManager.get_config_value"): (1, ("variables",)),
    ("executor/task_queue_manager.py", "FinalQueue.send_display"): (2, ("log_only",)),
    ("module_utils/common/parameters.py", "remove_values"): (2, ()),
    ("utils/display.py", "Display.display"): (1, ("screen_only", "log_only")),
}
"""File and function, with how it is called: the number of arguments by position, those by name."""

ATTRIBUTES: list[tuple[str, str, str]] = [
    (ACTION, "ActionBase", "_connection"),
    (ACTION, "ActionBase", "_loader"),
    (ACTION, "ActionBase", "_task"),
    (ACTION, "ActionBase", "_templar"),
    ("module_utils/common/arg_spec.py", "ValidationResult", "_deprecations"),
    ("module_utils/common/arg_spec.py", "ValidationResult", "_no_log_values"),
    ("module_utils/common/arg_spec.py", "ValidationResult", "_warnings"),
    ("playbook/base.py", "FieldAttributeBase", "_uuid"),
    ("plugins/connection/__init__.py", "ConnectionBase", "_shell"),
    ("plugins/shell/__init__.py", "ShellBase", "tmpdir"),
    ("plugins/shell/powershell.py", "ShellModule", "_IS_WINDOWS"),
    ("utils/display.py", "Display", "_final_q"),
]
"""File, class and attribute that the class or its methods set."""

WORDS: list[tuple[str, str]] = [
    ("config/base.yml", "DEFAULT_LOCAL_TMP:"),
    ("config/base.yml", "DEFAULT_STDOUT_CALLBACK:"),
    ("config/base.yml", "INTERPRETER_PYTHON:"),
    ("constants.py", "config = ConfigManager()"),
    ("plugins/action/__init__.py", "discovered_interpreter_"),
    ("plugins/action/__init__.py", "stdout_lines"),
    ("plugins/strategy/__init__.py", "getattr(display, result.method)"),
    ("vars/manager.py", "['ansible_delegated_vars']"),
]
"""File and what it says: options, names of variables, keys of results, and what prints lines."""
