# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the functions that the templates of a Helm chart call.

By their names, which shows what a chart may call, not what it does call with its values. Functions:
https://helm.sh/docs/chart_template_guide/function_list/
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator

LOOKUP = "lookup"
TIMES = frozenset({"now"})
# Keys, salts and vectors are random as well.
CHANGING = TIMES | {
    "bcrypt",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
}
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# Texts and comments inside of an action, and names after a dot or a dollar sign, call nothing.
_NO_CALL = re.compile(r"/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|`[^`]*`|[.$][\w.]+", re.DOTALL)
_WORD = re.compile(r"\b[A-Za-z]\w*")
_DOCUMENTATION = (".md", ".txt.gotmpl", ".png", ".svg")


def called(path: str, texts: Iterable[str] = ()) -> frozenset[str]:
    """Return which of these functions the files of a chart name, and ``texts`` with its values."""
    words: set[str] = set()
    for text in (*_files(path), *texts):
        words |= _words(text)
    return frozenset(words & {LOOKUP, *CHANGING})


def _words(text: str) -> set[str]:
    words: set[str] = set()
    for action in _ACTION.findall(text):
        words.update(_WORD.findall(_NO_CALL.sub(" ", action)))
    return words


def _files(path: str) -> Iterator[str]:
    """Yield the texts of a chart and of the charts inside it."""
    if not os.path.isdir(path):
        with open(path, "rb") as stream:
            yield from _members(stream.read())
        return
    # As helm does. It has read the chart by now, so its links lead to no loop.
    for folder, _folders, names in os.walk(path, followlinks=True):
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                yield from _content(name, stream.read())


def _content(name: str, content: bytes) -> Iterator[str]:
    if name.endswith((".tgz", ".tar.gz")):
        yield from _members(content)
    elif not name.endswith(_DOCUMENTATION):
        yield content.decode("utf-8", "replace")


def _members(archive: bytes) -> Iterator[str]:
    # Helm has read the chart by now; it ignores an archive in another folder than charts/.
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
            for member in files:
                stream = files.extractfile(member) if member.isfile() else None
                if stream:
                    yield from _content(member.name, stream.read())
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return
