#!/bin/sh
# Cancelling and replaying runs by their id and by what they are like, in a file and at a server.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 5
expect 0 demo files --children 3 --db demo.db --json
run=$(json out '$.relations[0].scan_run_id')

# The command reads a file also while a server has it.
counts() # status, expected
{
    expect 0 runs ls --status "$1" --limit 100 --json --db demo.db
    same "runs that are $1" "$(json_rows out '$.runs' 'count(*)')" "$2"
}

# With the same words wherever the engine is: it has 2 runs of archive:scan and 6 of archive:pack, which have ended, and
# no worker.
check_all()
{
    expect 0 runs replay --task archive:pack --until 2020-01-01T00:00:00Z
    shows 'queued again: 0 runs'
    expect 0 runs replay --status failed --since 1h --json
    same 'those that failed' "$(json out '$.count')" 0
    expect 0 runs replay --metadata nobody:knows
    shows 'queued again: 0 runs'
    expect 0 runs replay --task archive:pack --since 2d --json
    same 'those of a task' "$(json out '$.count') $(json out '$.status')" '6 QUEUED'
    counts queued 6
    expect 0 runs cancel --task archive:scan
    shows 'cancelled 0 runs'
    expect 0 runs replay "$run"
    shows "queued again: $run"
    refuse 1 'has not ended' runs replay "$run"
    expect 0 runs cancel "$run" --json
    same 'one of them' "$(json out '$.id') $(json out '$.status')" "$run CANCELLED"
    expect 0 runs cancel --status queued --since 2020-01-01T00:00:00Z
    shows 'cancelled 6 runs'
    counts queued 0
    counts cancelled 7
    expect 0 runs cancel --all
    shows 'cancelled 0 runs'
    refuse 1 'statuses' runs cancel --status completed
    refuse 1 'nobodys:task' runs cancel --task nobodys:task
    expect 0 runs replay --status cancelled --json
    same 'those that were cancelled' "$(json out '$.count')" 7
    expect 0 runs cancel --all --json
    same 'all of them' "$(json out '$.count')" 7
    refuse 1 'no run' runs cancel 00000000-0000-7000-8000-000000000000
}

CLEAT_DB=demo.db
export CLEAT_DB
check_all
expect 0 check

# Those of another tenant by its name, or by their id.
cp demo.db acme.db
sqlite3 acme.db "INSERT INTO tenant VALUES (2, randomblob(16), 'acme', 0);
    UPDATE workflow SET tenant = 2; UPDATE task_type SET tenant = 2; UPDATE trace SET tenant = 2"
CLEAT_DB=acme.db
expect 0 runs replay --all
shows 'queued again: 0 runs'
expect 0 runs replay --all --tenant acme
shows 'queued again: 8 runs'
expect 0 runs cancel "$run"
expect 0 runs cancel --all --tenant acme
shows 'cancelled 7 runs'
refuse 1 'there is no tenant "nobody"' runs cancel --all --tenant nobody
CLEAT_DB=demo.db

refuse 2 'which runs? RUN, options that choose some, or --all' runs cancel
refuse 2 'which runs?' runs replay --tenant default
refuse 2 'are instead of RUN' runs cancel "$run" --all
refuse 2 '--status must be' runs cancel --status ready
refuse 2 '--since must be a time' runs cancel --since yesterday
refuse 2 '--until must be a time' runs replay --until 99999d
refuse 1 'nothere.db' runs cancel --all --db nothere.db

# ---- At a server, which has the file ----
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"
start_server --db demo.db
refuse 1 'HATCHET_CLIENT_TOKEN' runs cancel --all
refuse 1 "tasks/cancel {\"externalIds\":[\"$run\"]}" runs cancel "$run"
expect 0 token create --grpc "$grpc" --url "http://$http"
HATCHET_CLIENT_TOKEN=$(cat out)
HATCHET_CLIENT_TLS_STRATEGY=none
export HATCHET_CLIENT_TOKEN HATCHET_CLIENT_TLS_STRATEGY
unset CLEAT_DB
check_all
refuse 2 'no whole id' runs cancel "${run%????}"
refuse 2 '--tenant is for files' runs cancel --all --tenant default
end_server TERM 0
