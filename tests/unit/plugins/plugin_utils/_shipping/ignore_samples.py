# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of ``.dockerignore``, which the classic builder has confirmed."""

from __future__ import annotations

PATHS = [
    "#note",
    "a.log",
    "b.txt",
    "docs",
    "docs/a.log",
    "docs/deep",
    "docs/deep/a.log",
    "docs/deep/keep.md",
    "docs/readme.md",
    "src",
    "src/a+b.py",
    "src/main.py",
    "src/x1.py",
    "src/x2.py",
]
_DOCS = {path for path in PATHS if path.startswith("docs")}
_LOGS = {path for path in PATHS if path.endswith(".log")}

# Name -> the file, and the paths that are ignored.
SAMPLES: dict[str, tuple[str, set[str]]] = {
    "nothing": ("", set()),
    "blanks and a comment": ("\n   \n#note\n", set()),
    "an indented comment is a pattern": ("  #note\n", {"#note"}),
    "a byte order mark": ("\ufeffb.txt\n", {"b.txt"}),
    "the root only": ("*.log\n", {"a.log"}),
    "one level": ("*/*.log\n", {"docs/a.log"}),
    "any level": ("**/*.log\n", _LOGS),
    "any level below": ("docs/**/*.log\n", _LOGS - {"a.log"}),
    "a folder": ("docs\n", _DOCS),
    "a folder as others write it": ("/docs/\n", _DOCS),
    "a path that is not clean": ("./src/../docs//\n", _DOCS),
    "what is in a folder": ("docs/*\n", _DOCS - {"docs"}),
    "all in a folder": ("docs/**\n", _DOCS - {"docs"}),
    "an exception": ("docs\n!docs/readme.md\n", _DOCS - {"docs/readme.md"}),
    "an exception deep": ("docs\n!docs/deep/keep.md\n", _DOCS - {"docs/deep/keep.md"}),
    "an exception before": ("!docs/readme.md\ndocs\n", _DOCS),
    "an exception that Docker does not look for": ("docs\n!**/readme.md\n", _DOCS),
    "an exception of a folder": ("docs\n!docs/deep\n", {"docs", "docs/a.log", "docs/readme.md"}),
    "ignored again": (
        "docs\n!docs/deep\n**/*.log\n",
        {"a.log", "docs", "docs/a.log"} | {"docs/readme.md", "docs/deep/a.log"},
    ),
    "all but one": ("*\n!src/main.py\n", set(PATHS) - {"src/main.py"}),
    "all but one, deep": ("**\n!src/main.py\n", set(PATHS) - {"src/main.py"}),
    "one letter": ("src/x?.py\n", {"src/x1.py", "src/x2.py"}),
    "a class": ("src/x[2-9].py\n", {"src/x2.py"}),
    "a negated class": ("src/x[^2].py\n", {"src/x1.py"}),
    "letters of expressions": ("src/a+b.py\nsrc.main.py\n", {"src/a+b.py"}),
    "an escaped star": ("\\*.log\n", set()),
}
