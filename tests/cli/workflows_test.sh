#!/bin/sh
# Pausing workflows and letting them go on, in a file and at a server.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 5
expect 0 demo files --children 3 --db demo.db --json

stored() # expected
{
    same 'what is stored' "$(sqlite3 demo.db "SELECT (paused_at_ms IS NOT NULL) || ' ' || paused_crons || ' ' ||
        paused_schedules || ' ' || paused_ttl_ms FROM workflow WHERE name = 'archive.pack'")" "$1"
}

# With the same words wherever the engine is.
check_all()
{
    expect 0 workflows pause archive:pack
    shows 'paused archive:pack'
    stored '1 0 0 -1'
    expect 0 run archive:pack
    run=$(cat out)
    expect 0 runs show "$run" --db demo.db
    shows 'paused'
    expect 0 workflows pause archive:pack --queue-crons --queue-schedules --ttl 1d12h --json
    same 'the answer' "$(json out '$.name') $(json out '$.paused')" 'archive:pack 1'
    stored '1 1 1 129600000'
    expect 0 workflows resume archive:pack
    shows 'resumed archive:pack'
    same 'that it goes on' "$(sqlite3 demo.db "SELECT count(*) FROM workflow WHERE paused_at_ms IS NOT NULL")" 0
    expect 0 workflows resume archive:pack --json
    same 'the answer' "$(json out '$.name') $(json out '$.paused')" 'archive:pack 0'
    expect 0 runs cancel "$run"
    refuse 1 'nobodys:task' workflows pause nobodys:task
    refuse 1 'nobodys:task' workflows resume nobodys:task
}

CLEAT_DB=demo.db
export CLEAT_DB
check_all
expect 0 check
refuse 2 '--ttl must be' workflows pause archive:pack --ttl soon
refuse 2 'is missing' workflows pause
refuse 2 'is missing' workflows resume
refuse 1 'nothere.db' workflows pause archive:pack --db nothere.db
refuse 1 'there is no tenant "nobody"' workflows resume archive:pack --tenant nobody

# ---- At a server, which has the file ----
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"
start_server --db demo.db
refuse 1 '"unpause"' workflows resume archive:pack
refuse 1 'HATCHET_CLIENT_TOKEN' workflows pause archive:pack
expect 0 token create --grpc "$grpc" --url "http://$http"
HATCHET_CLIENT_TOKEN=$(cat out)
HATCHET_CLIENT_TLS_STRATEGY=none
export HATCHET_CLIENT_TOKEN HATCHET_CLIENT_TLS_STRATEGY
unset CLEAT_DB
check_all
refuse 2 '--tenant is for files' workflows pause archive:pack --tenant default
end_server TERM 0
