# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the normal form of any spec."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._compose.service import (
    EXTENSION,
    PARSERS,
)
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from hypothesis import given
from hypothesis import strategies as st

from .generated_files import SCALARS, SERVICES, WORDS, spec
from .reading import read_spec


def long_syntax(app: model.Compose) -> dict[str, Any]:
    """A normal form as a Compose file in long syntax."""
    content = {key: value for key, value in asdict(app).items() if key != "notes"}
    for service in content["services"].values():
        if "depends_on" in service:
            service["depends_on"] = {
                name: {"condition": condition} for name, condition in service["depends_on"].items()
            }
        deploy = service.get("deploy", {})
        reserved = deploy.get("resources", {}).get("reservations", {})
        if "generic_resources" in reserved:
            reserved["generic_resources"] = [
                {"discrete_resource_spec": {"kind": kind, "value": number}}
                for kind, number in reserved["generic_resources"].items()
            ]
        placement = deploy.get("placement", {})
        if "preferences" in placement:
            placement["preferences"] = [{"spread": text} for text in placement["preferences"]]
    return content


@given(SERVICES)
def test_the_normal_form_is_read_as_itself(service):
    try:
        app = read_spec(spec(service))
    except SpecError:
        return  # two things at one place, an unbalanced quote: what is refused has no normal form
    assert read_spec(long_syntax(app)) == app


@given(SERVICES)
def test_the_normal_form_is_plain_data(service):
    try:
        app = asdict(read_spec(spec(service)))
    except SpecError:
        return
    assert json.loads(json.dumps(app)) == app


def test_most_generated_services_are_accepted():
    """The two tests above would say nothing if they refused everything."""
    accepted = []

    @given(SERVICES)
    def count(service):
        try:
            read_spec(spec(service))
            accepted.append(True)
        except SpecError:
            accepted.append(False)

    count()
    assert sum(accepted) > len(accepted) / 4


ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        SCALARS,
        st.sampled_from(["80:80", "/a:/b", "a=b", "web", "1s", "${", "CMD", "::"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                WORDS, st.sampled_from(["target", "type", "source", "test", "name", "external"])
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from([*PARSERS, EXTENSION, "x-own", "privileged", "wobble"]),
        ANYTHING,
        max_size=3,
    )
)
def test_whatever_stands_in_a_service_is_read_or_refused_by_its_path(service):
    try:
        read_spec({"services": {"web": {"image": "nginx", **service}}})
    except SpecError as error:
        assert error.problems
        assert all(
            problem.path.startswith("services.web") and problem.text for problem in error.problems
        )


@given(
    st.dictionaries(
        st.sampled_from(
            ["services", "networks", "volumes", "secrets", "configs", "x-own", "wobble"]
        ),
        ANYTHING,
        max_size=4,
    )
)
def test_whatever_stands_in_a_spec_is_read_or_refused(content):
    try:
        read_spec(content)
    except SpecError as error:
        assert error.problems
