# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file of a directory has a problem."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS
from ansible_collections.shipping.code.plugins.plugin_utils._sources.helm_charts import Chart
from ansible_collections.shipping.code.plugins.plugin_utils._sources.manifest_files import (
    check_files,
    documents,
)

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"


def read(path):
    with open(path, "rb") as stream:
        return stream.read()


def check(parts):
    PLATFORMS.definition("kubernetes").check_manifests(parts, None, "fail")


def problems(folder, files):
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        check_files(documents([str(folder)], read, Chart("shop", "shop")), check)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


PROBLEMS = [
    (
        {"a.yml": CONFIG, "b.yml": "a: [b", "c.yml": CONFIG, "d.yml": "\ta: b"},
        [
            "b.yml:1:6: lacks a comma or the closing bracket of a list; add it",
            "d.yml:1:1: is indented by a tab, which YAML forbids; indent by spaces",
        ],
    ),
    (
        {"a.yml": CONFIG, "b.yml": f"{CONFIG}---\nkind: x\n", "c.yml": "- a"},
        [
            "b.yml, document 2: needs apiVersion, kind and metadata.name",
            "c.yml, document 1: must be a mapping",
        ],
    ),
    (
        {"a.yml": CONFIG, "b.yml": "", "c.yml": f"{CONFIG}data: {{}}\n"},
        ["a.yml and c.yml, ConfigMap/web: is there twice"],
    ),
    (
        {
            "a.yml": CONFIG,
            "b.json": '{"kind": "List", "apiVersion": "v1", "items": [{"apiVersion": "v1",'
            ' "kind": "ConfigMap", "metadata": {"name": "web"}}]}',
        },
        ["a.yml and b.json, ConfigMap/web: is there twice"],
    ),
    ({"a.yml": "# nothing\n", "b.yml": "---\n"}, ["manifests: have no objects"]),
]


@pytest.mark.parametrize(("files", "expected"), PROBLEMS)
def test_each_problem_names_its_file(tmp_path, files, expected):
    assert problems(tmp_path, files) == expected


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.yml").mkdir()
    with pytest.raises(ShippingError, match=r"cannot read .*a\.yml: is a directory\. Correct"):
        documents([str(tmp_path)], read, Chart("shop", "shop"))


def test_a_directory_of_good_files(tmp_path):
    (tmp_path / "a.yml").write_text(CONFIG)
    (tmp_path / "b.yml").write_text("")
    files = documents([str(tmp_path)], read, Chart("shop", "shop"))
    check_files(files, check)
    assert [len(file.documents) for file in files] == [1, 0]
