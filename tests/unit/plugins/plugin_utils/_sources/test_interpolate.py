# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._sources.interpolate import (
    Unset,
    Values,
    interpolate,
    substitute,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import Override
from hypothesis import given
from hypothesis import strategies as st

PLAIN = {"SET": "value", "EMPTY": "", "OTHER": "other", "_x1": "low", "DOLLAR": "$SET ${SET}"}
VALUES = Values(PLAIN, {"PASSWORD": "hunter2"})

REPLACED = [
    ("no variables", "no variables"),
    ("$SET", "value"),
    ("${SET}", "value"),
    ("a-$SET-b", "a-value-b"),
    ("${SET}${OTHER}$_x1", "valueotherlow"),
    ("$SETé", "valueé"),
    ("${EMPTY}", ""),
    # A value is never read for variables again.
    ("${DOLLAR}", "$SET ${SET}"),
    # :- and -
    ("${SET:-default}", "value"),
    ("${EMPTY:-default}", "default"),
    ("${UNSET:-default}", "default"),
    ("${SET-default}", "value"),
    ("${EMPTY-default}", ""),
    ("${UNSET-default}", "default"),
    ("${UNSET:-}", ""),
    ("${UNSET-}", ""),
    ("${UNSET:-a b:c?d+e-f}", "a b:c?d+e-f"),
    ("${UNSET-x:-y}", "x:-y"),
    # :+ and +
    ("${SET:+there}", "there"),
    ("${EMPTY:+there}", ""),
    ("${UNSET:+there}", ""),
    ("${SET+there}", "there"),
    ("${EMPTY+there}", "there"),
    ("${UNSET+there}", ""),
    # :? and ? where there is something
    ("${SET:?say it}", "value"),
    ("${SET?say it}", "value"),
    ("${EMPTY?say it}", ""),
    # nested
    ("${UNSET:-${SET}}", "value"),
    ("${UNSET:-${NOPE:-${OTHER}}}", "other"),
    ("${UNSET:-a${SET}b${OTHER}c}", "avaluebotherc"),
    ("${SET:+${OTHER}}", "other"),
    ("${UNSET:-$SET}", "value"),
    # What is not used need not be there.
    ("${SET:-${UNSET}}", "value"),
    ("${UNSET:+${UNSET}}", ""),
    # braces in a default
    ('${UNSET:-{"a": {}}}', '{"a": {}}'),
    ('${SET:-{"a": {}}}', "value"),
    ("${SET:-{}} more", "value more"),
    ("${UNSET:-{{.Node.Hostname}}}!", "{{.Node.Hostname}}!"),
    ("${SET:-{{.Node.Hostname}}}!", "value!"),
    ("${UNSET:-a}}", "a}"),
    ("{{.Node.Hostname}} ${SET}", "{{.Node.Hostname}} value"),
    # more than a line
    ("${UNSET:-a\nb}", "a\nb"),
    # dollar signs that mean themselves
    ("$$", "$"),
    ("$$SET", "$SET"),
    ("$${SET}", "${SET}"),
    ("$$$SET", "$value"),
    ("$$$$", "$$"),
    ("${UNSET:-$$SET}", "$SET"),
    ("${UNSET:-$${SET}}", "${SET}"),
    ("$$5 and 5$$", "$5 and 5$"),
    ("$$(date) `date`", "$(date) `date`"),
]


@pytest.mark.parametrize(("text", "expected"), REPLACED)
def test_variables_are_replaced(text, expected):
    assert substitute(text, VALUES) == expected


def lacks(name):
    return (
        f"${{{name}}} has no value; set it in values, give it a default: ${{{name}:-default}}, or"
        " write $$ for a plain dollar sign"
    )


_BARE = "has a $ that begins no variable; write $$ for a plain dollar sign"
REFUSED = [
    *((text, _BARE) for text in ("5$", "$5", "$", "a $ b", "$-", "$(date)", "$É", "^(.*)$")),
    ("$2y$05$NOPE", _BARE),
    ("${UNSET:-$5}", _BARE),
    ("${NOPE}", lacks("NOPE")),
    ("$NOPE", lacks("NOPE")),
    ("$SET_and_more", lacks("SET_and_more")),
    ("${set}", lacks("set")),
    ("${OTHR}", f"{lacks('OTHR')}; did you mean OTHER?"),
    ("${UNSET:-${NOPE}}", lacks("NOPE")),
    ("${UNSET?}", "${UNSET} is required; set it in values"),
    ("${UNSET?say it}", "${UNSET} is required: say it; set it in values"),
    ("${EMPTY:?say it}", "${EMPTY} is required: say it; set it in values"),
    ("${UNSET:?ask ${OTHER}}", "${UNSET} is required: ask other; set it in values"),
    ("${SET", "${SET lacks its closing brace; write $$ for a plain dollar sign"),
    (
        "${UNSET:-${SET}",
        "${UNSET:-${SET} lacks its closing brace; write $$ for a plain dollar sign",
    ),
    ("${}", "${} is no variable; write $$ for a plain dollar sign"),
    ("${ SET}", "${ SET} is no variable; write $$ for a plain dollar sign"),
    ("${SET }", "${SET } is no variable; write $$ for a plain dollar sign"),
    ("${1}", "${1} is no variable; write $$ for a plain dollar sign"),
    ("${SET:}", "${SET:} is no variable; write $$ for a plain dollar sign"),
    ("${SET:=x}", "${SET:=x} is no variable; write $$ for a plain dollar sign"),
    ("${SET/a/b}", "${SET/a/b} is no variable; write $$ for a plain dollar sign"),
    ("${SET%.*}", "${SET%.*} is no variable; write $$ for a plain dollar sign"),
    ("${É}", "${É} is no variable; write $$ for a plain dollar sign"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_replaced(text, message):
    with pytest.raises(Unset) as caught:
        substitute(text, VALUES)
    assert str(caught.value) == message


SECRET = (
    "${PASSWORD} is a secret value and would be readable by every user who can inspect the service;"
    " declare it under secrets: and let the service read the file, or set allow_secret_environment:"
    " true"
)


@pytest.mark.parametrize(
    "path",
    [
        "services.web.environment.A",
        "configs.a.content",
        "services.secrets.command",
        "x-shipping.a",
        "",
    ],
)
@pytest.mark.parametrize(
    "text",
    ["${PASSWORD}", "$PASSWORD", "${PASSWORD:-x}", "${PASSWORD:+x}", "${UNSET:-${PASSWORD}}"],
)
def test_a_secret_value_stands_below_secrets_only(path, text):
    with pytest.raises(Unset) as caught:
        substitute(text, VALUES, path)
    assert str(caught.value) == SECRET
    assert "hunter2" not in str(caught.value)


def test_a_secret_value_where_it_may_stand():
    assert substitute("x${PASSWORD}", VALUES, "secrets.a.content") == "xhunter2"
    assert (
        substitute(
            "x${PASSWORD}",
            Values(PLAIN, VALUES.secret, secrets_anywhere=True),
            "services.web.command",
        )
        == "xhunter2"
    )


def test_a_secret_value_hides_a_plain_one():
    both = Values({"PASSWORD": "plain"}, VALUES.secret)
    assert substitute("${PASSWORD}", both, "secrets.a.content") == "hunter2"
    with pytest.raises(Unset):
        substitute("${PASSWORD}", both, "services.web.command")


def test_all_texts_of_a_content_and_nothing_else():
    content = {"${SET}": ["$SET", 1, None, True, {"a": "${OTHER}"}], "b": Override({"c": "$SET"})}
    problems = []
    assert interpolate(content, VALUES, problems) == {
        "${SET}": ["value", 1, None, True, {"a": "other"}],
        "b": Override({"c": "value"}),
    }
    assert problems == []


def test_every_problem_is_told_with_its_path():
    problems = []
    interpolate(
        {"services": {"web": {"image": "${A1}", "ports": ["80", "${B2?}"]}}, "name": "${"},
        VALUES,
        problems,
    )
    assert [problem.path for problem in problems] == [
        "services.web.image",
        "services.web.ports[1]",
        "name",
    ]


@given(st.text().filter(lambda text: "$" not in text))
def test_a_text_without_dollar_signs_stays(text):
    assert substitute(text, VALUES) == text


@given(st.text())
def test_doubled_dollar_signs_give_the_text_itself(text):
    assert substitute(text.replace("$", "$$"), VALUES) == text


@given(st.text(alphabet="${}:-+?SET_x \n"))
def test_whatever_it_is_it_is_replaced_or_refused(text):
    try:
        assert isinstance(substitute(text, VALUES), str)
    except Unset as error:
        assert str(error)


@given(
    st.text(),
    st.text(alphabet="ab{}$-:").filter(lambda text: text.count("{") == text.count("}") == 0),
)
def test_a_value_wins_over_its_default(value, default):
    expected = value or substitute(default.replace("$", "$$"), VALUES)
    assert substitute("${V:-" + default.replace("$", "$$") + "}", Values({"V": value})) == expected
