#!/bin/sh
# What cleat serve says when it cannot start or go on, and how it ends when it is told twice.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"

# It must refuse to start, with the text in its sentence.
no_start() # text, arguments...
{
    text=$1
    shift
    refuse 1 "$text" serve --grpc 127.0.0.1:0 --http 127.0.0.1:0 "$@"
}

# ---- Who may reach it: the words that allow it are in the sentence ----
refuse 2 '--plaintext-on-the-network' serve --grpc 0.0.0.0:0 --http 127.0.0.1:0
refuse 2 '--tls-cert' serve --grpc 127.0.0.1:0 --http 0.0.0.0:0

# ---- With which no token would be good ----
for url in foo h:1 ftp://h http:// 'http://h/?q' http://u:p@h; do
    refuse 2 '--url must be such as' serve --grpc 127.0.0.1:0 --http 127.0.0.1:0 --url "$url"
done

# ---- How long runs and spans are kept ----
for what in runs spans; do
    for time in 0d 30 forever1 -1d; do
        refuse 2 "--retain-$what must be" serve --grpc 127.0.0.1:0 --http 127.0.0.1:0 --retain-$what "$time"
    done
    for size in 0 10X -1G 1.5G G ' 1G' 99999999999T unlimited1; do
        refuse 2 "--retain-$what-bytes must be" serve --grpc 127.0.0.1:0 --http 127.0.0.1:0 --retain-$what-bytes "$size"
    done
done

# ---- Certificates and keys ----
if command -v openssl >openssl.txt; then
    for name in one two; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
            -keyout $name.key -out $name.pem 2>openssl.txt
    done
    echo 'no certificate' >garbage.pem
    no_start no.key --tls-cert one.pem --tls-key no.key
    no_start no.pem --tls-cert no.pem --tls-key one.key
    no_start no.pem --tls-cert one.pem --tls-key one.key --tls-client-ca no.pem
    no_start garbage.pem --tls-cert garbage.pem --tls-key one.key
    no_start garbage.pem --tls-cert one.pem --tls-key garbage.pem
    no_start two.key --tls-cert one.pem --tls-key two.key
    mkdir unreadable.key
    no_start unreadable.key --tls-cert one.pem --tls-key unreadable.key
    if [ "$(id -u)" != 0 ]; then
        chmod 000 two.key
        no_start two.key --tls-cert two.pem --tls-key two.key
    fi
fi

# ---- The file ----
echo 'this is no database, however long it may be: it is text' >text.db
no_start text.db --db text.db
mkdir directory.db
no_start directory.db --db directory.db
expect 0 token create --db newer.db
sqlite3 newer.db 'PRAGMA user_version = 10000'
no_start newer.db --db newer.db
grep -q newer err || fail "about a newer file: $(cat err)"
same 'version of the file' "$(sqlite3 newer.db 'PRAGMA user_version')" 10000
if [ "$(id -u)" != 0 ]; then
    expect 0 token create --db fixed.db
    chmod 400 fixed.db
    no_start fixed.db --db fixed.db
    mkdir fixed
    expect 0 token create --db fixed/file.db
    chmod 500 fixed
    no_start fixed/file.db --db fixed/file.db
    chmod 700 fixed
fi

# ---- A disk that is full, here by a limit of the file's size: it says so, and stays until it is told ----
post_spans() # number of the span; answers the status
{
    sed "s/00f067aa0ba902b7/$(printf '%016x' "$1")/" spans.json >numbered.json
    curl -s -o answer.json -w '%{http_code}' -X POST "http://$http/v1/traces" \
        -H 'Content-Type: application/json' --data-binary @numbered.json
}
text=$(printf '%065536d' 0)
cat >spans.json <<END
{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736",
"spanId":"00f067aa0ba902b7","name":"a","startTimeUnixNano":"1","endTimeUnixNano":"2",
"attributes":[{"key":"k","value":{"stringValue":"$text"}}]}]}]}]}
END
(ulimit -f 2000 && exec "$CLEAT" serve --no-auth --db full.db --grpc 127.0.0.1:0 --http 127.0.0.1:0 \
    >full.out 2>full.err) &
server=$!
until grep -q ready full.out 2>/dev/null; do kill -0 "$server" || fail "not ready: $(cat full.err)"; done
http=$(sed 's/.* http=//' full.out)
stored=0
while code=$(post_spans $((stored + 1))) && [ "$code" = 200 ]; do
    stored=$((stored + 1))
    [ $stored -lt 200 ] || fail 'the limit is not met'
done
[ $stored -gt 0 ] || fail 'nothing was stored'
[ "$code" = 503 ] || [ "$code" = 507 ] || [ "$code" = 500 ] || fail "status $code: $(cat answer.json)"
tenant=$(sqlite3 full.db "SELECT lower(hex(uuid)) FROM tenant WHERE id = 1" |
    sed 's/\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)/\1-\2-\3-\4-/')
same 'a trigger with a full disk' "$(curl -s -o body -D head -w '%{http_code}' -H "Content-Type: application/json" -X POST \
    "http://$http/api/v1/stable/tenants/$tenant/workflow-runs/trigger" --data '{"workflowName":"x","input":{}}')" 503
grep -qi '^retry-after:' head || fail "no Retry-After: $(cat head)"
! grep -q 'Internal Server Error' body || fail "no reason: $(cat body)"
same 'ready with a full disk' "$(curl -s -o body -w '%{http_code}' "http://$http/ready")" 503
curl -s "http://$http/metrics" | grep -q '^cleat_engine_failed 1' || fail 'the numbers say nothing'
grep -q full.db full.err || fail "about the file: $(cat full.err)"
kill -TERM "$server"
code=0
wait "$server" || code=$?
same 'exit code after a failed write' "$code" 1
server=
same integrity "$(sqlite3 full.db 'PRAGMA integrity_check')" ok
start_server --no-auth --db full.db
same 'with room again' "$(post_spans 1000)" 200
kill -TERM "$server"
wait "$server" || fail 'it does not end'
server=

# ---- Runs of a file that a server has are cancelled over HTTP, which the sentence names ----
make_files files 4
expect 0 demo files --children 4 --db busy.db --json
run=$(json out '$.relations[0].scan_run_id')
start_server --no-auth --db busy.db
refuse 1 "tasks/cancel {\"externalIds\":[\"$run\"]}" runs cancel "$run" --db busy.db
kill -TERM "$server"
wait "$server" || fail 'it does not end'
server=

# ---- Told to end twice: the second signal ends it at once. Both wait while it is stopped ----
start_server --no-auth
kill -STOP "$server"
kill -INT "$server"
kill -TERM "$server"
kill -CONT "$server"
code=0
wait "$server" || code=$?
server=
[ "$code" = 143 ] || [ "$code" = 130 ] || fail "exit code after two signals: $code"
