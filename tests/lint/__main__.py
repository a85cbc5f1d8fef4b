# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the checks, some at a time, and print the outcome of each."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.testbed.checkout_copy import copy_checkout

from .checks import CHECKS
from .place import CheckFailed, CheckSkipped, CollectionCopy


def check_outcome(name: str, folder: Path) -> tuple[str, str]:
    """Return the outcome of a check, and its output."""
    try:
        CHECKS[name](CollectionCopy(folder / name, folder / "snapshot"))
    except CheckFailed as found:
        return "failed", str(found)
    except CheckSkipped as reason:
        return "skipped", str(reason)
    except Exception as error:
        return "failed", repr(error)
    return "ok", ""


def timed_check(name: str, folder: Path) -> tuple[str, str, str]:
    """Return a check's outcome, with its line for the reader."""
    begun = time.monotonic()
    outcome, words = check_outcome(name, folder)
    return outcome, f"{name:<20} {outcome:<8} {time.monotonic() - begun:5.1f} s", words


def main(names: list[str]) -> int:
    """Run the checks with these names, or all."""
    unknown = sorted(set(names) - set(CHECKS))
    if unknown:
        print(f"unknown: {', '.join(unknown)}. There are: {', '.join(CHECKS)}")
        return 2
    failed = 0
    with (
        tempfile.TemporaryDirectory(prefix="lint-") as folder,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        # One copy, so that all checks see the same, also while you work on it.
        copy_checkout(Path(folder) / "snapshot", with_links=False)
        for done in as_completed(
            [pool.submit(timed_check, name, Path(folder)) for name in names or CHECKS]
        ):
            outcome, line, words = done.result()
            failed += outcome == "failed"
            lines = [line, *filter(None, [words])]
            if outcome == "failed":
                lines.append("")
            print(*lines, sep="\n", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
