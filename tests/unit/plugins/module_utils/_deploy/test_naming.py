# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that fit a platform's limits and stay apart, ids that follow content."""

from __future__ import annotations

import itertools
import re

from ansible_collections.shipping.code.plugins.module_utils._core import content_ids
from ansible_collections.shipping.code.plugins.module_utils._deploy import naming
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.service_names import (
    service_name,
)
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,80}", fullmatch=True)


@given(NAMES, NAMES)
def test_names_fit_and_stay_apart(one, other):
    app = "a" * 40
    for made, limit in (
        (lambda name: service_name(app, name), naming.SERVICE_LIMIT),
        (lambda name: naming.Naming(app).content(name, "0123456789ab"), naming.OBJECT_LIMIT),
    ):
        assert len(made(one)) <= limit and made(one).startswith(app)
        assert (made(one) == made(other)) == (one == other)


@given(st.text("abzAZ09_.-é", min_size=1, max_size=80).filter(lambda name: name.strip("_.-é")))
def test_strict_names_are_as_the_dns_has_them(name):
    strict = naming.Naming("a" * 40, joint="-", strict=True)
    for made, limit in (
        (strict.scoped(name), naming.SERVICE_LIMIT),
        (strict.content(name, "0123456789ab"), naming.OBJECT_LIMIT),
    ):
        assert len(made) <= limit and all(
            re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", label) for label in made.split(".")
        ), made


@given(st.integers(1, 10**9))
def test_record_names_fit(number):
    assert len(naming.record_name("a" * 40, number)) <= naming.OBJECT_LIMIT
    assert naming.record_name("a" * 40, number) != naming.record_name("a" * 40, number + 1)


def test_ids_of_secrets_differ_by_app_and_platform():
    ids = {
        content_ids.secret_id(content, salt)
        for content, salt in itertools.product((b"one", b"two"), (b"shop", b"wiki"))
    }
    assert len(ids) == 4 and all(len(identity) == 12 for identity in ids)
    assert content_ids.secret_id(b"one", b"shop") == content_ids.secret_id(b"one", b"shop")


def test_a_given_prefix_fits_into_a_name_too():
    strict = naming.Naming("shop", joint="-", strict=True)
    name = strict.content("it", "0123456789ab", "TLS of_" + 80 * "a")
    assert len(name) <= 64 and name.startswith("tls-of-aaa")
