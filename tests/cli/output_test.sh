#!/bin/sh
# Where the output goes: nowhere, to a reader that leaves, to a terminal that must not be driven.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 12

# ---- Closed ----
# A database opened on the descriptor of standard output would be written to.
code=0
"$CLEAT" demo files --children 8 --db closed.db >&- 2>err || code=$?
same 'exit without standard output' "$code" 1
grep -q '^cleat: cannot write to standard output' err || fail "about closed output: $(cat err)"
code=0
"$CLEAT" demo files --children 8 --db closed.db <&- >&- 2>&- || code=$?
same 'exit with nothing open' "$code" 1
same integrity "$(sqlite3 closed.db 'PRAGMA integrity_check')" ok
expect 0 runs ls --db closed.db --task archive:scan --status completed --json
same 'scans that ended' "$(json_rows out '$.runs' 'count(*)')" 4

# ---- A reader that leaves ----
mkfifo pipe
for to in standard both; do
    head -n 1 <pipe >first &
    code=0
    if [ "$to" = both ]; then
        "$CLEAT" demo files --children 8 --db left.db >pipe 2>&1 || code=$?
    else
        "$CLEAT" demo files --children 8 --db left.db >pipe 2>err || code=$?
        ! grep '^cleat: ' err || fail 'a word about a reader that has seen enough'
    fi
    same "exit when the reader of $to output left" "$code" 0
    wait
    grep -q '8 runs over files of' first || fail "first line: $(cat first)"
    [ ! -e left.db-lock ] || fail 'the demo did not end in order'
done

# ---- Names that would drive a terminal ----
odd=$(printf 'a\033[31m\nb')
make_files "$odd" 4
expect 0 demo "$odd" --children 5 --db odd.db
! grep -q "$(printf '\033')" out || fail 'an escape sequence of a name in the output'
shows '[31m b, twice: by parent'
refuse 1 'cannot read x y' demo "$(printf 'x\ny')"
refuse 2 'DIR is empty' demo ''
COLUMNS=80 expect 0 demo files --children 8 --db odd.db
narrow 80
expect 0 demo --help
narrow 80
