# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of secrets and configs follow what is in them, whatever the user calls them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy import operations
from ansible_collections.shipping.code.plugins.module_utils._deploy.naming import Naming
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Contents
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import (
    Resolutions,
    Resolved,
    resolve,
)

from .._compose.reading import read_spec, spec

PLATFORM = SimpleNamespace(reader=SimpleNamespace(salt=lambda app: app.encode()))
SECTIONS = ("secrets", "configs")


def resolved(
    section: str, content: bytes = b"a", app: str = "shop", before=None, adopted=None, **keys
) -> Resolved:
    """An app with one object of these keys."""
    entry = {"file": "it", **keys}
    compose = read_spec({**spec(**{section: ["it"]}), section: {"it": entry}})
    contents = Contents(**{name: {"it": content} if name == section else {} for name in SECTIONS})
    ids = operations._content_ids(PLATFORM, app, compose, contents)
    given = {section: adopted or {}}
    return resolve(Naming(app), compose, Resolutions({}, ids, before, given))


def name_of(section: str, content: bytes = b"a", **options) -> str:
    """The name of that object."""
    [name] = getattr(resolved(section, content, **options), section)
    return name


@pytest.mark.parametrize("section", SECTIONS)
def test_another_content_has_another_name(section):
    plain = name_of(section)
    assert plain.startswith("shop_it_")
    assert name_of(section) == plain != name_of(section, b"b")


@pytest.mark.parametrize("section", SECTIONS)
def test_a_given_name_is_the_prefix_of_one_that_follows_the_content(section):
    called = name_of(section, name="tls-2026")
    assert called.startswith("tls-2026_") and len(called) == len("tls-2026_") + 12
    assert name_of(section, name="tls-2026") == called != name_of(section, b"b", name="tls-2026")
    assert name_of(section, name="tls-2026", app="other") != called


@pytest.mark.parametrize("section", SECTIONS)
def test_a_template_is_another_content_than_its_text(section):
    text, template = resolved(section), resolved(section, template_driver="golang")
    assert set(getattr(text, section)) != set(getattr(template, section))
    [entry] = getattr(template, section).values()
    assert entry["template_driver"] == "golang"
    assert name_of(section, before=text, template_driver="golang") in getattr(template, section)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_text_of_another_tool_is_not_used_for_a_template(section):
    adopted = {"it": "shop_it"}
    assert name_of(section, adopted=adopted) == "shop_it"
    template = name_of(section, template_driver="golang")
    assert name_of(section, adopted=adopted, template_driver="golang") == template


@pytest.mark.parametrize("section", SECTIONS)
def test_the_object_of_the_release_before_is_used_again(section):
    adopted = resolved(section, adopted={"it": "shop_it"})
    assert name_of(section, before=adopted) == "shop_it"
    assert name_of(section, b"b", before=adopted) != "shop_it"
    assert name_of(section, before=adopted, name="tls").startswith("tls_")
