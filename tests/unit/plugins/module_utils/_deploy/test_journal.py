# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker writes and others read, and what must not be read."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.masking import HIDDEN
from ansible_collections.shipping.code.plugins.module_utils._deploy import journal


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return journal.path_for("shop", "alice@ci 4f")


def test_pages(path):
    assert journal.read(path, 0) == journal.Pages([], 0, True)
    book = journal.Journal(path, ["sesame"])
    book.start()
    book.write_line("open sesame")
    first = journal.read(path, 0)
    assert [entry["kind"] for entry in first.entries] == ["start", "line"] and first.alive
    assert first.entries[1]["text"] == f"open {HIDDEN}"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, "a") as stream:
        stream.write('{"kind": "li')
    assert journal.read(path, first.offset).entries == []
    with open(path, "a") as stream:
        stream.write('ne", "text": "rest"}\n')
    assert [entry["text"] for entry in journal.read(path, first.offset).entries] == ["rest"]


def test_a_writer_that_died_is_told(path):
    with open(path, "w") as stream:
        stream.write(json.dumps({"kind": "start", "pid": os.getpid(), "born": "0"}) + "\n")
    assert not journal.read(path, 0).alive


def test_a_writer_that_ends_while_somebody_reads_has_not_died(path, monkeypatch):
    book = journal.Journal(path, [])
    book.start()

    def ends(_pid: int) -> str:
        book.end({"verdict": "live"})
        return ""

    monkeypatch.setattr(journal, "_born", ends)
    pages = journal.read(path, 0)
    assert pages.ended or pages.alive


def test_old_journals_go(path):
    old, new = Path(path).parent / "old.jsonl", Path(path).parent / "new.jsonl"
    for file in (old, new):
        file.write_text("")
    os.utime(old, (1, 1))
    journal.path_for("shop", "bob@ci 5a")
    assert new.exists() and not old.exists()
