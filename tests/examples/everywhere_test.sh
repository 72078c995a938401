#!/bin/sh
# The examples do the same wherever their engine is, by the environment alone: in the process, then at a server.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"

examples=$CLEAT_BUILD/examples
worker=
trap 'kill -9 $server $worker 2>/dev/null || true' EXIT

run() # example, arguments...
{
    "$examples/$@" >out 2>err || { cat out err >&2; fail "examples/$*"; }
}

# Starts the worker in the background, and waits until it says that it is ready; the rest of its output is behind
# descriptor 3.
start_worker()
{
    rm -f worker.out
    mkfifo worker.out
    "$examples/worker" >worker.out 2>worker.err &
    worker=$!
    line=
    exec 3<worker.out
    read -r line <&3 || { cat worker.err >&2; fail 'the worker is not ready'; }
    case $line in
    'worker '*' is ready') ;;
    *) fail "the worker says $line" ;;
    esac
}

# It is ready a moment before it listens to signals: SIGTERM is bit 14 of those that it catches.
end_worker()
{
    until grep -Eq '^SigCgt:.*[4-7c-f][0-9a-f]{3}$' "/proc/$worker/status"; do
        kill -0 "$worker" || fail "the worker is gone: $(cat worker.err)"
    done
    kill -TERM "$worker"
    wait "$worker" || fail "the worker ends with $?: $(cat worker.err)"
    worker=
}

# Those with a worker of their own.
run_whole()
{
    run hello
    shows COMPLETED
    run fan_out
    shows '20 of 20 children completed'
    run event
    same 'what was shipped' "$(grep -c '^ship ' out)" 3
    same 'what was billed' "$(grep -c '^bill ' out)" 3
    shows 'ship {"order":3} because of order:paid-later'
    run dag
    shows '"bill":{"bill":{"cents":990},"plain":true}'
    run batch
    shows '5 of 6 mails were sent'
    shows '3 mails for north: batch size threshold 3 reached'
    shows '2 mails for south: batch max interval 200ms elapsed'
    run schedule
    shows 'reminded: {"of":"tea"}'
    same 'what is to come' "$(grep -c ' of remind in ' out)" 3
}

# Workflows, likewise.
run_workflows()
{
    run order
    shows '{"order":"paid","by":{"receipt":17}}'
    run saga
    same 'what was undone, in reverse' "$(grep '^cancel' out | tr '\n' ' ')" 'cancel hotel cancel flight '
    run fan_in
    shows '{"sum":12502500}'
    run poller 5ms 10
    same 'how often it looked' "$(grep -c '^look ' out)" 10
}

# Embedded: one process after another on one file.
unset HATCHET_CLIENT_TOKEN || true
export CLEAT_DB="$PWD/embedded.db"
start_worker # declares
end_worker
run client start
id=$(cat out)
start_worker
read -r line <&3
same 'what the worker did' "$line" 'greeted {"name":"Ada"}'
end_worker
run client wait "$id"
shows 'COMPLETED {"greeting":"Hello!","of":{"name":"Ada"}}'
run_whole
run_workflows
[ -s embedded.db ] || fail 'there is no file'

# At a server: client and worker at the same time. The file is not looked at.
export CLEAT_DB="$PWD/unused.db"
start_server --db server.db
HATCHET_CLIENT_TOKEN=$("$CLEAT" token create --db server.db --grpc "$grpc" --url "http://$http")
HATCHET_CLIENT_TLS_STRATEGY=none
export HATCHET_CLIENT_TOKEN HATCHET_CLIENT_TLS_STRATEGY
start_worker
run client
shows 'COMPLETED {"greeting":"Hello!","of":{"name":"Ada"}}'
shows 'COMPLETED {"words":4}'
end_worker
run_whole
[ ! -e unused.db ] || fail 'the file was opened in spite of the token'
end_server TERM 0
