#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ibis accepts a DuckDB that it cannot read, and leaves temporary tables of `cache()` behind.
#
# Guess:    what `pip install 'ibis-framework[duckdb]'` resolves works, and a cached table is dropped
#           when the program ends.
# Seen:     ibis-framework 12.0.0 declares no upper limit, so that duckdb 2.0.1 is installed with it,
#           and the first `sql()` ends with "object has no attribute 'fetch_arrow_table'". With duckdb
#           1.5.6 it works, but a script that has called `cache()` prints a ParserException at its end
#           (of `_drop_cached_table`: a DROP without a name), with exit code 0.
# So:       pin duckdb<2 beside ibis, and create tables by name instead of `cache()`.
set -euo pipefail
shopt -s inherit_errexit
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
install() { venv/bin/pip install --quiet --disable-pip-version-check "$@"; }

install 'ibis-framework[duckdb]==12.0.0' duckdb==2.0.1
cat >read.py <<'PYTHON'
import ibis

print(ibis.duckdb.connect().sql("select 1 as a").execute()["a"][0])
PYTHON
newer=$(venv/bin/python read.py 2>&1 | tail -1 || true)
echo "duckdb 2.0.1: $newer"

install duckdb==1.5.6
older=$(venv/bin/python read.py)
echo "duckdb 1.5.6: $older"
cat >cached.py <<'PYTHON'
import ibis

table = ibis.duckdb.connect().sql("select 1 as a").cache()
print(table.execute()["a"][0])
PYTHON
end=$(venv/bin/python cached.py 2>&1)
printf 'a script with cache(), which ended with %s:\n%s\n' $? "$(tail -2 <<<"$end")"
if [[ $newer == *fetch_arrow_table* && $older == 1 && $end == *ParserException*"syntax error"* ]]; then
  echo "as stated"
else
  echo "this has changed" && exit 1
fi
