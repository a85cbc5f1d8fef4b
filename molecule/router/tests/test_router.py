# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check from outside what visitors get."""

import os
from collections import Counter
from pathlib import Path

MACHINE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "swarm"


def ask(host, cookie):
    """Return the answer to a visitor."""
    number = host.file(str(MACHINE / "number")).content_string
    words = f"curl --silent -H 'Host: shop.example.com' -H 'Cookie: shipping_visitor={cookie}'"
    return host.run(f"{words} http://10.231.{number}.2:8081/").stdout.strip()


def test_a_tenth_of_the_visitors_get_the_second_version(host):
    answers = Counter(ask(host, f"visitor{number}") for number in range(200))
    assert set(answers) == {"shop 1.0.0", "shop 1.1.0"}
    assert 5 <= answers["shop 1.1.0"] <= 35


def test_a_visitor_keeps_the_version(host):
    assert len({ask(host, "visitor1") for _again in range(10)}) == 1
