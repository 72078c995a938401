#!/bin/sh
# What cleat serve removes of runs and spans, by age and by size, and what it keeps: what is young, and all when it is told to.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"

# The same runs as of another year: ids begin with their time.
make_files files 5
expect 0 demo files --children 5 --db young.db
expect 0 export --db young.db
sed -E 's/"01[0-9a-f]{6}-/"0190a000-/g; s/_at_ms":1[0-9]{12}/_at_ms":1719000000000/g' out >old.lines
runs=$(sqlite3 young.db 'SELECT count(*) FROM task')
[ "$runs" -gt 5 ] || fail "only $runs runs"

count() # database, "old" or "young"
{
    sqlite3 "$1" "SELECT count(*) FROM task WHERE (created_at_ms = 1719000000000) = ('$2' = 'old')"
}

servers=
trap '[ -z "$servers" ] || kill -9 $servers 2>/dev/null || true' EXIT
serve() # name, arguments...
{
    name=$1
    shift
    cp young.db "$name.db"
    expect 0 import old.lines --db "$name.db"
    same "old runs of $name" "$(count "$name.db" old)" "$runs"
    start_server --db "$name.db" "$@"
    servers="$servers $server"
}

# The first one looks first: it has kept what it keeps when all others have removed something.
serve forever --retain-runs forever
serve age --retain-runs 12h
serve size --retain-runs forever --retain-runs-bytes 1K
serve default
for name in age size default; do
    until [ "$(count $name.db old)" = 0 ]; do
        # shellcheck disable=SC2086 # numbers
        kill -0 $servers || fail "a server has ended"
    done
    same "young runs of $name" "$(count $name.db young)" "$runs"
done
same 'old runs that are kept' "$(count forever.db old)" "$runs"

# Spans have limits of their own; these are of the day before yesterday from now on.
spans=$(sqlite3 young.db 'SELECT count(*) FROM span')
[ "$spans" -gt 5 ] || fail "only $spans spans"
for table in trace span; do
    sqlite3 young.db "UPDATE $table SET start_ns = start_ns - 172800000000000, end_ns = end_ns - 172800000000000"
done
serve kept --retain-runs forever --retain-spans forever --retain-spans-bytes unlimited
serve days --retain-runs forever --retain-spans 1d
serve bytes --retain-runs forever --retain-spans-bytes 1K
for name in days bytes; do
    until [ "$(sqlite3 $name.db 'SELECT count(*) FROM span')" = 0 ]; do
        # shellcheck disable=SC2086 # numbers
        kill -0 $servers || fail "a server has ended"
    done
done
same 'spans that are kept' "$(sqlite3 kept.db 'SELECT count(*) FROM span')" "$spans"

for each in $servers; do
    server=$each
    end_server TERM 0
done
servers=
same 'what is kept behind the end' "$(count forever.db old) $(count forever.db young)" "$runs $runs"
for name in forever age size default kept days bytes; do
    expect 0 check --db $name.db
done
