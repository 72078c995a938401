#!/bin/sh
# The demo is looked at, killed and stopped in the middle; what is left is done once.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

CHILDREN=1500 # enough for some to be left when the first tenth is seen to be done
make_files files $((CHILDREN + 100))
mkfifo progress
demo=

# Starts the demo in the background and returns when it has done the first tenth.
start_demo() # arguments...
{
    "$CLEAT" demo "$@" >demo.out 2>progress &
    demo=$!
    exec 3<progress
    while read -r line <&3; do
        case $line in
        'parent: 0 of '*) ;;
        'parent: '*) return 0 ;;
        esac
    done
    fail 'the demo ended before its first tenth'
}

end_demo() # signal; answers its exit code
{
    kill "-$1" "$demo"
    code=0
    wait "$demo" 2>/dev/null || code=$?
    cat <&3 >progress.rest
    exec 3<&-
}

unfinished() # database
{
    "$CLEAT" runs ls --db "$1" --status queued --limit 100000 --json >queued.json
    "$CLEAT" runs ls --db "$1" --status running --limit 100000 --json >running.json
    echo $(($(json_rows queued.json '$.runs' 'count(*)') + $(json_rows running.json '$.runs' 'count(*)')))
}

# Every child of a scan has one run, which has ended.
check_children() # database, scan, children
{
    expect 0 runs ls --db "$1" --parent "$2" --limit 100000 --json
    same 'children' "$(json_rows out '$.runs' 'count(*)')" "$3"
    same 'different children' \
        "$(json_rows out '$.runs' "count(DISTINCT json_extract(row.value, '$.child_key'))")" "$3"
    same 'completed children' \
        "$(json_rows out '$.runs' "sum(json_extract(row.value, '$.status') = 'COMPLETED')")" $(($3 - 3))
    same 'failed children' \
        "$(json_rows out '$.runs' "sum(json_extract(row.value, '$.status') = 'FAILED')")" 3
}

# ---- In use ----
start_demo files --children "$CHILDREN" --db demo.db
kill -STOP "$demo"
expect 0 runs ls --db demo.db
shows archive:
expect 0 traces ls --db demo.db
expect 0 runs ls --db demo.db --task archive:scan --json
scan=$(json out '$.runs[0].id')
expect 0 runs show "$scan" --db demo.db
shows archive:scan
expect 0 runs ls --db demo.db --status queued --limit 1 --json
same 'queued runs' "$(json_rows out '$.runs' 'count(*)')" 1
refuse 1 "in use by process $demo" runs cancel "$scan" --db demo.db
expect 1 demo files --children 20 --db demo.db
grep -q "^cleat: .*in use by process $demo" err || fail "about a file in use: $(cat err)"

# ---- kill -9 ----
kill -CONT "$demo"
end_demo KILL
left=$(unfinished demo.db)
[ "$left" -gt 0 ] || fail 'nothing was left by the killed demo'
expect 0 check --db demo.db
expect 0 demo files --children 10 --db demo.db --json
same 'resumed runs' "$(json out '$.resumed.runs')" "$left"
same 'unfinished runs' "$(unfinished demo.db)" 0
check_children demo.db "$scan" "$CHILDREN"

# ---- SIGTERM, and cancelling one of those that are left ----
start_demo files --children "$CHILDREN" --db stopped.db
end_demo TERM
same 'exit of a stopped demo' "$code" 1
grep -q '^cleat: stopped' progress.rest || fail "about being stopped: $(cat progress.rest)"
[ ! -e stopped.db-lock ] || fail 'the lock file is left'
[ "$(unfinished stopped.db)" -gt 0 ] || fail 'nothing was left by the stopped demo'
expect 0 runs ls --db stopped.db --status queued --json
queued=$(json out '$.runs[0].id')
refuse 1 'has not ended' runs replay "$queued" --db stopped.db
expect 0 runs cancel "$queued" --db stopped.db
shows "cancelled $queued"
expect 0 runs show "$queued" --db stopped.db
shows CANCELLED
expect 0 runs replay "$queued" --db stopped.db --json
same status "$(json out '$.status')" QUEUED
expect 0 runs show "$queued" --db stopped.db
shows QUEUED
left=$(unfinished stopped.db)
expect 0 demo files --children 4 --db stopped.db --json
same 'resumed runs' "$(json out '$.resumed.runs')" "$left"
same 'unfinished runs' "$(unfinished stopped.db)" 0
expect 0 check --db stopped.db
