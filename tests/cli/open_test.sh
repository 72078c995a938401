#!/bin/sh
# cleat traces open: where its pages are, whose they are, and its end.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"

viewer=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
      [ -z "$viewer" ] || kill -9 "$viewer" 2>/dev/null || true' EXIT

# Starts it in the background; waits for its line, and sets $viewer and $url.
start_viewer() # arguments...
{
    rm -f opened
    mkfifo opened
    "$CLEAT" traces open "$@" >opened 2>viewer.err &
    viewer=$!
    line=
    read -r line <opened || { cat viewer.err >&2; fail 'it does not open'; }
    url=${line#cleat: open }
    case "$line" in
    'cleat: open http://127.0.0.1:'*/) ;;
    *) fail "its line: $line" ;;
    esac
}

end_viewer() # signal
{
    kill -"$1" "$viewer"
    code=0
    wait "$viewer" || code=$?
    viewer=
    same "exit code after $1" "$code" 0
    same 'what it said' "$(cat viewer.err)" ''
}

# ---- A file that a server has ----
start_server --db used.db
start_viewer --db used.db
curl -s -S "$url" | grep -q '<base href="./">' || fail 'no page'
curl -s -S "${url}api/cleat/v1/meta" >meta
same 'a token' "$(json meta '$.needs_token')" 0
same 'that it only reads' "$(json meta '$.read_only')" 1
curl -s -S "${url}api/cleat/v1/session" >session
same 'the tenant' "$(json session '$.tenant.name')" default
end_viewer TERM

# The server has the same pages, for who has a token.
curl -s -S "http://$http/" | grep -q '<base href="./">' || fail 'no page of the server'
curl -s -S "http://$http/api/cleat/v1/meta" >meta
same 'a token of the server' "$(json meta '$.needs_token')" 1
same 'that the server does not only read' "$(json meta '$.read_only')" 0
same 'without a token' "$(curl -s -o body -w '%{http_code}' "http://$http/api/cleat/v1/session")" 403
expect 0 token create --db used.db --tenant shop
token=$(cat out)
curl -s -S -H "Authorization: Bearer $token" "http://$http/api/cleat/v1/session" >session
same 'the tenant of the token' "$(json session '$.tenant.name')" shop
end_server TERM 0

# ---- Without a server, of another tenant, where it was told to ----
start_viewer --db used.db --tenant shop
curl -s -S "${url}api/cleat/v1/session" >session
same 'the other tenant' "$(json session '$.tenant.name')" shop
port=${url#http://127.0.0.1:}
port=${port%/}
refuse 1 "127.0.0.1:$port is in use" traces open --db used.db --port "$port"
end_viewer INT
start_viewer --db used.db --port "$port"
same 'its port' "$url" "http://127.0.0.1:$port/"
end_viewer INT

# ---- An open server, as everybody's own: a page of somebody else cannot reach it by its name ----
start_server --db used.db --no-auth
curl -s -S "http://$http/api/cleat/v1/meta" >meta
same 'no token' "$(json meta '$.needs_token')" 0
same 'its own address' "$(curl -s -o body -w '%{http_code}' "http://$http/api/cleat/v1/session")" 200
same 'a foreign name' \
    "$(curl -s -o body -w '%{http_code}' -H 'Host: evil.example' "http://$http/api/cleat/v1/session")" 403
end_server TERM 0

# ---- What it cannot do ----
refuse 1 'none.db' traces open --db none.db
refuse 1 nobody traces open --db used.db --tenant nobody
refuse 2 '--port must be a number' traces open --port 65536
refuse 2 'unexpected argument "x"' traces open x
