#!/bin/sh
# cleat serve: its ready line, its ends, what it refuses; killed and started again.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"

get() # path, arguments of curl...
{
    path=$1
    shift
    curl -s -S -o body -w '%{http_code}' "$@" "http://$http$path"
}

# ---- Ready, and its end ----
start_server
case "$grpc $http" in
*:0*) fail "no ports: $line" ;;
esac
same ready "$(get /ready)" 200
same metrics "$(get /metrics)" 200
for metric in cleat_worker_streams cleat_otlp_spans_total cleat_engine_failed; do
    grep -q "^$metric" body || fail "no $metric among the numbers"
done
same 'without a token' "$(get /api/v1/tenants/00000000-0000-0000-0000-000000000000)" 403
expect 0 token create
token=$(cat out)
payload=$(cut -d . -f 2 out | tr -d '\n' | tr -- '-_' '+/')
while [ $((${#payload} % 4)) != 0 ]; do payload="$payload="; done
printf '%s' "$payload" | base64 -d >claims
tenant=$(json claims '$.sub')
same 'with one' "$(get "/api/v1/tenants/$tenant" -H "Authorization: Bearer $token")" 200
same 'name of the tenant' "$(json body '$.name')" default
end_server TERM 0
same 'what it said' "$(cat serve.err)" "cleat: there are no tokens yet: cleat token create --db ./cleat.db \
--grpc $grpc --url http://$http makes one
cleat: refused a call: invalid auth token: it is missing"
same 'mode of the file' "$(stat -c %a cleat.db)" 600

start_server
end_server INT 0
[ ! -s serve.err ] || fail "where there is a token: $(cat serve.err)"

# ---- Of one URL, with and without the slash at its end ----
expect 0 token create --url https://jobs.example.org/cleat
own=$(cat out)
start_server --url https://jobs.example.org/cleat/
same 'of that URL' "$(get "/api/v1/tenants/$tenant" -H "Authorization: Bearer $own")" 200
same 'of another' "$(get "/api/v1/tenants/$tenant" -H "Authorization: Bearer $token")" 403
end_server TERM 0

# ---- The file of another name, from the environment ----
CLEAT_DB=other.db
export CLEAT_DB
start_server
[ -e other.db ] || fail 'CLEAT_DB is not looked at'
unset CLEAT_DB
end_server TERM 0

# ---- Killed, and started again at once ----
start_server --no-auth
same 'the tenant without a token' "$(get "/api/v1/tenants/$tenant")" 200
end_server KILL 137
start_server --no-auth
same 'after the kill' "$(get "/api/v1/tenants/$tenant")" 200

# ---- What is in use ----
refuse 1 cleat.db serve --grpc 127.0.0.1:0 --http 127.0.0.1:0
refuse 1 "$grpc is in use" serve --db second.db --grpc "$grpc" --http 127.0.0.1:0
refuse 1 "$http is in use: another program listens there; stop it or" serve --db second.db --grpc 127.0.0.1:0 --http "$http"
end_server TERM 0

# ---- What is wrong ----
refuse 2 '--grpc: 0.0.0.0:0 is not only' serve --grpc 0.0.0.0:0 --http 127.0.0.1:0
refuse 2 'without TLS' serve --grpc 127.0.0.1:0 --http '[::]:0'
refuse 2 '--grpc: "7077": an address is HOST:PORT' serve --grpc 7077
refuse 2 '--http: "127.0.0.1:99999": an address is HOST:PORT, with a port of at most 65535' serve --http 127.0.0.1:99999
refuse 2 '--grpc and --http are both' serve --grpc 127.0.0.1:7199 --http 127.0.0.1:7199
refuse 2 '--grpc: "foo": an address' serve --grpc foo --plaintext-on-the-network
refuse 2 '--otlp-forward must be such as' serve --otlp-forward foo
refuse 2 'both a certificate and its key' serve --tls-cert no.pem
refuse 2 'needs TLS' serve --tls-client-ca no.pem
refuse 1 no.pem serve --tls-cert no.pem --tls-key no.pem --grpc 127.0.0.1:0 --http 127.0.0.1:0
refuse 1 no/such serve --db no/such/file.db --grpc 127.0.0.1:0 --http 127.0.0.1:0
refuse 2 'ftp://' serve --otlp-forward ftp://host --grpc 127.0.0.1:0 --http 127.0.0.1:0
refuse 2 'ftp://' serve --internal-traces ftp://host --grpc 127.0.0.1:0 --http 127.0.0.1:0
refuse 2 '0 to 1' serve --internal-traces http://host --internal-traces-ratio all
refuse 1 'Name: value' serve --internal-traces http://host --internal-traces-header key
CLEAT_INTERNAL_TRACES_HEADER=key refuse 1 'Name: value' serve --internal-traces http://host
CLEAT_OTLP_FORWARD_HEADER=key refuse 1 'Name: value' serve --otlp-forward http://host
refuse 2 '--internal-traces URL' serve --internal-traces-ratio 0.1
refuse 2 '--otlp-forward URL' serve --otlp-forward-header 'A: b'
refuse 2 'unknown option --port' serve --port 1
refuse 2 'unexpected argument' serve now

# ---- Allowed to be reached ----
start_server --plaintext-on-the-network --grpc 0.0.0.0:0 --http 0.0.0.0:0
end_server TERM 0

# ---- TLS on both ports, also where others can reach it ----
if command -v openssl >openssl.txt; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2>openssl.txt
    start_server --tls-cert cert.pem --tls-key key.pem --grpc 0.0.0.0:0
    same 'over TLS' "$(curl -s -o body -w '%{http_code}' --cacert cert.pem "https://$http/ready")" 200
    openssl s_client -connect "127.0.0.1:${grpc##*:}" -alpn h2 -CAfile cert.pem -verify_return_error \
        </dev/null >tls.txt 2>&1 || { cat tls.txt >&2; fail 'no TLS on the port of gRPC'; }
    ! get /ready >plain.txt 2>&1 || fail "plain text on the port: $(cat plain.txt)"
    end_server TERM 0
fi
