# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest

from tests.lint.words import WordList, findings, long_sentences, read_words

WORDS = read_words()


def found(path, text, words=WORDS):
    return [(finding.line, finding.found) for finding in findings(path, text, words)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The user is told.\n", [(1, "told")]),
        ("One line.\nIt takes the\ntool away.\n", [(2, "takes the tool away")]),
        ("Connection refused.\n", []),
        ("The module refused it.\n", [(1, "refused")]),
        ("A virtual machine is a host.\n", []),
        ("``told`` is a literal, `told`_ a link.\n", []),
        (".. code-block:: shell\n\n    echo told\n\nHe told.\n", [(5, "told")]),
        ("Run this::\n\n    echo told\n", []),
        (".. note::\n\n    It is told.\n", [(3, "told")]),
        ("Who is there?\n", []),
        ("It works. Who has a tool keeps it.\n", [(1, ". Who")]),
    ],
)
def test_a_page(text, expected):
    assert found("docs/guide.rst", text) == expected


def test_code_in_markdown_is_not_text():
    assert found("README.md", "```sh\ntold\n```\n`told` [x](told.md) told\n") == [(4, "told")]


def test_python_has_docstrings_literals_and_comments():
    source = '"""What it is."""\n\nX = "told"  # told\n\nY = "is told"\nZ = f"{X} is told"\n'
    assert found("plugins/x.py", source) == [
        (1, "What"),
        (5, "told"),
        (6, "told"),
        (3, "told"),
    ]


def test_literals_of_tests_are_inputs():
    assert found("tests/unit/test_x.py", 'X = "is told"\n') == []


def test_yaml_has_names_and_comments():
    assert found("roles/x/tasks/main.yml", "- name: Is told\n  # told\n  when: x\n") == [
        (1, "told"),
        (2, "told"),
    ]


def test_an_exception_holds_where_it_matches_only():
    data = {
        "phrases": [{"write": "x", "patterns": ["told"]}],
        "first_words": [],
        "exceptions": [{"path": "docs/*", "text": "never told", "reason": "a title"}],
        "spelling": [],
        "unchecked": [],
        "long_sentences": 0,
    }
    words = WordList.from_data(data)
    assert found("docs/a.md", "Never told, told.\n", words) == [(1, "told")]
    assert found("plugins/a.md", "Never told.\n", words) == [(1, "told")]


def test_all_exceptions_have_a_reason():
    entries = [*WORDS.exceptions, *WORDS.spelling, *WORDS.unchecked]
    assert all(entry["reason"] for entry in entries)


def test_sentences_are_counted_by_words():
    short, long = " ".join(["word"] * 25), " ".join(["word"] * 26)
    text = f"{short}. {short}.\n\n* {short}\n* {short}\n\n{short}\n{long}.\n"
    assert [finding.line for finding in long_sentences("a.md", text)] == [6]
