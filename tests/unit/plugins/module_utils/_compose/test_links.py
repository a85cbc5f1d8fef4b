# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The old key ``links``."""

from __future__ import annotations

import pytest

from .reading import KUBERNETES, SWARM, problems, read_spec

PLATFORMS = pytest.mark.parametrize("support", [SWARM, KUBERNETES], ids=["swarm", "kubernetes"])


def linked(links, web=None, db=None):
    """A service with links to a database."""
    return {
        "services": {
            "web": {"image": "nginx", "links": links, **(web or {})},
            "db": {"image": "nginx", **(db or {})},
        },
        "networks": {"a": {}, "b": {}},
    }


@PLATFORMS
@pytest.mark.parametrize(
    ("web", "expected"),
    [
        ({}, "service_started"),
        ({"depends_on": ["db"]}, "service_started"),
        ({"depends_on": {"db": {"condition": "service_healthy"}}}, "service_healthy"),
    ],
)
@pytest.mark.parametrize("link", ["db", "db:db"])
def test_a_link_is_a_dependency(support, web, expected, link):
    app = read_spec(linked([link], web), support=support)
    assert app.services["web"]["depends_on"] == {"db": expected}
    assert "links" not in app.services["web"] and app.notes == []


def test_another_name_is_an_alias():
    aliases = {"networks": {"a": {"aliases": ["database"]}}}
    app = read_spec(linked(["db:database"], {"networks": ["b", "a"]}, aliases))
    assert app.services["web"]["depends_on"] == {"db": "service_started"}


REJECTED = [
    (["dbs"], {}, {}, "no service dbs is declared; did you mean db?"),
    (
        ["db:database"],
        {},
        {},
        "calls db by another name; write aliases: [database] under services.db.networks.default",
    ),
    (
        ["db"],
        {"networks": ["a"]},
        {"networks": ["b"]},
        "needs a network that db is on as well; list one under networks of both",
    ),
    (
        ["db"],
        {},
        {"network_mode": "host"},
        "needs a network that db is on as well; list one under networks of both",
    ),
]


@pytest.mark.parametrize(("links", "web", "db", "text"), REJECTED)
def test_rejected(links, web, db, text):
    assert problems(read_spec, linked(links, web, db)) == [f"services.web.links[0]: {text}"]


def test_circles_by_links():
    assert problems(read_spec, linked(["db"], {}, {"links": ["web"]})) == [
        "services.web.depends_on: depends on itself: web → db → web"
    ]
