#!/bin/sh
# Bad directories and bad databases: one line, exit 1, nothing written.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

mkdir empty
make_files files 12
touch out err
before=$(ls)

# ---- Directories ----
refuse 1 'cannot read nowhere' demo nowhere
refuse 1 'is not a directory' demo files/file1.txt
refuse 1 'there are no files in empty' demo empty
if [ "$(id -u)" != 0 ]; then
    chmod 000 empty
    refuse 1 'cannot read empty' demo empty
    chmod 755 empty
fi
same 'files written' "$(ls)" "$before"

# ---- Databases ----
mkdir directory
sqlite3 other.db 'CREATE TABLE t (a)'
dd if=/dev/zero bs=4096 count=4 2>/dev/null | tr '\0' x >junk.db
expect 0 demo files --children 12 --db good.db --json
cp good.db newer.db
sqlite3 newer.db 'PRAGMA user_version = 999' >/dev/null
cp good.db broken.db
dd if=junk.db of=broken.db bs=4096 seek=1 count=3 conv=notrunc 2>/dev/null
cksum ./*.db >sums
before=$(ls)
for verb in 'demo files' 'runs ls' 'runs show 01234567' 'runs cancel 01234567' 'runs replay 01234567' 'traces ls' \
    'traces show 01234567'; do
    # shellcheck disable=SC2086 # a verb is words
    {
        refuse 1 'directory' $verb --db directory
        refuse 1 'another program' $verb --db other.db
        refuse 1 'junk.db is no database; use another file' $verb --db junk.db
        refuse 1 'newer' $verb --db newer.db
        refuse 1 'nowhere' $verb --db nowhere/x.db
    }
done
for verb in 'runs ls' 'traces ls' 'runs cancel 01234567'; do
    # shellcheck disable=SC2086
    refuse 1 'no database' $verb --db absent.db
    # shellcheck disable=SC2086
    CLEAT_DB=absent.db refuse 1 'absent.db' $verb
done
refuse 1 'broken.db' runs ls --db broken.db
refuse 1 'broken.db' demo files --db broken.db
same 'files written' "$(ls)" "$before"
cksum ./*.db | cmp -s - sums || fail 'a refused database was changed'

if [ "$(id -u)" != 0 ]; then
    chmod 444 good.db
    refuse 1 'read-only' demo files --db good.db
    chmod 644 good.db
    mkdir closed
    cp good.db closed
    chmod 555 closed
    refuse 1 'directory writable' demo files --db closed/good.db
    refuse 1 'directory writable' demo files --db closed/new.db
    chmod 755 closed
fi

# ---- No space ----
mkdir full
if unshare -m true 2>/dev/null; then
    code=0
    unshare -m sh -c 'mount -t tmpfs -o size=200k none full || exit 77
        exec "$CLEAT" demo files --children 12 --db full/x.db' >out 2>err || code=$?
    if [ "$code" != 77 ]; then
        same 'exit on a full disk' "$code" 1
        grep -q '^cleat: .*free some space' err || fail "about a full disk: $(cat err)"
    fi
fi
code=0
"$CLEAT" version >/dev/full 2>err || code=$?
same 'exit when output is lost' "$code" 1
grep -q '^cleat: cannot write' err || fail 'no word about lost output'

# ---- Files without an end ----
# A size that was given up on, and links to what is no file.
mkdir large
echo small >large/a
truncate -s 300M large/b
ln -s /dev/zero large/c
expect 0 demo large --children 2 --db large.db --json
expect 0 runs ls --db large.db --status failed --json
same 'too large' "$(json_rows out '$.runs' 'count(*)')" 2
expect 0 runs show "$(json out '$.runs[0].id')" --db large.db
shows 'File too large'

# ---- No file that can be read ----
# The report has a child's trace to show all the same: one of those that failed.
mkdir hopeless
truncate -s 300M hopeless/a
expect 0 demo hopeless --db hopeless.db
shows "a child's own trace"
