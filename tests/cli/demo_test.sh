#!/bin/sh
# The demo on a small directory: what it counts, and what the traces are.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 30
expect 0 demo files --children 20 --db demo.db --json
cp out demo.json
same children "$(json demo.json '$.children')" 20
same unreadable "$(json demo.json '$.unreadable')" 3
same 'dropped spans' "$(json demo.json '$.dropped_spans')" 0
same resumed "$(json demo.json '$.resumed.runs')" 0
for i in 0 1; do
    at="\$.relations[$i]"
    same runs "$(json demo.json "$at.runs")" 21
    same completed "$(json demo.json "$at.completed")" 18
    same failed "$(json demo.json "$at.failed")" 3
    same retries "$(json demo.json "$at.retries")" 6
done

# By parent: one trace, open until the last child has ended. Two spans around the scan, one around the
# call that spawns, for each of the 26 attempts a consumer, and `compress` in those that could
# open what they were given (17 files, and a directory three times); and from the engine, what each
# of the 27 attempts waited for in the queue, and 6 of them before.
same relation "$(json demo.json '$.relations[0].relation')" parent
same 'traces by parent' "$(json demo.json '$.relations[0].traces')" 1
same 'spans by parent' "$(json demo.json '$.relations[0].largest_trace_spans')" $((2 + 1 + 26 + 20 + 27 + 6))
same 'links by parent' "$(json demo.json '$.relations[0].links')" 0
[ "$(json demo.json '$.relations[0].trace_ns')" = "$(json demo.json '$.relations[0].children_ns')" ] ||
    fail 'by parent, the trace ends with the last child'

# By link: the scan's trace, and one for each attempt of each child.
same relation "$(json demo.json '$.relations[1].relation')" link
same 'traces by link' "$(json demo.json '$.relations[1].traces')" $((1 + 20 + 6))
same 'spans by link' "$(json demo.json '$.relations[1].largest_trace_spans')" $((2 + 1 + 1))
[ "$(json demo.json '$.relations[1].trace_ns')" -lt "$(json demo.json '$.relations[1].children_ns')" ] ||
    fail 'by link, the trace ends before the last child'

# Every linked child leads back, and is found from the scan's trace.
scan=$(json demo.json '$.relations[1].trace_id')
expect 0 traces show "$scan" --db demo.db --json
same 'traces that link to the scan' \
    "$(json_rows out '$.backlinks' "count(DISTINCT json_extract(row.value, '$.from.trace_id'))")" 26

# The spans have their whole resource: the program's, and the engine's.
same 'resources of the trace' "$(json_rows out '$.resourceSpans' 'count(*)')" 2
same 'the SDK is of' "$(json_rows out '$.resourceSpans' "max((SELECT
    json_extract(value, '$.value.stringValue') FROM json_each(row.value, '$.resource.attributes')
    WHERE json_extract(value, '$.key') = 'telemetry.sdk.language'))")" c
same 'links out of the scan' "$(json out '$.links' | tr -d '[]')" ''
child=$(json demo.json '$.relations[1].child_trace_id')
expect 0 traces show "$child" --db demo.db --json
same 'where the child links to' \
    "$(json_rows out '$.links' "DISTINCT json_extract(row.value, '$.to.trace_id')")" "$scan"
same 'roots of the child' "$(json_rows out '$.resourceSpans' "sum((SELECT count(*)
    FROM json_each(row.value, '$.scopeSpans[0].spans')
    WHERE coalesce(json_extract(value, '$.parentSpanId'), '') = ''))")" 1

# For people; a second time on the same file, with nothing left over.
expect 0 demo files --db demo.db
shows '33 runs over files of'
shows 'demo.db (there already: reused)'
shows 'by link: a child'"'"'s own trace, and its link back'
shows 'links to other traces: 2'
shows 'traces show'
grep -q '^parent: ' err || fail 'no progress'
narrow 100
! grep -q "$(printf '\033')" out || fail 'colour in a file'

# One file only, and more asked for than there is.
mkdir one
echo x >one/x
expect 0 demo one --children 50 --db one.db --json
same children "$(json out '$.children')" 1
same failed "$(json out '$.relations[0].failed')" 0

# The default file.
expect 0 demo one
[ -f cleat-demo.db ] || fail 'no cleat-demo.db'
