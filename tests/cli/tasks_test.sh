#!/bin/sh
# A run of several tasks, and runs that wait, as `runs show` tells of them.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"

# ---- Tasks by name, told from children ----
CLEAT_DB=dag.db
export CLEAT_DB
"$CLEAT_BUILD/examples/dag" >dag.out 2>err || { cat dag.out err >&2; fail 'examples/dag'; }
id=$(sed -n 's/^run \([0-9a-f-]*\) COMPLETED$/\1/p' dag.out)
expect 0 runs show "$id"
shows tasks
shows '6: 6 COMPLETED'
! grep -q children out || fail "its tasks are no children: $(cat out)"
same 'tasks in the order of the declaration' \
    "$(sed -n 's/^  \([a-z]*\)  *\(COMPLETED\|SKIPPED\)  .*/\1 \2/p' out | tr '\n' ' ')" \
    'check COMPLETED price COMPLETED pack COMPLETED wrap SKIPPED bill COMPLETED apologize SKIPPED '
for columns in 40 60 80; do
    COLUMNS=$columns expect 0 runs show "$id"
    sed '1,/^tasks$/d; /^$/,$d' out >tasks
    cp tasks out
    narrow "$columns"
    shows SKIPPED
done
expect 0 runs show "$id" --json
same 'tasks' "$(json_rows out '$.tasks' 'count(*)')" 6
same 'a task' "$(json out '$.tasks[3].name') $(json out '$.tasks[3].status') $(json out '$.tasks[3].skipped')" 'wrap COMPLETED 1'
same 'no children' "$(json out '$.children.total')" 0
expect 0 runs show "$(json out '$.tasks[0].id')"
shows mail-order:check

# ---- What a run waits for that nobody takes ----
start_server --db dag.db --no-auth
curl -s -S "http://$http/api/cleat/v1/session" >session
tenant=$(json session '$.tenant.id')
curl -s -S -H 'Content-Type: application/json' -d '{"workflowName":"mail-order","input":{"items":3}}' \
    "http://$http/api/v1/stable/tenants/$tenant/workflow-runs/trigger" >run
waits=$(json run '$.run.metadata.id')
expect 0 runs show "$waits"
shows 'waits for   the first of its tasks to begin'
shows 'waits for the task check'
expect 0 runs show "$waits" --json
same 'its own' "$(json out '$.waits_for[0]')" 'the first of its tasks to begin'
same 'of the first task' "$(json out '$.tasks[0].waits_for[0]')" 'a worker with a free slot that takes mail-order:check'
same 'of the last one' "$(json out '$.tasks[4].waits_for[0]')" 'the tasks price, pack, wrap'
same 'of the one for failures' "$(json out '$.tasks[5].waits_for[0]')" 'its run to begin'
end_server TERM 0
