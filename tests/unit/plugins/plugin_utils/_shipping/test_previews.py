# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews of branches: their names, their limit, and those to remove."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.previews import (
    check_limit,
    preview_app,
    preview_environment,
    removable_previews,
    removing_environment,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    Environment,
    read,
)

ENVIRONMENTS = "app: shop\nenvironments: {production: {branch: main, hosts: swarm}}\n"
FILE = f"{ENVIRONMENTS}previews: {{hosts: staging, branches: [feature/*, 'fix-?'], limit: 2}}\n"
BRANCHES = {"main", "feature/a", "feature/b", "feature/c"}


def live(app: str, branch: str, of: str = "shop") -> dict[str, Any]:
    return {"app": app, "branch": branch, "preview_of": of}


APPS = [
    live("shop", "main", ""),
    live("shop-admin", "", ""),
    live("shop-feature-a", "feature/a"),
    live("shop-feature-gone", "feature/gone"),
    live("wiki-feature-gone", "feature/gone", "wiki"),
]


def test_the_environment_of_a_branch() -> None:
    environment = preview_environment(read(FILE), "refs/heads/feature/New_Prices", "")
    name = "feature-new-prices"
    assert environment == Environment(
        "preview", "feature/New_Prices", "staging", f"shop-{name}", "", {"PREVIEW": name}
    )
    assert preview_environment(read(FILE), "fix-1", "mr-17").app == "shop-mr-17"


def test_long_names_stay_different() -> None:
    names = {preview_app("shop", f"feature-{'x' * 40}{number}") for number in range(20)}
    assert len(names) == 20 and all(len(name) == 40 for name in names)


@pytest.mark.parametrize(
    ("file", "branch", "name", "problem"),
    [
        (ENVIRONMENTS, "feature/a", "", "shipping.yml has no key previews"),
        (FILE, "main", "", "it is the branch of the environment production"),
        (FILE, "other", "", "previews of shipping.yml are for feature/*, fix-?"),
        (FILE, "feature/a", "MR 17", "'MR 17' is not a name of lowercase letters"),
        (FILE, "feature/a", "-", "'-' is not a name of lowercase letters"),
    ],
)
def test_a_branch_without_a_preview(file: str, branch: str, name: str, problem: str) -> None:
    with pytest.raises(ShippingError, match=problem.replace("*", r"\*").replace("?", r"\?")):
        preview_environment(read(file), branch, name)


def test_only_own_previews_of_deleted_branches_are_removed() -> None:
    assert removable_previews(APPS, "shop", BRANCHES) == ["shop-feature-gone"]
    assert removing_environment(read(FILE)).hosts == "staging"


def test_one_too_many_is_an_error_and_a_replaced_one_is_none() -> None:
    content = read(FILE)
    both = [*APPS, live("shop-feature-b", "feature/b")]
    check_limit(APPS, preview_environment(content, "feature/c", ""), content, BRANCHES)
    check_limit(both, preview_environment(content, "feature/b", ""), content, BRANCHES)
    with pytest.raises(ShippingError, match="allows 2 previews, and shop-feature-a, shop-feature"):
        check_limit(both, preview_environment(content, "feature/c", ""), content, BRANCHES)


@pytest.mark.parametrize(
    ("name", "user"),
    [("admin", "an app has the name"), ("feature-a", "the branch feature/a has the name")],
)
def test_a_name_in_use_is_an_error(name: str, user: str) -> None:
    content = read(FILE)
    with pytest.raises(ShippingError, match=user):
        check_limit(APPS, preview_environment(content, "feature/c", name), content, BRANCHES)


@pytest.mark.parametrize(
    ("previews", "problem"),
    [
        ("{}", "previews needs hosts"),
        ("{hosts: a, limit: 0}", "must be a whole number of at least 1, not 0"),
        ("{hosts: a, branches: []}", "must have at least one entry"),
        ("{hosts: a, brnches: x}", "branches"),
    ],
)
def test_a_wrong_key_has_its_line(previews: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(f"{ENVIRONMENTS}previews: {previews}\n")
    assert "shipping.yml:3:" in str(caught.value)
    assert problem in str(caught.value)
