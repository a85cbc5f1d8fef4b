# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many processes need is made once."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.compute_once import once

FORK = multiprocessing.get_context("fork")


class Crowd:
    """Processes that ask for the same; the first makes it once all others have come."""

    def __init__(self, path: Path, number: int) -> None:
        self.path, self.answers, self.meanwhile = str(path), FORK.Queue(), FORK.Queue()
        self.others, self.together = FORK.Semaphore(0), FORK.Barrier(number - 1)
        self.number, self.begun = number, FORK.Event()

    def ask(self, make: Any) -> list[Any]:
        """What each got, or the name of its error."""
        processes = [
            FORK.Process(target=self._ask, args=(first, make), daemon=True)
            for first in [True] + [False] * (self.number - 1)
        ]
        for process in processes:
            process.start()
        found = [self.answers.get(timeout=30) for _process in processes]
        for process in processes:
            process.join()
        return found

    def _ask(self, first: bool, make: Any) -> None:
        if not first:
            self.begun.wait()
            self.others.release()
        try:
            self.answers.put(
                once(self.path, lambda: make(self, first), lambda: self.meanwhile.put(first))
            )
        except Exception as error:
            self.answers.put(type(error).__name__)

    def come(self) -> None:
        """Wait until all others have come."""
        self.begun.set()
        for _other in range(self.number - 1):
            self.others.acquire()
        time.sleep(0.3)


def _make(crowd: Crowd, first: bool) -> dict[str, Any]:
    crowd.come()
    return {"made by the first": first}


def _fail(crowd: Crowd, first: bool) -> dict[str, Any]:
    crowd.come() if first else crowd.together.wait(timeout=10)
    raise LookupError


def test_the_first_makes_it_for_all(tmp_path: Path) -> None:
    assert Crowd(tmp_path / "offer.json", 5).ask(_make) == [{"made by the first": True}] * 5
    assert os.stat(tmp_path / "offer.json").st_mode & 0o777 == 0o600


def test_one_of_those_that_wait_does_something_else_meanwhile(tmp_path: Path) -> None:
    crowd = Crowd(tmp_path / "offer.json", 5)
    crowd.ask(_make)
    assert crowd.meanwhile.get(timeout=10) is False and crowd.meanwhile.empty()


def test_alone_there_is_nothing_to_do_meanwhile(tmp_path: Path) -> None:
    assert once(str(tmp_path / "offer.json"), lambda: {"it": 1}, lambda: 1 / 0) == {"it": 1}


def test_a_failure_meets_all_and_none_waits_for_those_of_the_others(tmp_path: Path) -> None:
    assert Crowd(tmp_path / "offer.json", 5).ask(_fail) == ["LookupError"] * 5
    assert not (tmp_path / "offer.json").exists()


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    path = str(tmp_path / "offer.json")
    with pytest.raises(ZeroDivisionError):
        once(path, lambda: {"it": 1 / 0}, print)
    assert once(path, lambda: {"it": 1}, print) == {"it": 1}
