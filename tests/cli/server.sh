# A server for the shell tests that need one; sourced by them after check.sh.
# shellcheck shell=sh

# Only the tests in C leave out what the thread sanitizer says of gRPC's own races.
! ldd "$CLEAT" | grep -q libtsan || exit 77

server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true' EXIT

# Starts it in the background with any ports; waits for the ready line, which a pipe hands over, and
# sets $server, $grpc and $http.
start_server() # arguments...
{
    rm -f ready
    mkfifo ready
    "$CLEAT" serve --grpc 127.0.0.1:0 --http 127.0.0.1:0 "$@" >ready 2>serve.err &
    server=$!
    line=
    read -r line <ready || { cat serve.err >&2; fail 'it is not ready'; }
    grpc=${line#cleat: ready grpc=}
    grpc=${grpc% http=*}
    http=${line##* http=}
    same 'the ready line' "$line" "cleat: ready grpc=$grpc http=$http"
}

# Ends it by a signal; its exit code must be the second argument.
end_server() # signal, code
{
    kill -"$1" "$server"
    code=0
    wait "$server" || code=$?
    server=
    same "exit code after $1" "$code" "$2"
}
