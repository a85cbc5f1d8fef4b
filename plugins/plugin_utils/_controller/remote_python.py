# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run code of the collection on a host without Ansible's own library for modules.

A program is sent as a pipelined module is: through the standard input of the host's Python.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils import __path__ as _MODULE_UTILS
from ...module_utils._core.errors import ShippingError
from .module_runner import configured_python, host_variables

SWITCH = "shipping_remote_python"
"""The variable of a host or a play by which users turn this way off."""

_TOP = "shipping_code"
# Marks the answer among the lines that a shell prints at login.
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
        text = SENT[module.__name__]["text"]
        exec(compile(text, module.__name__, "exec", dont_inherit=True), module.__dict__)


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
    """Pack a function of a module with the files and folders that it needs.

    All of them are below module_utils.
    """
    sources = {_TOP: {"package": True, "text": ""}}
    for path in _files(places):
        parts = os.path.relpath(path, _MODULE_UTILS[0])[: -len(".py")].split(os.sep)
        is_package = parts[-1] == "__init__"
        with open(path, encoding="utf-8") as file:
            sources[".".join([_TOP, *(parts[:-1] if is_package else parts)])] = {
                "package": is_package,
                "text": file.read(),
            }
    return Program(
        f"{_TOP}.{module}",
        function,
        base64.b64encode(zlib.compress(json.dumps(sources).encode())).decode(),
    )


def _files(places: Iterable[str]) -> Iterator[str]:
    for place in (os.path.join(_MODULE_UTILS[0], place) for place in places):
        if os.path.isfile(place):
            yield from (os.path.join(os.path.dirname(place), "__init__.py"), place)
        for folder, _folders, files in os.walk(place):
            yield from (os.path.join(folder, file) for file in files if file.endswith(".py"))


class RemotePythonRunner:
    """Run a module's function by the host's Python, without Ansible's library for modules.

    It saves most of the time of a run without changes: that library takes the host twice as long to
    load as all that the module does then, and a module that Ansible packs and sends is larger.
    Where it is turned off or not possible, or where no answer comes back, the module has to run,
    which also reports the error.
    """

    def __init__(
        self,
        action: Any,
        variables: Mapping[str, Any],
        program: Callable[[], Program],
        arguments: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
    ) -> None:
        self._action = action
        self._variables = variables
        self._program = program
        self._arguments = arguments

    def run(self, options: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the module's result; None where it has to run as Ansible runs it.

        ``arguments`` returns those of the function for these options, or None where they need the
        module.
        """
        path = remote_python(self._action, self._variables)
        arguments = self._arguments(options) if path else None
        if arguments is None:
            return None
        return call_function(self._action, path, self._program(), arguments)


def is_enabled(action: Any, variables: Mapping[str, Any]) -> bool:
    """Return whether the user has left this way on, for the host or the play.

    Raises ShippingError where the variable is no boolean.
    """
    switch = action._templar.template(host_variables(action, variables).get(SWITCH, True))
    try:
        return bool(boolean(switch))
    except TypeError as error:
        raise ShippingError(
            f"{SWITCH} cannot be {switch!r}", "it is no boolean", "Set it to true or false"
        ) from error


def remote_python(action: Any, variables: Mapping[str, Any]) -> str:
    """Return the Python that runs a program; empty where this way is off or not possible.

    It is the one that is set for the host, or that was found there, since by these Ansible runs
    modules; else the system's own, since Ansible need not look for one where that will do.
    """
    # ActionBase._is_pipelining_enabled is private: a program needs the connection's standard input.
    if not is_enabled(action, variables) or not action._is_pipelining_enabled("new"):
        return ""
    path = configured_python(action, variables)
    if path.startswith("auto"):
        facts = host_variables(action, variables).get("ansible_facts", {})
        path = str(facts.get("discovered_interpreter_python", "/usr/bin/python3"))
    return path if path.startswith("/") else ""


def call_function(
    action: Any, path: str, program: Program, arguments: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what the program returns on the host; None where no answer comes.

    Arguments and the answer are what JSON has. The Python at ``path`` is isolated (-I): folders and
    variables of the user who logs in have no say.
    """
    text = _TEXT.format(answer=_ANSWER, arguments=repr(json.dumps(arguments)), **program._asdict())
    # ShellBase.build_module_command, ActionBase._compute_environment_string and
    # ActionBase._low_level_execute_command are private: by them Ansible runs a pipelined module, so
    # that become, the environment and the connection are those of the task.
    # -S: no site module; a program has all that is not in the standard library.
    command = action._connection._shell.build_module_command(
        action._compute_environment_string(), path, "-IS"
    )
    executed = action._low_level_execute_command(command, in_data=text.encode())
    return _answer(executed["stdout_lines"])


def _answer(lines: Iterable[str]) -> dict[str, Any] | None:
    for line in lines:
        if line.startswith(_ANSWER):
            with contextlib.suppress(ValueError):
                answer: dict[str, Any] = json.loads(line[len(_ANSWER) :])
                return answer
    return None
