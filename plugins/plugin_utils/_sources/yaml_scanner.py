# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scanner of YAML that reads tabs as separation, as libyaml does.

PyYAML's own scanner rejects a tab between tokens and a question mark inside of a flow scalar
(``[http://host/?a=b]``). Docker Compose, kubectl and Ansible read both: their parsers descend from
libyaml. The methods here override those of :class:`yaml.scanner.Scanner`, whose names are no
documented interface (PyYAML 6.0).
"""

from __future__ import annotations

import re
from typing import Any

from yaml.scanner import Scanner, ScannerError
from yaml.tokens import ScalarToken

_BREAKS = "\r\n\x85\u2028\u2029"
_ENDS = f"\0 \t{_BREAKS}"
# Up to a blank, or an indicator that ends a plain scalar.
_PLAIN = re.compile(f"(?:[^{_ENDS}:]|:(?![{_ENDS}]))*")
_PLAIN_IN_FLOW = re.compile(rf"(?:[^{_ENDS}:,\[\]{{}}]|:(?![{_ENDS},\[\]{{}}]))*")
_BLANKS = re.compile("[ \t]*")
_BLANK_LINES = re.compile(f"[ \t{_BREAKS}]*")
_LINE = re.compile(f"(?:\r\n|[{_BREAKS}])(?P<blanks>[ \t]*)")
_TAG = re.compile(f"![^{_ENDS}]*")
_BLOCK_HEADER = re.compile("[|>][-+0-9]*")
_DIRECTIVE = re.compile(f"%[^#{_BREAKS}\0]*")


class TabScanner(Scanner):
    """Put before a loader's own scanner: ``class Loader(TabScanner, yaml.SafeLoader)``."""

    # What yaml.reader.Reader keeps; the whole text, since only texts are read here.
    buffer: str
    pointer: int
    column: int
    peek: Any
    prefix: Any
    forward: Any
    get_mark: Any

    def scan_to_next_token(self) -> None:
        """Skip what separates tokens."""
        super().scan_to_next_token()
        # yaml_parser_scan_to_next_token of libyaml: where a key may begin, a tab would be
        # indentation, which YAML 1.2.2 section 6.1 forbids.
        while self.peek() == "\t" and (self.flow_level or not self.allow_simple_key):
            self.forward()
            super().scan_to_next_token()

    def scan_plain(self) -> ScalarToken:
        """Read a plain scalar, with blanks inside of it as they are."""
        start = end = self.get_mark()
        indent = self.indent + 1
        chunks: list[str] = []
        spaces: list[str] = []
        while self.peek() != "#" and (length := self._plain_length()):
            self.allow_simple_key = False
            chunks += [*spaces, self.prefix(length)]
            self.forward(length)
            end = self.get_mark()
            spaces = self.scan_plain_spaces(indent, start) or []
            if not spaces or (not self.flow_level and self.column < indent):
                break
        return ScalarToken("".join(chunks), True, start, end)

    def _plain_length(self) -> int:
        """Return the number of characters up to the next blank or indicator."""
        pattern = _PLAIN_IN_FLOW if self.flow_level else _PLAIN
        return len(_matched(pattern, self.buffer, self.pointer))

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> list[str] | None:
        """Return the blanks inside of a plain scalar, or its folded line breaks."""
        length = len(_matched(_BLANKS, self.buffer, self.pointer))
        if self.peek(length) in _BREAKS:
            self._reject_tabs(indent, start_mark)
            self._put_spaces(_BLANK_LINES)
            spaces: list[str] | None = super().scan_plain_spaces(indent, start_mark)
            return spaces
        blanks = self.prefix(length)
        self.forward(length)
        return [blanks] if blanks else []

    def _reject_tabs(self, indent: int, start_mark: Any) -> None:
        """Reject a tab that indents the next line of a plain scalar."""
        for line in _LINE.finditer(_matched(_BLANK_LINES, self.buffer, self.pointer)):
            if 0 <= line["blanks"].find("\t") < indent:
                self.forward(line.start("blanks") + line["blanks"].find("\t"))
                raise ScannerError(
                    "while scanning a plain scalar",
                    start_mark,
                    "found a tab character that violates indentation",
                    self.get_mark(),
                )

    def scan_tag(self) -> Any:
        """Read a tag, which a tab may follow."""
        self._put_spaces(_TAG, behind=True)
        return super().scan_tag()

    def scan_block_scalar(self, style: str) -> Any:
        """Read a block scalar, whose header a tab may follow."""
        self._put_spaces(_BLOCK_HEADER, behind=True)
        return super().scan_block_scalar(style)

    def scan_directive(self) -> Any:
        """Read a directive, in which tabs may separate."""
        self._put_spaces(_DIRECTIVE)
        return super().scan_directive()

    def _put_spaces(self, pattern: re.Pattern[str], *, behind: bool = False) -> None:
        """Put spaces in place of tabs where both only separate; columns stay as they are."""
        start = self.pointer
        end = start + len(_matched(pattern, self.buffer, start))
        if behind:
            start, end = end, end + len(_matched(_BLANKS, self.buffer, end))
        if "\t" in self.buffer[start:end]:
            blanks = self.buffer[start:end].replace("\t", " ")
            self.buffer = self.buffer[:start] + blanks + self.buffer[end:]


def _matched(pattern: re.Pattern[str], text: str, position: int) -> str:
    match = pattern.match(text, position)
    return match[0] if match else ""
