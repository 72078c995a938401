#!/bin/sh
# Files where nothing can be written, as backups are kept: they are looked at as they lie, and nothing is left there.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

# ---- Files, made by one who may write ----
make_files files 5
expect 0 demo files --children 3 --db work.db --json
expect 0 runs ls --db work.db --limit 1 --json
run=$(json out '$.runs[0].id')
closed='closed ?#%41' # what addresses have a meaning for
mkdir "$closed" logged
expect 0 backup "$closed/copy.db" --db work.db
cp work.db "$closed/old.db"
sqlite3 "$closed/old.db" 'PRAGMA user_version = 20' >/dev/null
# A log that nobody has brought home, as cp takes it along.
sqlite3 work.db '.dbconfig no_ckpt_on_close on' "INSERT INTO tenant VALUES (2, randomblob(16), 'acme', 0)" \
    '.system cp work.db work.db-wal logged' >/dev/null
cp -R logged logged-and-shared
cp work.db-shm logged-and-shared
cp work.db fixed.db
chmod 444 fixed.db
mkdir open
chmod 777 open
chmod 444 "$closed"/* logged/* logged-and-shared/*
chmod 555 "$closed" logged logged-and-shared
touch out err

# ---- One who may not; root may always, so it is another one then ----
if [ "$(id -u)" = 0 ]; then
    nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
    chmod 755 .
    cp "$CLEAT" command
    $nobody ./command version >out 2>&1 || exit 77
    printf '#!/bin/sh\nexec %s ./command "$@"\n' "$nobody" >as_nobody
    chmod 755 as_nobody
    CLEAT=./as_nobody
fi
CLEAT_DB="$closed/copy.db"
export CLEAT_DB
before=$(ls "$closed" logged logged-and-shared)

# ---- A backup ----
expect 0 check
shows 'rules, all hold'
expect 0 runs ls --json
same 'runs' "$(json_rows out '$.runs' 'count(*)')" 8
expect 0 runs show "$run"
shows "$run"
expect 0 traces ls
expect 0 schedule ls
expect 0 token ls
expect 0 export
grep -q '^{"rows":' out || fail 'no whole export'
expect 0 backup open/restored.db
expect 0 check --db open/restored.db
refuse 1 'copy.db is read-only' runs replay "$run"
refuse 1 'copy.db is read-only' schedule add archive:scan +1h
refuse 1 'copy.db is read-only' token create
same 'modes of what was made' "$(stat -c %a open/restored.db)" 600
for verb in check export 'runs ls' 'traces ls' 'schedule ls'; do
    # shellcheck disable=SC2086 # a verb is words
    refuse 1 'copy it to where it can be written, and start a worker' $verb --db "$closed/old.db"
done
# What can be copied can be brought up to date.
expect 0 backup open/old.db --db "$closed/old.db"
refuse 1 'start a worker or client on it once' check --db open/old.db

# ---- With a log beside it ----
refuse 1 'work.db-wal, which cannot be read where nothing can be written: copy both' check --db logged/work.db
expect 0 runs ls --tenant acme --db logged-and-shared/work.db # who is in the log only
shows 'no runs'

# ---- A file alone ----
expect 0 runs ls --db fixed.db --limit 1
same 'what is left' "$(ls "$closed" logged logged-and-shared)" "$before"
same 'what is left beside a file' "$(find . -name 'fixed.db?*' -o -name 'restored.db?*')" ''
