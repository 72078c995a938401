#!/bin/sh
# Starting runs and pushing events, in a file and at a server.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 5
expect 0 demo files --children 3 --db demo.db --json
# No worker will take these: they are given up at once where somebody waits for them.
sqlite3 demo.db "UPDATE task_type SET schedule_timeout_ms = 1 WHERE action = 'archive:pack'"

# With the same words wherever the engine is.
check_all()
{
    expect 0 run archive:scan '{"dir":"."}' --metadata '{"customer":"7"}' --priority 3 --json
    run=$(json out '$.id')
    expect 0 runs show "$run" --json --db demo.db
    same 'its state' "$(json out '$.status') $(json out '$.priority')" 'QUEUED 3'
    same 'its input' "$(json out '$.input.dir')" .
    expect 0 runs replay --metadata customer:8
    shows 'queued again: 0 runs'
    expect 0 runs cancel --metadata customer:8
    shows 'cancelled 0 runs'
    expect 0 runs cancel --metadata customer:7
    shows 'cancelled 1 run'
    expect 0 run archive:scan
    run=$(cat out)
    expect 0 runs cancel "$run"
    shows "cancelled $run"

    expect 0 push order:paid '{"order":7}' --metadata '{"customer":"7"}' --scope north --json
    event=$(json out '$.id')
    same 'what is stored' "$(sqlite3 demo.db "SELECT key || ' ' || scope || ' ' || json_extract(payload, '$.order')
        || ' ' || json_extract(metadata, '$.customer') FROM event WHERE hex(id) = upper(replace('$event', '-', ''))")" \
        'order:paid north 7 7'
    expect 0 push order:lost
    same 'an id' "$(wc -c <out)" 37

    refuse 1 'no task' run nobodys:task
    refuse 1 'input' run archive:scan nonsense
    refuse 1 'metadata' run archive:scan --metadata 7
    refuse 1 'payload' push order:paid 7
}

CLEAT_DB=demo.db
export CLEAT_DB
check_all
expect 0 check
refuse 2 '--wait is for servers' run archive:scan --wait
refuse 2 '--wait is for servers' run archive:scan --wait --db demo.db
refuse 2 '--priority must be a number from 1 to 3' run archive:scan --priority 4
refuse 2 'is missing' run
refuse 2 'unexpected argument "b}": the input is one word, in quotes' run archive:scan '{a:' 'b}'
refuse 2 'is missing' push
refuse 1 'nothere.db' run archive:scan --db nothere.db
refuse 1 'nothere.db' push order:paid --db nothere.db
refuse 1 'there is no tenant "nobody"' run archive:scan --tenant nobody
[ ! -e nothere.db ] || fail 'a file was made'

# ---- At a server, which has the file ----
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"
start_server --db demo.db
refuse 1 'workflow-runs/trigger' run archive:scan
refuse 1 'HATCHET_CLIENT_TOKEN' push order:paid
expect 0 token create --grpc "$grpc" --url "http://$http"
HATCHET_CLIENT_TOKEN=$(cat out)
HATCHET_CLIENT_TLS_STRATEGY=none
export HATCHET_CLIENT_TOKEN HATCHET_CLIENT_TLS_STRATEGY
unset CLEAT_DB
check_all
refuse 2 '--tenant is for files' run archive:scan --tenant default

refuse 1 'CANCELLED' run archive:pack --wait
expect 1 run archive:pack --wait --json
same 'how it ended' "$(json out '$.status')" CANCELLED

worker=
trap 'kill -9 $server $worker 2>/dev/null || true' EXIT
mkfifo worker.out
"$CLEAT_BUILD/examples/worker" >worker.out 2>worker.err &
worker=$!
exec 3<worker.out
read -r line <&3 || { cat worker.err >&2; fail 'the worker is not ready'; }
expect 0 run greet '{"name":"Ada"}' --wait
same 'its output' "$(json out '$.greeting') $(json out '$.of.name')" 'Hello! Ada'
expect 0 run story:tell --wait --json
same 'how it ended' "$(json out '$.status') $(json out '$.output.words')" 'COMPLETED 4'
kill -9 "$worker"
wait "$worker" || true
worker=
end_server TERM 0
