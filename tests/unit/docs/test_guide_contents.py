# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides say what the code does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.failure_kinds import (
    FAILURE_KINDS,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.metrics import METRICS
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse_all
from ldap3.core.results import RESULT_CODES

from tests.docs.tables import FILLED, filled

ROOT = Path(__file__).parents[3]
GUIDES = sorted((ROOT / "docs").rglob("*.rst"))
KIND = re.compile(r'(?:Cause|_failure)\(\s*(?:\w+, )?"(\w+)"')


def test_tables_are_what_the_code_has():
    for guide in FILLED:
        assert guide.read_text() == filled(guide.read_text()), "call make docs"


def test_every_kind_of_failure_is_explained():
    sources = "".join(
        path.read_text() for path in (ROOT / "plugins" / "module_utils").rglob("*.py")
    )
    assert set(KIND.findall(sources)) <= set(FAILURE_KINDS)


def _joined(path):
    """The source of a file with the pieces of each text put together, as a user sees it."""
    return re.sub(r'"\s*\n\s*f?"', "", path.read_text())


OF_LIBRARIES = "unable to get local issuer certificate, No Kerberos credentials available"
EXPLAINING = [
    path
    for path in GUIDES
    if path.name == "troubleshooting.rst"
    or (path.name.startswith("guide_membership_") and "``\n  " in path.read_text())
]


@pytest.mark.parametrize("path", EXPLAINING, ids=lambda path: path.name)
def test_messages_that_are_explained_are_those_of_the_code(path):
    sources = "".join(map(_joined, (ROOT / "plugins").rglob("*.py")))
    sources += " ".join(f"{name} ({code})" for code, name in RESULT_CODES.items()) + OF_LIBRARIES
    headings = re.findall(r"^(``.*``)\n  \S", path.read_text(), re.MULTILINE)
    messages = re.findall("``(.*?)``", "\n".join(headings))
    assert messages
    parts = chain.from_iterable(re.split(r"…|: |\((?=[a-z])", message) for message in messages)
    assert not {part for part in parts if part.strip(" :()") not in sources}


def test_what_there_is_to_watch_is_what_the_code_writes():
    guide = (ROOT / "docs/docsite/rst/guide_schedule.rst").read_text()
    program = (ROOT / "roles/membership_sync/files/membership_sync.py").read_text()
    assert set(re.findall(r"^    (shipping_\w+)", guide, re.MULTILINE)) == set(METRICS) | set(
        re.findall(r'"(shipping_sync_\w+)": ', program)
    )
    assert all(
        f"   * - {status}\n" in guide for status in re.findall(r"^(\d+) ", program, re.MULTILINE)
    )


def blocks(text: str) -> list[str]:
    """The YAML in a guide's code blocks or a README's."""
    fenced = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"\.\. code-block:: yaml\n\n((?:    .*\n|\n)+)", text)
    return [*fenced, *(re.sub(r"(?m)^    ", "", block) for block in indented)]


@pytest.mark.parametrize(
    "path",
    [ROOT / "README.md", *sorted((ROOT / "roles").glob("*/README.md")), *GUIDES],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_samples_are_yaml(path):
    for block in blocks(path.read_text()):
        parse_all(block, path.name)


def registered(block: str) -> Iterator[tuple[str, str]]:
    """Yield each task result that an example registers, and its module's short name."""
    module = r"shipping\.code\.(\w+):(?:(?!- name:).)*?\n *register: (\w+)"
    for found in re.finditer(module, block, re.DOTALL):
        yield found[2], found[1]


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_samples_read_results_that_a_module_returns(path):
    for block in blocks(path.read_text()):
        for name, module in registered(block):
            source = (ROOT / f"plugins/modules/{module}.py").read_text()
            returned = re.findall(r"^(\w+):$", source.partition("RETURN = ")[2], re.MULTILINE)
            read = re.findall(rf"\b{name}\.(\w+)", block)
            assert set(read) <= {*returned, "failed", "changed", "msg"}, name


def test_every_guide_is_listed():
    listed = re.findall(
        r"^ +- (\w+)$", (ROOT / "docs/docsite/extra-docs.yml").read_text(), re.MULTILINE
    )
    assert sorted(listed) == [path.stem for path in GUIDES]


NEEDED = "meta/ee-requirements.txt"


def test_an_execution_environment_has_what_is_tested():
    needed = set(requirements(ROOT / NEEDED))
    paths = [ROOT / "tests" / f"requirements{part}.txt" for part in ("", "-directory", "-events")]
    tested = set(chain.from_iterable(map(requirements, paths)))
    assert {line for line in needed if not line.startswith("gssapi")} <= tested


def requirements(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_pictures_are_there(path):
    for name in re.findall(r"\.\. figure:: (\S+)", path.read_text()):
        assert (path.parent / name).exists(), name
