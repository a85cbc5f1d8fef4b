# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Code of the collection, run on a machine without Ansible's own library for modules.

That library takes a machine twice as long to load as all that is asked of it where nothing is to
do. A program goes the way of a module that is pipelined: through the standard input of the
machine's Python. Where that way is closed, or no answer comes back, the module has to run, which
also says what is wrong.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible import constants as C

from ...module_utils import __path__ as _MODULE_UTILS

_TOP = "shipping_code"
_ANSWER = "shipping.code answers "
_TEXT = """\
import sys

if sys.version_info < (3, 9):
    sys.exit("Python 3.9 is needed")

import binascii
import json
import zlib
from importlib.machinery import ModuleSpec

SENT = json.loads(zlib.decompress(binascii.a2b_base64("{sources}")))


class Sent:
    def find_spec(name, path=None, target=None):
        return ModuleSpec(name, Sent, is_package=SENT[name]["package"]) if name in SENT else None

    def create_module(spec):
        return None

    def exec_module(module):
        exec(compile(SENT[module.__name__]["text"], module.__name__, "exec", dont_inherit=True), module.__dict__)


sys.meta_path.insert(0, Sent)

from {module} import {function}

print("\\n{answer}" + json.dumps({function}(**json.loads({arguments}))))
"""


class Program(NamedTuple):
    """A function, the module that has it, and all sources, as ASCII."""

    module: str
    function: str
    sources: str


def packed(module: str, function: str, *places: str) -> Program:
    """A function of a module.

    With the files and packages that it needs, all of them below module_utils.
    """
    found = {_TOP: {"package": True, "text": ""}}
    for path in _files(places):
        parts = os.path.relpath(path, _MODULE_UTILS[0])[: -len(".py")].split(os.sep)
        is_package = parts[-1] == "__init__"
        with open(path, encoding="utf-8") as file:
            found[".".join([_TOP, *(parts[:-1] if is_package else parts)])] = {
                "package": is_package,
                "text": file.read(),
            }
    return Program(
        f"{_TOP}.{module}",
        function,
        base64.b64encode(zlib.compress(json.dumps(found).encode())).decode(),
    )


def _files(places: Iterable[str]) -> Iterator[str]:
    for place in (os.path.join(_MODULE_UTILS[0], place) for place in places):
        if os.path.isfile(place):
            yield from (os.path.join(os.path.dirname(place), "__init__.py"), place)
        for folder, _folders, files in os.walk(place):
            yield from (os.path.join(folder, file) for file in files if file.endswith(".py"))


def python(action: Any, variables: Mapping[str, Any]) -> str:
    """The Python that runs a program: the one that is set for the host, else the system's own. Empty where the way is closed.

    With one that is set, or was found, Ansible runs modules; it need not look for one where the
    system's own will do.
    """
    target = action._task.delegate_to
    own = variables.get("ansible_delegated_vars", {}).get(target, {}) if target else variables
    path = str(
        action._templar.template(
            C.config.get_config_value("INTERPRETER_PYTHON", variables=dict(own))
        )
        or ""
    )
    if path.startswith("auto"):
        path = str(
            own.get("ansible_facts", {}).get("discovered_interpreter_python", "/usr/bin/python3")
        )
    return path if path.startswith("/") and action._is_pipelining_enabled("new") else ""


def ask(
    action: Any, path: str, program: Program, arguments: Mapping[str, Any]
) -> dict[str, Any] | None:
    """What the program returns on the machine of an action, by the Python at ``path``; None where no answer comes.

    Arguments and the answer are what JSON has. The Python is isolated (-I): folders and variables
    of the user who logs in have no say.
    """
    text = _TEXT.format(answer=_ANSWER, arguments=repr(json.dumps(arguments)), **program._asdict())
    command = action._connection._shell.build_module_command(
        action._compute_environment_string(), path, "-IS"
    )
    return _answer(
        action._low_level_execute_command(command, in_data=text.encode())["stdout_lines"]
    )


def _answer(lines: Iterable[str]) -> dict[str, Any] | None:
    for line in lines:
        if line.startswith(_ANSWER):
            with contextlib.suppress(ValueError):
                answer: dict[str, Any] = json.loads(line[len(_ANSWER) :])
                return answer
    return None
