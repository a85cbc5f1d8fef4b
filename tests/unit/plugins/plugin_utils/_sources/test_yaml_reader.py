# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import (
    Override,
    Reset,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st


def value(text):
    return parse(f"it: {text}", "compose.yml")["it"]


SCALARS = [
    # YAML 1.1 would make a number of these,
    ("22:22", "22:22"),
    ("8080:80", "8080:80"),
    ("190:20:30.15", "190:20:30.15"),
    # a boolean of these,
    *((word, word) for word in ("no", "No", "yes", "on", "off", "y", "N")),
    # and a date of these.
    ("2001-01-01", "2001-01-01"),
    ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
    *((word, True) for word in ("true", "True", "TRUE")),
    *((word, False) for word in ("false", "False", "FALSE")),
    *((word, None) for word in ("null", "Null", "NULL", "~", "")),
    ("tRUE", "tRUE"),
    ("nUll", "nUll"),
    ("0", 0),
    ("12", 12),
    ("+12", 12),
    ("-12", -12),
    ("1_000", 1000),
    ("0440", 288),
    ("0o17", 15),
    ("0o440", 288),
    ("00", 0),
    ("0o0", 0),
    ("0_7", 7),
    ("0O17", 15),
    ("0XFf", 255),
    ("0B11", 3),
    ("-017", -15),
    ("0x1F", 31),
    ("0b101", 5),
    ("08", 8.0),
    ("0o8", "0o8"),
    ("0x_", "0x_"),
    ("0b2", "0b2"),
    ("_1", "_1"),
    ("1,000", "1,000"),
    ("1.50", 1.5),
    (".5", 0.5),
    (".05", 0.05),
    ("0.50", 0.5),
    ("5.", 5.0),
    ("1e3", 1000.0),
    ("-2E+2", -200.0),
    ("12_3.4", 123.4),
    ("12e", "12e"),
    (".", "."),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("1.2.3", "1.2.3"),
    ("<<", "<<"),
    ("=", "="),
    ("'22'", "22"),
    ('"no"', "no"),
    ("!!str 0440", "0440"),
    ("!!int '7'", 7),
    ("[a, 1, no]", ["a", 1, "no"]),
    ("{a: 0o10}", {"a": 8}),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_scalars(text, expected):
    assert value(text) == expected
    assert type(value(text)) is type(expected)


KEYS = [
    ("no", "no"),
    ("on", "on"),
    ("true", "true"),
    ("80", "80"),
    ("1.50", "1.50"),
    ("~", "~"),
    ("'a b'", "a b"),
    ("0440", "0440"),
]


@pytest.mark.parametrize(("text", "key"), KEYS)
def test_keys_are_texts_as_they_are_written(text, key):
    assert parse(f"{text}: x", "compose.yml") == {key: "x"}


def test_a_file_is_never_a_template():
    assert parse("it: '{{.Node.Hostname}} {% raw %}'", "compose.yml") == {
        "it": "{{.Node.Hostname}} {% raw %}"
    }


MERGED = """
x-one: &one {a: 1, b: 1}
x-two: &two {b: 2, c: 2}
own-first: {b: 0, <<: *one}
own-last: {<<: *one, b: 0}
both: {<<: [*one, *two]}
nested: &nested {<<: *two, d: 3}
deeper: {<<: *nested, c: 4}
alias: *one
"""


def test_merge_keys():
    assert parse(MERGED, "compose.yml") == {
        "x-one": {"a": 1, "b": 1},
        "x-two": {"b": 2, "c": 2},
        "own-first": {"a": 1, "b": 0},
        "own-last": {"a": 1, "b": 0},
        "both": {"a": 1, "b": 1, "c": 2},
        "nested": {"b": 2, "c": 2, "d": 3},
        "deeper": {"b": 2, "c": 4, "d": 3},
        "alias": {"a": 1, "b": 1},
    }


MARKED = [
    ("!reset", Reset()),
    ("!reset null", Reset()),
    ("!reset []", Reset()),
    ("!reset {a: b}", Reset()),
    ("!override", Override(None)),
    ("!override no", Override("no")),
    ("!override 0440", Override(288)),
    ("!override [a, 1, [b, [0440]]]", Override(["a", 1, ["b", [288]]])),
    (
        "!override {a: !reset null, b: !override [c]}",
        Override({"a": Reset(), "b": Override(["c"])}),
    ),
]


@pytest.mark.parametrize(("text", "expected"), MARKED)
def test_marks_that_steer_merging(text, expected):
    assert value(text) == expected


def test_an_overriding_mapping_may_merge_an_anchor():
    assert parse("a: &a {b: 1}\nc: !override {<<: *a, d: 2}", "compose.yml")["c"] == Override(
        {"b": 1, "d": 2}
    )


BROKEN = [
    ("a: 1\nb: 2\na: 3", "compose.yml:3:1: the key a stands twice, first in line 1"),
    (
        "services:\n  web: {}\n  db: {}\n  web: {}",
        "compose.yml:4:3: the key web stands twice, first in line 2",
    ),
    ("{a: {b: 1, b: 2}}", "compose.yml:1:12: the key b stands twice, first in line 1"),
    ("1: a\n'1': b", "compose.yml:2:1: the key 1 stands twice, first in line 1"),
    ("a: !override {b: 1, b: 2}", "compose.yml:1:21: the key b stands twice, first in line 1"),
    (
        "x: &x {}\na:\n  <<: *x\n  <<: *x",
        "compose.yml:4:3: the key << stands twice, first in line 3; write <<: [*one, *other]",
    ),
    ("[a]: b", "compose.yml:1:1: a key must be a text"),
    ("a: {<<: {[b]: c}}", "compose.yml:1:10: a key must be a text"),
    ("a: {<<: [b]}", "compose.yml:1:10: expected a mapping for merging, but found scalar"),
    ("a: *b", "compose.yml:1:4: found undefined alias 'b'"),
    ("a: &a [*a]", "compose.yml:1:4: found unconstructable recursive node"),
    ("a: b: c", "compose.yml:1:5: mapping values are not allowed here"),
    ("a:\n\tb: c", "compose.yml:2:1: found character '\\t' that cannot start any token"),
    ("a: 'b", "compose.yml:1:6: found unexpected end of stream"),
    ("a: !vault x", "compose.yml:1:4: could not determine a constructor for the tag '!vault'"),
    (
        "a: !!python/object/new:os.system [ls]",
        (
            "compose.yml:1:4: could not determine a constructor for the tag"
            " 'tag:yaml.org,2002:python/object/new:os.system'"
        ),
    ),
    (
        "a: !!timestamp 2001-01-01",
        (
            "compose.yml:1:4: could not determine a constructor for the tag"
            " 'tag:yaml.org,2002:timestamp'"
        ),
    ),
    (
        "a: 1\n---\nb: 2",
        (
            "compose.yml:2:1: begins a second document; put it into a file of its own, and list"
            " both under compose"
        ),
    ),
    ("a: !!int x", "compose.yml: invalid literal for int() with base 0: 'x'"),
    ("\na: \x00", "compose.yml:2: has the character U+0000, which YAML does not allow"),
    ("a: b\nc: \x00", "compose.yml:2: has the character U+0000, which YAML does not allow"),
    ("", "compose.yml: must be a mapping with services"),
    ("- a", "compose.yml: must be a mapping with services"),
    ("services", "compose.yml: must be a mapping with services"),
]


@pytest.mark.parametrize(("text", "problem"), BROKEN)
def test_broken_files_say_line_and_column(text, problem):
    with pytest.raises(SpecError) as caught:
        parse(text, "compose.yml")
    assert [str(problem) for problem in caught.value.problems] == [problem]


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        assert isinstance(parse(text, "compose.yml"), dict)
    except SpecError as error:
        assert error.problems


@given(
    st.from_regex(
        r"[-+]?(0[box]?)?[0-9a-f_]{1,6}(\.[0-9_]{0,3})?(e[-+]?[0-9]{1,2})?", fullmatch=True
    )
)
def test_anything_like_a_number_is_a_number_or_a_text(text):
    assert isinstance(value(text), (int, float, str))
