# Helpers of the shell tests of the command; sourced by them. A failed check ends the test.
# shellcheck shell=sh

LC_ALL=C.UTF-8
export LC_ALL
unset CLEAT_DB NO_COLOR COLUMNS || true

fail() # message
{
    echo "FAILED: $*" >&2
    exit 1
}

# Runs the command; its output is in ./out and ./err, its exit code must be the first argument.
expect() # code, arguments...
{
    expected=$1
    shift
    code=0
    "$CLEAT" "$@" >out 2>err || code=$?
    if [ "$code" != "$expected" ]; then
        cat out err >&2
        fail "exit $code, not $expected: cleat $*"
    fi
}

# The command must fail so, with one line on standard error that begins with "cleat: " and holds
# the text, and nothing on standard output.
refuse() # code, text, arguments...
{
    refused_code=$1
    refused_text=$2
    shift 2
    expect "$refused_code" "$@"
    [ "$(wc -l <err)" = 1 ] || fail "not one line for cleat $*: $(cat err)"
    grep -q '^cleat: ' err || fail "no 'cleat: ' before: $(cat err)"
    grep -qF -- "$refused_text" err || fail "no '$refused_text' in: $(cat err)"
    [ ! -s out ] || fail "output in spite of an error: cleat $*"
}

# The output must hold the text.
shows() # text
{
    grep -qF -- "$1" out || { cat out >&2; fail "no '$1' in the output"; }
}

# No line of the output may be wider, but those that hold a command, which must not be cut.
narrow() # columns
{
    widest=$(grep -v -e ' --db ' -e '[a-z/]* runs ls' -e '^older ones: ' out | wc -L)
    [ "$widest" -le "$1" ] || { cat out >&2; fail "a line is wider than $1 columns"; }
}

# A value of the JSON document in a file, by SQLite's path.
json() # file, path
{
    sqlite3 :memory: "SELECT json_extract(CAST(readfile('$1') AS TEXT), '$2')"
}

# A query with the rows of a list in the document as `row`: json_rows FILE PATH "SELECT ..."
json_rows() # file, path, expression
{
    sqlite3 :memory: "SELECT $3 FROM json_each(CAST(readfile('$1') AS TEXT), '$2') AS row"
}

same() # what, actual, expected
{
    [ "$2" = "$3" ] || fail "$1: $2, not $3"
}

make_files() # directory, count
{
    mkdir -p "$1/below"
    i=0
    while [ $i -lt "$2" ]; do
        if [ $((i % 5)) = 0 ]; then place="$1/below/file $i.txt"; else place="$1/file$i.txt"; fi
        echo "content $i" >"$place"
        i=$((i + 1))
    done
}
