# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the versions of the platforms other than today's, for the tests.

By hand: ``python3 -m tests.testbed.other_versions [26] [29] [1.31] [1.37]``; by default, all.
"""

from __future__ import annotations

import sys

from . import downloaded_parts, engines
from .versions import ENGINES, KUBERNETES_VERSIONS, check


def _say(line: str) -> None:
    print(line, flush=True)


def main(versions: list[str]) -> int:
    """Build each version, and continue with the next where one cannot be built."""
    failed, known = [], [*filter(None, ENGINES), *KUBERNETES_VERSIONS]
    for version in versions or known:
        try:
            check(version, known)
            if version in KUBERNETES_VERSIONS:
                downloaded_parts.programs("helm", version=version, tell=_say)
            else:
                engines.obtain(version, _say)
        except (OSError, RuntimeError) as error:
            failed.append(version)
            _say(f"{version} cannot be built here: {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
