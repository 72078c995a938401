#!/bin/sh
# Exports and imports: through a pipe, beside an engine, twice, of what is wrong.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 60
expect 0 demo files --children 300 --db one.db
expect 0 demo files --children 100 --db two.db
runs() # database
{
    sqlite3 "$1" 'SELECT count(*) FROM task'
}

# ---- Into a new file ----
expect 0 export --db one.db
cp out one.lines
same 'the first line' "$(head -n 1 one.lines)" \
    "{\"cleat\":\"export\",\"format\":1,\"schema\":$(sqlite3 one.db 'PRAGMA user_version')}"
same 'the last line' "$(tail -n 1 one.lines)" "{\"rows\":$(($(wc -l <one.lines) - 2))}"
"$CLEAT" export --db one.db | "$CLEAT" import - --db copy.db >out
shows 'copy.db: '
same 'mode of a new file' "$(stat -c %a copy.db)" 600
expect 0 check --db copy.db
expect 0 export --db copy.db
cmp one.lines out || fail 'the copy is another one'
id=$(sqlite3 one.db 'SELECT lower(hex(id)) FROM task LIMIT 1')
for db in one copy; do
    expect 0 runs show "$id" --db $db.db
    grep -v 'ago$\|now$\| [0-9]*[smhd]$\|cleat' out >$db.show
done
cmp one.show copy.show || fail 'the run is another one'

# ---- Added to a file ----
before=$(runs two.db)
CLEAT_DB=two.db expect 0 import one.lines --json
same is_new "$(json out '$.is_new')" 0
same runs "$(json out '$.runs')" "$(runs one.db)"
same copies "$(json out '$.copies')" 0
same 'runs after it' "$(runs two.db)" $((before + $(runs one.db)))
expect 0 check --db two.db
expect 0 import one.lines --db two.db
shows "$(runs one.db) of which it had"
same 'runs after it again' "$(runs two.db)" $((before + $(runs one.db)))
expect 0 check --db two.db
# It works on.
expect 0 demo files --children 10 --db two.db

# ---- What is wrong ----
cp two.db former.db
head -n 50 one.lines >short.lines
refuse 1 'it ends with line 50' import short.lines --db two.db
sed '30s/"table":"[a-z_]*"/"table":"other"/' one.lines >other.lines
refuse 1 'line 30: there is no such table: other' import other.lines --db new.db
grep -v '"table":"task_end"' one.lines | sed '$d' >lost.lines
echo "{\"rows\":$(($(wc -l <lost.lines) - 1))}" >>lost.lines
refuse 1 'a run lives or has ended, and not both' import lost.lines --db new.db
refuse 1 'a run lives or has ended, and not both' import lost.lines --db two.db
cmp two.db former.db || fail 'a refused import has changed the file'
[ ! -e new.db ] || fail 'a refused import has made a file'
refuse 1 'line 1: this is not what cleat export writes: it has a NUL' import /dev/zero --db new.db
refuse 1 'cannot open none.lines' import none.lines --db new.db
refuse 1 'there is no database' export --db none.db
refuse 2 'cleat import --help' import --db new.db

# ---- Broken off, while it waits for more ----
mkfifo slow.lines
for db in new.db two.db; do
    "$CLEAT" import slow.lines --db $db >out 2>err &
    import=$!
    # More than a pipe holds: when all of it is written, it is read.
    { printf '%200000s' ''; head -n 20 one.lines; printf '%200000s' ''; } >slow.lines &
    exec 3>slow.lines
    wait $!
    kill -TERM $import
    code=0
    wait $import || code=$?
    exec 3>&-
    same 'exit of one that was broken off' "$code" 1
    same 'its message' "$(cat err)" 'cleat: the import was broken off'
    [ ! -s out ] || fail 'output of one that was broken off'
done
[ ! -e new.db ] || fail 'an import that was broken off has made a file'
cmp two.db former.db || fail 'an import that was broken off has changed the file'

if [ -e /dev/full ]; then
    code=0
    "$CLEAT" export --db one.db >/dev/full 2>err || code=$?
    same 'exit on a full disk' "$code" 1
    grep -q '^cleat: ' err || fail "about a full disk: $(cat err)"
fi
same 'what is left' "$(find . -name '*-partial*' -o -name '*-lock')" ''
