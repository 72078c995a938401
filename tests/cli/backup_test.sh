#!/bin/sh
# Backups and checks: of a file in use, of one that a killed process left, of one that is wrong.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"
umask 022

# ---- Beside an engine ----
make_files files 60
mkfifo progress
"$CLEAT" demo files --children 5000 --db busy.db >demo.out 2>progress &
demo=$!
exec 3<progress
while read -r line <&3; do
    case $line in
    'parent: 0 of '*) ;;
    'parent: '*) break ;;
    esac
done
# In the middle of it, so that some runs are left; then with more of it going on.
kill -STOP "$demo"
expect 0 backup first.db --db busy.db
shows 'first.db: '
kill -CONT "$demo"
expect 0 check --db busy.db
shows 'rules, all hold'
expect 0 backup second.db --db busy.db --json
same file "$(json out '$.file')" second.db
same bytes "$(json out '$.bytes')" "$(stat -c %s second.db)"
same schema "$(json out '$.schema')" "$(sqlite3 second.db 'PRAGMA user_version')"
kill -KILL "$demo" 2>/dev/null || true
wait "$demo" 2>/dev/null || true
cat <&3 >/dev/null
exec 3<&-
expect 0 check --db busy.db
same 'mode of a copy' "$(stat -c %a second.db)" 600
expect 0 check --db second.db
expect 0 check --db first.db
expect 0 runs ls --db first.db --status queued --json
[ "$(json_rows out '$.runs' 'count(*)')" -gt 0 ] || fail 'no run was left in first.db'
CLEAT_DB=first.db expect 0 backup third.db
CLEAT_DB=third.db expect 0 check --json
same 'things wrong' "$(json out '$.count')" 0
# A copy is worked on like the other.
expect 0 demo files --children 10 --db first.db --json
[ "$(json out '$.resumed.runs')" -gt 0 ] || fail 'the copy has lost its runs'
expect 0 check --db first.db
expect 0 runs ls --db third.db --status queued --json
[ "$(json_rows out '$.runs' 'count(*)')" -gt 0 ] || fail 'the copy of the copy was worked on'
[ ! -e first.db-lock ] || fail 'the lock is left'

# ---- What is wrong ----
sqlite3 third.db "DELETE FROM task_live WHERE state = 0"
expect 1 check --db third.db --limit 2
same 'lines of a rule' "$(grep -c '^  run ' out)" 2
shows 'run-life: not always so: a run lives or has ended, and not both'
shows ' more'
grep -q '^cleat: third.db: some things are wrong' err || fail "about a wrong file: $(cat err)"
expect 1 check --db third.db --limit 1 --json
same rule "$(json out '$.findings[0].rule')" run-life
same 'findings told' "$(json_rows out '$.findings' "sum(json_extract(value, '$.rule') = 'run-life')")" 1
[ "$(json out '$.count')" -gt 1 ] || fail 'one finding only'
refuse 1 'third.db is not as it must be: run ' backup new.db --check --db third.db
[ ! -e new.db ] || fail 'what is wrong was kept'
expect 0 backup checked.db --check --db first.db
shows ' rules, all hold'
expect 0 check --json --db first.db
rules=$(json out '$.rules')
expect 0 backup checked-too.db --check --db first.db --json
same 'rules looked at' "$(json out '$.rules')" "$rules"
# A page of zeros in the middle.
cp first.db broken.db
dd if=/dev/zero of=broken.db bs=4096 seek=20 count=1 conv=notrunc 2>/dev/null
expect 1 check --db broken.db
shows 'file: not always so'
refuse 1 'broken.db is not as it must be' backup new.db --check --db broken.db
expect 0 backup broken-too.db --db broken.db

# ---- Mistakes ----
refuse 1 'first.db is there already' backup first.db --db busy.db
refuse 1 'there is no database' backup new.db --db none.db
refuse 1 'there is no directory' backup nowhere/new.db --db busy.db
refuse 1 'there is no database' check --db none.db
sqlite3 other.db 'CREATE TABLE t (a)'
refuse 1 'another program' backup new.db --db other.db
refuse 2 'cleat backup --help' backup --db busy.db
[ ! -e new.db ] || fail 'a copy of nothing'
same 'what is left' "$(find . -name '*-partial')" ''
