# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder with the data of an experiment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.exposure_files import (
    EVENTS,
    EXPOSURES,
    DataFolder,
)

ROWS = {
    EXPOSURES: [["a1", "control", 1.0, 1.5, 2, 0, 31]],
    EVENTS: [["a1", "control", 1.2, "order", 12.5, "x"]],
}


def test_rows_are_kept_and_the_cursor_follows(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    assert folder.cursor is None
    folder.add(0.0, 2.0, ROWS)
    folder.add(2.0, 10.5, {EXPOSURES: [], EVENTS: []})
    assert folder.cursor == 10.5
    first = folder.files(EXPOSURES)[0]
    assert first.name == "0-2000.jsonl"
    assert json.loads(first.read_text()) == {
        "unit": "a1",
        "arm": "control",
        "first": 1.0,
        "last": 1.5,
        "requests": 2,
        "errors": 0,
        "duration": 31,
    }


def test_files_are_in_the_order_of_time(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    for begin, end in ((9.0, 10.0), (10.0, 100.0)):
        folder.add(begin, end, {EXPOSURES: [], EVENTS: []})
    assert [path.stem for path in folder.files(EXPOSURES)] == ["9000-10000", "10000-100000"]


def test_a_killed_look_begins_again_at_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)
    folder.add(0.0, 2.0, ROWS)
    with pytest.raises(ValueError, match="zip"):
        folder.add(2.0, 4.0, {EVENTS: ROWS[EVENTS], EXPOSURES: [["killed"]]})
    assert folder.cursor == 2.0
    folder.add(2.0, 4.0, ROWS)
    assert (len(folder.files(EVENTS)), folder.cursor) == (2, 4.0)


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    one, other = DataFolder(tmp_path / "one"), DataFolder(tmp_path / "other")
    one.add(0.0, 2.0, ROWS)
    other.add(0.0, 2.0, ROWS)
    assert one.digest() == other.digest()
    other.add(2.0, 3.0, ROWS)
    assert one.digest() != other.digest()
    more = tmp_path / "orders.csv"
    more.write_text("a1,order\n")
    assert one.digest([more]) != one.digest()


def test_old_files_leave_by_the_retention(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.add(0.0, 2.0, ROWS)
    folder.add(2.0, 4.0, ROWS)
    assert len(folder.remove_before(3.0)) == 2
    assert [path.stem for path in folder.files(EVENTS)] == ["2000-4000"]


def test_looks_at_the_same_data_are_kept_once(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert folder.looks() == []
    for digest in ("a", "a", "b"):
        folder.add_look({"digest": digest, "units": 3})
    assert [look["digest"] for look in folder.looks()] == ["a", "b"]
