#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# All streaming interfaces of the package zstandard return the start of a frame that is cut off, as
# if it were all.
#
# Guess:    a stream that ends inside of a frame raises an error, as in gzip, bz2 and lzma of Python.
# Seen:     zstandard 0.25.0, a frame of 1 MiB with a checksum and without its last 100 bytes:
#           stream_reader, open, copy_stream, decompressobj, stream_writer and read_to_iter return
#           what they have, and raise nothing; stream_writer holds back more. Only decompress()
#           raises. backports.zstd 1.8.0, the compression.zstd of Python 3.14, raises EOFError.
# So:       read streams by compression.zstd or backports.zstd. With zstandard, compare the length
#           or a checksum of the content; the checksum of the frame itself is never reached.
# Needs:    python3 with venv, and PyPI.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" --quiet --disable-pip-version-check install zstandard==0.25.0 backports.zstd==1.8.0
"$folder/bin/python" - <<'PYTHON'
import io
import os

import zstandard
from backports import zstd

CONTENT = os.urandom(1 << 20)
CUT = zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT)[:-100]
decompressor = zstandard.ZstdDecompressor


def written(write):
    target = io.BytesIO()
    write(target)
    return target.getvalue()


WAYS = {
    "stream_reader": lambda: decompressor().stream_reader(io.BytesIO(CUT)).read(),
    "open": lambda: zstandard.open(io.BytesIO(CUT)).read(),
    "copy_stream": lambda: written(lambda to: decompressor().copy_stream(io.BytesIO(CUT), to)),
    "decompressobj": lambda: decompressor().decompressobj().decompress(CUT),
    "stream_writer": lambda: written(lambda to: decompressor().stream_writer(to).write(CUT)),
    "read_to_iter": lambda: b"".join(decompressor().read_to_iter(io.BytesIO(CUT))),
    "decompress": lambda: decompressor().decompress(CUT),
    "backports.zstd": lambda: zstd.open(io.BytesIO(CUT)).read(),
}
RAISES = {"decompress", "backports.zstd"}
changed = []
for name, read in WAYS.items():
    try:
        seen = f"{len(read())} of {len(CONTENT)} bytes"
    except (EOFError, zstandard.ZstdError) as error:
        seen = type(error).__name__
    print(f"{name}: {seen}")
    if seen.endswith("bytes") == (name in RAISES):
        changed.append(name)
raise SystemExit(f"this has changed: {', '.join(changed)}" if changed else 0)
PYTHON
echo "as stated"
