#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PyYAML's two safe loaders disagree about documents that Compose and kubectl read.
#
# Guess:    SafeLoader and CSafeLoader accept the same documents, as the documentation of PyYAML
#           says of its bindings to libyaml.
# Seen:     PyYAML 6.0.2. SafeLoader raises ScannerError for a tab between tokens (before a comment,
#           after a comma) and ParserError or ScannerError for a question mark inside of a plain
#           scalar in a flow sequence; CSafeLoader (libyaml 0.2.5) reads all of them, as YAML 1.2.2
#           has it (6.2 and 7.3.3).
# So:       where files come from users of other tools, read them by CSafeLoader, or by a scanner
#           that follows libyaml; test against both.
# Needs:    python3 with venv, and PyPI.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" --quiet --disable-pip-version-check install PyYAML==6.0.2
"$folder/bin/python" - <<'PYTHON'
import yaml

DOCUMENTS = {
    "kind: Service\t# a comment\n": {"kind": "Service"},
    "{name: x,\tlabels: {a: b}}\n": {"name": "x", "labels": {"a": "b"}},
    "test: [curl, http://web/?ready=1]\n": {"test": ["curl", "http://web/?ready=1"]},
}


def read(text, loader):
    try:
        return yaml.load(text, loader)
    except yaml.YAMLError as error:
        return type(error).__name__


print("PyYAML", yaml.__version__, "libyaml", yaml._yaml.get_version_string())
for text, meant in DOCUMENTS.items():
    pure, bound = read(text, yaml.SafeLoader), read(text, yaml.CSafeLoader)
    print(repr(text), pure, bound)
    assert bound == meant
    assert pure in ("ScannerError", "ParserError")
print("as stated")
PYTHON
