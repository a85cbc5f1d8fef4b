# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._directory.generalized_time import (
    LATEST,
    parse_time,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20300102030405Z", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("20300102030405", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("203001020304Z", datetime(2030, 1, 2, 3, 4, tzinfo=UTC)),
        ("2030010203Z", datetime(2030, 1, 2, 3, tzinfo=UTC)),
        ("20300102030405.25Z", datetime(2030, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC)),
        ("203001020304,5Z", datetime(2030, 1, 2, 3, 4, 30, tzinfo=UTC)),
        ("2030010203.5Z", datetime(2030, 1, 2, 3, 30, tzinfo=UTC)),
        ("20300102030405+0130", datetime(2030, 1, 2, 1, 34, 5, tzinfo=UTC)),
        ("20300102030405-01", datetime(2030, 1, 2, 4, 4, 5, tzinfo=UTC)),
        ("20301231235960Z", datetime(2031, 1, 1, tzinfo=UTC)),  # a leap second
        ("99991231235959-0100", LATEST),
        ("00010101000000+0100", None),
        ("000001010000Z", None),
        ("20300102030461Z", None),
        ("20301302030405Z", None),
        ("20300102030405+2460", None),
        ("soon", None),
        ("", None),
    ],
)
def test_every_form_of_rfc_4517(text, expected):
    assert parse_time(text) == expected
