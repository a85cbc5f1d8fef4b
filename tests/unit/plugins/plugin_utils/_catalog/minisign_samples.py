# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file with its signatures, made by minisign 0.11."""

from __future__ import annotations

# minisign -S -m tool -t "tool 1.0"; with -l for the one that is not prehashed.
TOOL = b"#!/bin/sh\necho signed\n"
KEY = "RWQNPHQrmDFMwzLeyppqObskEb7cpV2CM0ohSgx8cKY7lqeoRLcu7f8z"
OTHER_KEY = "RWQC0Uj/EdZwOJzfvfthcOnDkeGZfaPr2xONvIAVG1luIvWM7qkhQmUK"
SIGNATURES = {
    "prehashed": """\
untrusted comment: signature from minisign secret key
RUQNPHQrmDFMw9gTYIEDD8dgQwHBjHLvlqt0W2zs3XukLcKUZwu9bjZ+oP38fsr4jlbYB7ysSJ/e7faNj1ZjAeYSHx4ul446Fwo=
trusted comment: tool 1.0
nyZK1vCs165kqDgkNd/jujWy4esCSCEyQBz7/su6YP2gGJcEKtkMVkuULIZYap885kd7bxVGDOxk9hmjNvIlBw==
""",
    "whole": """\
untrusted comment: signature from minisign secret key
RWQNPHQrmDFMw1WA2rZUHYnwQ8UzeYesSaWk78U/IaCatw1DvsYWlC87q1A8JYzICKoKCYKU4wzNNErGeHsMbkxr+EC6Ug1BIAw=
trusted comment: tool 1.0
UwJMKQz5lu/rkZLa8ozMW43XphI+Wd45X7i38zZTbBekMxdyV0zVdhPiKnYHVB6qmOanoeE+rFQWwGDZLrLZBA==
""",
}
