#!/bin/sh
# Rate limits: made, changed, listed and deleted, in a file and at a server.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 1
expect 0 demo files --children 1 --db demo.db --json

# With the same words wherever the engine is.
check_all()
{
    expect 0 limits ls
    shows 'no rate limits'
    expect 0 limits put mail-api 2000 --per year
    shows 'mail-api: 2000 per year'
    expect 0 limits put mail-api 1000 --per year --json
    same 'the answer' "$(json out '$.key') $(json out '$.limit') $(json out '$.per')" 'mail-api 1000 year'
    for per in second hour day week month; do
        expect 0 limits put "per-$per" 7 --per "$per"
    done
    expect 0 limits put per-minute 0
    expect 0 limits ls --json
    same 'all of them' "$(json_rows out '$.limits' "group_concat(json_extract(value, '$.key') || ' ' ||
        json_extract(value, '$.value') || '/' || json_extract(value, '$.limit') || ' ' ||
        json_extract(value, '$.per'))")" \
        'mail-api 1000/1000 year,per-day 7/7 day,per-hour 7/7 hour,per-minute 0/0 minute,per-month 7/7 month,per-second 7/7 second,per-week 7/7 week'
    expect 0 limits ls
    grep -q '^mail-api  *1,000  *1,000  *year$' out || fail "a row: $(cat out)"
    COLUMNS=40 expect 0 limits ls
    narrow 40
    expect 0 limits ls --search per- --limit 2 --json
    same 'some of them' "$(json_rows out '$.limits' "group_concat(json_extract(value, '$.key'))")" per-day,per-hour
    expect 0 limits rm mail-api
    shows 'deleted mail-api'
    refuse 1 'mail-api' limits rm mail-api
    for per in second minute hour day week; do
        expect 0 limits rm "per-$per"
    done
    expect 0 limits rm per-month --json
    same 'the answer' "$(json out '$.key') $(json out '$.deleted')" 'per-month 1'
}

CLEAT_DB=demo.db
export CLEAT_DB
check_all
expect 0 check
refuse 2 'UNITS must be a number' limits put mail-api many
refuse 2 'UNITS must be a number' limits put mail-api 2147483648
refuse 2 'UNITS must be a number' limits put mail-api ' 1'
refuse 2 '--per must be' limits put mail-api 1 --per fortnight
refuse 2 'KEY UNITS is missing' limits put mail-api
refuse 2 'KEY is missing' limits rm
refuse 1 'nothere.db' limits put mail-api 1 --db nothere.db
refuse 1 'nothere.db' limits ls --db nothere.db
refuse 1 'there is no tenant "nobody"' limits ls --tenant nobody

# ---- At a server, which has the file ----
# shellcheck source=tests/cli/server.sh
. "$CLEAT_SOURCE/tests/cli/server.sh"
start_server --db demo.db
refuse 1 'HATCHET_CLIENT_TOKEN' limits put mail-api 1
refuse 1 'rate-limits?key=KEY' limits rm mail-api
expect 0 limits ls
expect 0 token create --grpc "$grpc" --url "http://$http"
HATCHET_CLIENT_TOKEN=$(cat out)
HATCHET_CLIENT_TLS_STRATEGY=none
export HATCHET_CLIENT_TOKEN HATCHET_CLIENT_TLS_STRATEGY
unset CLEAT_DB
check_all
refuse 2 '--tenant is for files' limits put mail-api 1 --tenant default
end_server TERM 0
