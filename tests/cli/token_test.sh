#!/bin/sh
# Tokens: made, listed, revoked; what they say; beside an engine that has the file.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
umask 022

# The claims of the token in a file, as JSON in ./claims.
read_claims() # file
{
    payload=$(cut -d . -f 2 "$1" | tr -d '\n' | tr -- '-_' '+/')
    while [ $((${#payload} % 4)) != 0 ]; do payload="$payload="; done
    printf '%s' "$payload" | base64 -d >claims
}

# ---- The first one makes the file ----
expect 0 token create
[ ! -s err ] || fail "said: $(cat err)"
same 'lines of the token' "$(wc -l <out)" 1
cp out first
read_claims first
same server_url "$(json claims '$.server_url')" http://127.0.0.1:8733
same grpc_broadcast_address "$(json claims '$.grpc_broadcast_address')" 127.0.0.1:7077
same iss "$(json claims '$.iss')" http://127.0.0.1:8733
same aud "$(json claims '$.aud')" http://127.0.0.1:8733
same 'seconds of life' "$(($(json claims '$.exp') - $(json claims '$.iat')))" $((90 * 86400))
same sub "$(json claims '$.sub' | tr -d -)" "$(sqlite3 cleat.db 'SELECT lower(hex(uuid)) FROM tenant')"
id=$(json claims '$.token_id')
cut -d . -f 1 first | tr -- '-_' '+/' | base64 -d >header 2>/dev/null || true # without padding
grep -q '"alg":"ES256"' header || fail "header: $(cat header)"
same 'mode of the file' "$(stat -c %a cleat.db)" 600
[ ! -e cleat.db-lock ] || fail 'the lock is left'
! grep -qF "$(cut -d . -f 3 first)" cleat.db || fail 'the token is in the file'

# ---- With everything ----
expect 0 token create --tenant acme --name 'ci box' --expires 1h30m --grpc '[::1]:7077' \
    --url https://jobs.example.org/cleat/ --json
grep -qx 'cleat: tenant acme is new' err || fail "about a new tenant: $(cat err)"
json out '$.token' >second
read_claims second
same server_url "$(json claims '$.server_url')" https://jobs.example.org/cleat
same iss "$(json claims '$.iss')" https://jobs.example.org/cleat
same grpc_broadcast_address "$(json claims '$.grpc_broadcast_address')" '[::1]:7077'
same 'seconds of life' "$(($(json claims '$.exp') - $(json claims '$.iat')))" 5400
same sub "$(json claims '$.sub')" "$(json out '$.tenant_id')"
same token_id "$(json claims '$.token_id')" "$(json out '$.id')"
second=$(json out '$.id')
expect 0 token create --tenant acme
[ ! -s err ] || fail "said again: $(cat err)"

# ---- Lists ----
expect 0 token ls
shows "$id  good   default"
shows 'ci box'
grep -qE "^$id +good +default +[0-9a-z]+ +[0-9-]+T[0-9:]+Z" out || fail "when it ends: $(cat out)"
! grep -q eyJ out || fail 'a token in the list'
expect 0 token ls --tenant acme --json
same 'tokens of acme' "$(json_rows out '$.tokens' 'count(*)')" 2
same 'the oldest' "$(json out '$.tokens[1].id')" "$second"
same 'its name' "$(json out '$.tokens[1].name')" 'ci box'
same 'its state' "$(json out '$.tokens[1].state')" good
refuse 1 'there is no tenant "nobody"' token ls --tenant nobody
for columns in 60 80; do
    COLUMNS=$columns expect 0 token ls
    narrow "$columns"
    shows "$id"
done

# ---- Revoking ----
expect 0 token revoke "$second"
shows "revoked $second"
expect 0 token ls --json
same 'states' "$(json_rows out '$.tokens' "group_concat(json_extract(value, '$.state'))")" 'good,revoked,good'
when=$(json out '$.tokens[1].revoked_at')
expect 0 token revoke "$(cat second)" --json
same 'the time of the first' "$(json out '$.revoked_at')" "$when"
expect 0 token revoke "$second"
shows "was revoked before: $second"
expect 0 token revoke "$(cat first)"
shows "revoked $id"
refuse 1 'there is no token' token revoke 00000000
refuse 1 'too short' token revoke 0000
refuse 1 'not the beginning' token revoke xyz
refuse 1 'malformed' token revoke a.b.c
for last in 1 2; do
    sqlite3 cleat.db "INSERT INTO token (id, tenant, created_at_ms, expires_at_ms)
        VALUES (x'01000000abcdef00000000000000000$last', 1, 0, 0)"
done
refuse 1 'several tokens begin' token revoke 01000000-abc
expect 0 token revoke 01000000-ABCD-EF00-0000-000000000002
expect 0 token ls --json
same 'the last states' "$(json_rows out '$.tokens' "group_concat(json_extract(value, '$.state'))")" \
    'good,revoked,revoked,revoked,expired'

# ---- Beside an engine ----
mkfifo progress
make_files files 40
"$CLEAT" demo files --children 2000 --db busy.db >demo.out 2>progress &
demo=$!
exec 3<progress
read -r line <&3
: "$line"
for i in 1 2 3 4 5; do
    expect 0 token create --db busy.db --name "number $i"
    expect 0 token revoke "$(cat out)" --db busy.db
done
cat <&3 >/dev/null
code=0
wait $demo || code=$?
same 'exit of the engine' "$code" 0
expect 0 token ls --db busy.db --json
same 'tokens beside the engine' "$(json_rows out '$.tokens' 'count(*)')" 5
same integrity "$(sqlite3 busy.db 'PRAGMA integrity_check')" ok
expect 0 token create --db busy.db
grep -q '^cleat: busy.db can be read by other users.*chmod 600' err || fail "about readers: $(cat err)"

# ---- Mistakes ----
rm -f out err
before=$(ls)
for time in '' 0d 90 d -1d 1.5d 90x 99999999999999999999d 36526d 1d2 ' 1d'; do
    refuse 2 '--expires' token create --db new.db --expires "$time"
done
for address in localhost localhost:0 localhost:99999 :7077 http://h:1 h:1/x u@h:1 'h h:1' h:x; do
    refuse 2 '--grpc must be HOST:PORT' token create --db new.db --grpc "$address"
done
for url in h:1 ftp://h http:// 'http://h/?q' http://u:p@h 'http://h h' http://h:99999 http://h/#x; do
    refuse 2 '--url must be such as' token create --db new.db --url "$url"
done
rm -f out err
same 'files written' "$(ls)" "$before"
refuse 2 'not allowed' token create --tenant 'a b'
refuse 2 'at most 100' token create --name "$(printf '%0101d' 0)"
refuse 1 'no database' token ls --db new.db
refuse 1 'no database' token revoke --db new.db 00000000
refuse 1 'there is no directory' token create --db nowhere/x.db
sqlite3 other.db 'CREATE TABLE t (a)'
refuse 1 'another program' token create --db other.db
