# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources.dotenv import parse
from ansible_collections.shipping.code.plugins.plugin_utils._sources.interpolate import Values
from hypothesis import given
from hypothesis import strategies as st

VALUES = Values({"HOST": "example.com", "EMPTY": ""}, {"PASSWORD": "hunter2"})

LINES = [
    ("", {}),
    ("# only a remark\n\n   # and another\n", {}),
    ("A=b", {"A": "b"}),
    ("A=b\nC=d\n", {"A": "b", "C": "d"}),
    ("A=b\r\nC=d\r\n", {"A": "b", "C": "d"}),
    ("\ufeffA=b", {"A": "b"}),
    ("  A = b  ", {"A": "b"}),
    ("A: b", {"A": "b"}),
    ("export A=b", {"A": "b"}),
    ("A=", {"A": ""}),
    ("A=''\nB=\"\"", {"A": "", "B": ""}),
    ("A=b=c", {"A": "b=c"}),
    ("A=b c", {"A": "b c"}),
    ("A=1\nA=2", {"A": "2"}),
    ("A", {"A": None}),
    ("A\nB=c", {"A": None, "B": "c"}),
    ("export A", {"A": None}),
    ("A.b-c=1\n1A=2\nB[0]=3", {"A.b-c": "1", "1A": "2", "B[0]": "3"}),
    # remarks
    ("A=b # why", {"A": "b"}),
    ("A=b#c", {"A": "b#c"}),
    ("A=#0a6ebd", {"A": "#0a6ebd"}),
    ("A='b # c' # why", {"A": "b # c"}),
    ('A="b # c" # why', {"A": "b # c"}),
    # quotes
    ("A='b\\nc'", {"A": "b\\nc"}),
    ('A="b\\nc\\td"', {"A": "b\nc\td"}),
    ("A='it\\'s'", {"A": "it's"}),
    ('A="say \\"so\\""', {"A": 'say "so"'}),
    ('A="a\\\\b\\x"', {"A": "a\\b\\x"}),
    ("A=b\\nc", {"A": "b\\nc"}),
    ("A='  b  '", {"A": "  b  "}),
    ("A='one\ntwo'\nB=c", {"A": "one\ntwo", "B": "c"}),
    ('A="one\n# two\nthree"\nB=c', {"A": "one\n# two\nthree", "B": "c"}),
    ('A={"b": "c"}', {"A": '{"b": "c"}'}),
    # variables
    ("A=$HOST/${HOST}", {"A": "example.com/example.com"}),
    ('A="$HOST"', {"A": "example.com"}),
    ("A='$HOST'", {"A": "$HOST"}),
    ('A="\\$HOST"', {"A": "$HOST"}),
    ("A=$$HOST", {"A": "$HOST"}),
    ("A=${UNSET:-b}", {"A": "b"}),
    ("A=b\nC=${A}d", {"A": "b", "C": "bd"}),
    ("A='$(date) 5$'", {"A": "$(date) 5$"}),
    # What is set from outside is stronger than the line above.
    ("HOST=other\nA=$HOST", {"HOST": "other", "A": "example.com"}),
]


@pytest.mark.parametrize(("text", "expected"), LINES)
def test_lines(text, expected):
    assert parse(text, "app.env", VALUES) == expected


def test_earlier_files_are_known():
    assert parse("A=${B}\nC=${D}", "app.env", VALUES, {"B": "b", "D": "d", "E": None}) == {
        "A": "b",
        "C": "d",
    }
    assert parse("B=new\nA=${B}", "app.env", VALUES, {"B": "old"}) == {"B": "new", "A": "new"}


NO_LINE = "is no KEY=value line, or a quote in it has no counterpart"
BROKEN = [
    ("A=b\n=c\nD=e\n?!", ["app.env:2: " + NO_LINE, "app.env:4: " + NO_LINE]),
    ("A B=c", ["app.env:1: " + NO_LINE]),
    ("\n?!", ["app.env:2: " + NO_LINE]),
    ("A='b", ["app.env:1: " + NO_LINE]),
    ('A= "b', ["app.env:1: " + NO_LINE]),
    ('A="b"c', ["app.env:1: " + NO_LINE]),
    ("A='b' C=d", ["app.env:1: " + NO_LINE]),
    (
        "A=b\n\nC=$D\nE=${C}${F?}",
        [
            "app.env:3: ${D} has no value; set it in values, give it a default: ${D:-default}, or"
            " write $$ for a plain dollar sign",
            "app.env:4: ${F} is required; set it in values",
        ],
    ),
]


@pytest.mark.parametrize(("text", "problems"), BROKEN)
def test_all_broken_lines_are_told(text, problems):
    with pytest.raises(SpecError) as caught:
        parse(text, "app.env", VALUES)
    assert [str(problem) for problem in caught.value.problems] == problems


def test_a_secret_value_is_refused_and_not_shown():
    with pytest.raises(SpecError) as caught:
        parse("A=${PASSWORD}", "app.env", VALUES)
    assert "app.env:1: ${PASSWORD} is a secret value" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        assert all(
            isinstance(item, (str, type(None))) for item in parse(text, "app.env", VALUES).values()
        )
    except SpecError as error:
        assert all(problem.path.startswith("app.env:") for problem in error.problems)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z]{1,3}", fullmatch=True),
        st.text(alphabet="ab '\"$#=\n\\{}", max_size=8),
        max_size=3,
    )
)
def test_what_is_quoted_in_double_quotes_is_read_as_it_was(variables):
    quoted = {
        key: item.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        for key, item in variables.items()
    }
    assert (
        parse("\n".join(f'{key}="{item}"' for key, item in quoted.items()), "app.env", VALUES)
        == variables
    )
