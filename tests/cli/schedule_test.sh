#!/bin/sh
# Runs at a time, and crons: listed, made and deleted, in a file and at a server.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 5
expect 0 demo files --children 3 --db demo.db --json
CLEAT_DB=demo.db
export CLEAT_DB

# With the same words wherever the engine is; $whose: options that say of which tenant.
# shellcheck disable=SC2086
check_all()
{
    expect 0 schedule ls $whose
    shows 'no schedules'
    expect 0 schedule add archive:scan 2099-01-01T00:00:00Z --input '{"dir":"."}' --priority 3 --json $whose
    once=$(json out '$.id')
    same 'the time' "$(json out '$.next_at')" 2099-01-01T00:00:00.000Z
    expect 0 schedule add archive:scan +36h $whose
    shows 'added '
    expect 0 schedule add archive:scan '30 3 * * MON-FRI' --name nightly --metadata '{"a":1}' --json $whose
    cron=$(json out '$.id')
    case $(json out '$.next_at') in *T03:30:00.000Z) ;; *) fail "next at $(json out '$.next_at')" ;; esac
    refuse 1 'or give this one another --name' schedule add archive:scan '30 3 * * MON-FRI' --name nightly $whose
    expect 0 schedule disable "$cron" $whose
    shows "disabled $cron"
    expect 0 schedule ls --json $whose
    same 'its state' "$(json out '$.crons[0].enabled')" 0
    expect 0 schedule enable "$cron" --json $whose
    same 'its new state' "$(json out '$.enabled')" 1
    refuse 1 "no cron $once" schedule disable "$once" $whose
    expect 0 schedule ls $whose
    shows workflow
    shows 2099-01-01T00:00:00Z
    shows T03:30:00Z
    shows "$once"
    shows '30 3 * * MON-FRI'
    shows nightly
    shows archive.scan
    for columns in 68 80; do
        COLUMNS=$columns expect 0 schedule ls $whose
        narrow "$columns"
        shows "$once"
        shows 2099-01-01T00:00:00Z
    done
    expect 0 schedule ls --json $whose
    same schedules "$(json_rows out '$.schedules' 'count(*)')" 2
    same crons "$(json_rows out '$.crons' 'count(*)')" 1
    same 'its input' "$(json out '$.schedules[1].input.dir')" .
    same 'its priority' "$(json out '$.schedules[1].priority')" 3
    same 'its metadata' "$(json out '$.crons[0].metadata.a')" 1
    same 'its state' "$(json out '$.crons[0].enabled')" 1
    expect 0 schedule ls --limit 1 --json $whose
    same 'one of them' "$(json_rows out '$.schedules' 'count(*)')" 1
    expect 0 schedule rm "$once" $whose
    shows "deleted $once"
    expect 0 schedule rm "$cron" --json $whose
    same 'what was deleted' "$(json out '$.id')" "$cron"
    refuse 1 "no schedule and no cron $cron" schedule rm "$cron" $whose
    refuse 1 'no task' schedule add nobodys:task +1h $whose
    expect 0 schedule ls --json $whose
    same 'what is left' "$(json_rows out '$.schedules' 'count(*)') $(json_rows out '$.crons' 'count(*)')" '1 0'
    expect 0 schedule rm "$(json out '$.schedules[0].id')" $whose
}

# Times of crons are UTC, and so is what is shown of them.
TZ=America/New_York
export TZ
whose=
check_all

# What is another tenant's is reached by its name, and by that only.
cp demo.db acme.db
sqlite3 acme.db "INSERT INTO tenant VALUES (2, randomblob(16), 'acme', 0);
    UPDATE workflow SET tenant = 2; UPDATE task_type SET tenant = 2; UPDATE trace SET tenant = 2"
CLEAT_DB=acme.db
whose='--tenant acme'
check_all
refuse 1 'no task' schedule add archive:scan +1h
refuse 1 'there is no tenant "nobody"' schedule add archive:scan +1h --tenant nobody
expect 0 schedule add archive:scan '0 6 * * *' --tenant acme --json
cron=$(json out '$.id')
refuse 1 "no cron $cron, or it is of another tenant (--tenant)" schedule disable "$cron"
refuse 1 'of another tenant (--tenant)' schedule rm "$cron" --tenant default
expect 0 schedule ls
shows 'no schedules'
expect 0 schedule rm "$cron" --tenant acme
expect 0 check
CLEAT_DB=demo.db
whose=

refuse 2 '--name is of crons' schedule add archive:scan +5m --name x
refuse 2 'longer than 292 years' schedule add archive:scan +99999999h
refuse 2 'unexpected argument "3": a cron is one word, in quotes' schedule add archive:scan 0 3 '*' '*' '*'
refuse 2 'is no whole id' schedule enable 0123
refuse 2 'is no time' schedule add archive:scan tomorrow
refuse 2 'TIME' schedule add archive:scan +soon
refuse 2 '4 fields' schedule add archive:scan '* * * *'
refuse 2 'is no whole id' schedule rm 0123
refuse 2 'is missing' schedule add archive:scan
refuse 1 'input' schedule add archive:scan +1h --input 7
refuse 1 'nothere.db' schedule add archive:scan +1h --db nothere.db
refuse 1 'nothere.db' schedule ls --db nothere.db

# ---- At a server, which has the file ----
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"
start_server --db demo.db
refuse 1 'HATCHET_CLIENT_TOKEN' schedule add archive:scan +1h --db demo.db
expect 0 schedule ls --db demo.db
expect 0 token create --grpc "$grpc" --url "http://$http"
HATCHET_CLIENT_TOKEN=$(cat out)
HATCHET_CLIENT_TLS_STRATEGY=none
export HATCHET_CLIENT_TOKEN HATCHET_CLIENT_TLS_STRATEGY
unset CLEAT_DB
check_all
refuse 2 '--tenant is for files' schedule ls --tenant default
refuse 2 '--tenant is for files' schedule rm 01234567-89ab-7def-8123-456789abcdef --tenant default
end_server TERM 0
