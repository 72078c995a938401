#!/bin/sh
# Listing and showing: filters, prefixes, a file in use; cancelling.
set -eu
# shellcheck source=tests/cli/check.sh
. "$CLEAT_SOURCE/tests/cli/check.sh"

make_files files 30
expect 0 demo files --children 20 --db demo.db --json
cp out demo.json
CLEAT_DB=demo.db
export CLEAT_DB

# ---- runs ls ----
expect 0 runs ls --limit 100 --json
same 'all runs' "$(json_rows out '$.runs' 'count(*)')" 42
expect 0 runs ls --status failed --json
same 'failed runs' "$(json_rows out '$.runs' 'count(*)')" 6
expect 0 runs ls --task archive:scan --json
same scans "$(json_rows out '$.runs' 'count(*)')" 2
refuse 2 '--status must be' runs ls --status done
refuse 2 '--task' runs ls --task 'A B'
scan=$(json demo.json '$.relations[1].scan_run_id')
expect 0 runs ls --parent "$scan" --limit 15 --json
same 'first page' "$(json_rows out '$.runs' 'count(*)')" 15
next=$(json out '$.next_before')
expect 0 runs ls --parent "$scan" --limit 15 --before "$next" --json
same 'second page' "$(json_rows out '$.runs' 'count(*)')" 5
same 'no third page' "$(json out '$.next_before')" ''
expect 0 runs ls --status cancelled
shows 'no runs'
for columns in 60 80; do
    COLUMNS=$columns expect 0 runs ls
    narrow "$columns"
done

# ---- runs show ----
expect 0 runs ls --status FAILED --limit 1 --json
failed=$(json out '$.runs[0].id')
expect 0 runs show "$failed"
shows FAILED
shows 'cannot read'
shows 'below-a-file'
shows 'traces show'
expect 0 runs show "$failed" --json
same attempts "$(json_rows out '$.attempts' 'count(*)')" 3
same 'traces of a failed child' "$(json_rows out '$.traces' 'count(*)')" 3
expect 0 runs show "$(printf %.34s "$failed" | tr a-f A-F)" --json
same 'by the beginning of its id' "$(json out '$.id')" "$failed"
refuse 1 'several' runs show "$(printf %.8s "$failed")"
refuse 1 '' runs show 0123
refuse 1 '' runs show 00000000-0000-7000-8000-000000000000
expect 0 runs show "$scan"
shows '20: 17 COMPLETED, 3 FAILED'
shows 'spawned 20 runs'
expect 0 runs show "$scan" --json
same children "$(json out '$.children.total')" 20
same spawned "$(json out '$.output.spawned')" 20

# ---- traces ----
expect 0 traces ls --limit 3 --json
same 'limit' "$(json_rows out '$.traces' 'count(*)')" 3
expect 0 traces ls --run "$failed" --json
same 'traces of a run' "$(json_rows out '$.traces' 'count(*)')" 3
expect 0 traces ls --task archive:scan --json
same 'traces of a task' "$(json_rows out '$.traces' 'count(*)')" 2
expect 0 traces ls --limit 1000 --json
all=$(json_rows out '$.traces' 'count(*)')
same 'no page behind all traces' "$(json out '$.next_before')" ''
failed_traces=$(json_rows out '$.traces' "sum(json_extract(row.value, '$.errors') > 0)")
[ "$failed_traces" -gt 0 ] || fail 'no trace with an error'
last=$(json out "\$.traces[$((all - 1))].trace_id")
expect 0 traces ls --status error --limit 1000 --json
same 'traces with an error' "$(json_rows out '$.traces' 'count(*)')" "$failed_traces"
expect 0 traces ls --status OK --limit 1000 --json
same 'traces without' "$(json_rows out '$.traces' 'count(*)')" $((all - failed_traces))
refuse 2 '--status must be error or ok' traces ls --status failed
expect 0 traces ls --limit $((all - 1)) --json
next=$(json out '$.next_before')
expect 0 traces ls --before "$next" --json
same 'the last page' "$(json out '$.traces[0].trace_id') $(json_rows out '$.traces' 'count(*)')" "$last 1"
expect 0 traces ls --before "$last"
shows 'no traces'
refuse 1 'no trace begins with' traces ls --before 00000000
expect 0 traces ls --limit 1
shows "older ones: $CLEAT traces ls --limit 1 --before "
expect 0 traces ls --name nothing
shows 'no traces'
for columns in 60 80; do
    COLUMNS=$columns expect 0 traces ls
    narrow "$columns"
done
parent=$(json demo.json '$.relations[0].trace_id')
expect 0 traces show "$(printf %.8s "$parent")"
shows "trace $parent  82 spans"
shows 'more ('
expect 0 traces show "$parent" --all
same 'rows of all spans' "$(grep -cE ' (producer|consumer|internal) ' out)" 82
LC_ALL=C expect 0 traces show "$parent"
! LC_ALL=C grep -q "$(printf '\342')" out || fail 'UTF-8 where the locale has none'
refuse 1 'no trace begins with' traces show 00000000
refuse 1 'is no trace id' traces show 12345
refuse 1 'is no trace id' traces show xyzxyzxyz

# ---- Several traces in one picture ----
link=$(json demo.json '$.relations[1].trace_id')
traces=$(json demo.json '$.relations[1].traces')
short=$(printf %.8s "$link")
expect 0 runs show "$scan"
shows "spans in $traces traces, of this run and what it started"
shows "trace $short archive:scan  4 spans"
shows "→ trace $short"
shows 'more traces like this ('
! grep -q -e '--all' out || fail "there was room for all: $(cat out)"
expect 0 runs show "$scan" --all
same 'headings of all traces' "$(grep -cE '^  trace [0-9a-f]{8} ' out)" "$traces"
for columns in 40 80 120; do
    COLUMNS=$columns expect 0 runs show "$scan"
    widest=$(sed '1,/, of this run and/d' out | wc -L)
    [ "$widest" -le "$columns" ] || fail "a line is wider than $columns columns: $(cat out)"
done
LC_ALL=C expect 0 runs show "$scan"
! LC_ALL=C grep -q "$(printf '\342')" out || fail 'UTF-8 where the locale has none'
shows "<- $((traces - 1)) link here"
expect 0 runs show "$scan" --json
same 'traces of the picture' "$(json_rows out '$.view.traces' 'count(*)')" "$traces"
spans=$(json_rows out '$.view.spans' 'count(*)')
same 'spans of the picture' "$spans $(json out '$.view.total_spans')" "$spans $spans"
same 'columns of a span' "$(json_rows out '$.view.span_columns' 'count(*)') $(json_rows out '$.view.spans[0]' 'count(*)')" '15 15'
same 'runs of the picture' "$(json_rows out '$.view.runs' 'count(*)')" 21
parents=$(json_rows out '$.view.spans' "sum(json_extract(value, '\$[2]') >= key)")
same 'spans before their parents' "$parents" 0
ends=$(json_rows out '$.view.links' "sum(json_extract(value, '\$[1]') = -1)")
same 'links that lead out of the picture' "$ends" 0
scan_of_parents=$(json demo.json '$.relations[0].scan_run_id')
expect 0 runs show "$scan_of_parents" --json
same 'one trace by parent' "$(json_rows out '$.view.traces' 'count(*)') $(json out '$.view.shown_spans')" '1 82'
expect 0 runs show "$failed" --json
same 'the traces of one child' "$(json_rows out '$.view.traces' 'count(*)')" 3
same 'what it is linked with' "$(json out '$.view.links_to[0].trace_id')" "$link"

expect 0 traces show "$link" --follow-links
shows "with $((traces - 1)) traces that it is linked with"
shows 'more traces like this ('
child=$(json demo.json '$.relations[1].child_trace_id')
expect 0 traces show "$child" --follow-links
shows 'with 1 trace that it is linked with'
shows 'traces outside of the picture that link here:'
shows "$CLEAT traces show"
expect 0 traces show "$child" --depth 2
shows "with $((traces - 1)) traces that it is linked with"
expect 0 traces show "$child" --depth 1 --json
same 'traces around a child' "$(json_rows out '$.traces' 'count(*)') $(json out '$.traces[0].id')" "2 $link"
expect 0 traces show "$child" --json
same 'OTLP without links followed' "$(json out '$.resourceSpans[0].scopeSpans[0].spans[0].traceId')" "$child"
refuse 2 '--depth' traces show "$child" --depth 6

# ---- Links in columns; those of a trace to itself lead nowhere else ----
COLUMNS=120 expect 0 traces show "$child"
shows 'links to other traces: 2'
sed -n '/^links to other traces/,$p' out >links
same 'arrows in one column' "$(awk '{ at = index($0, "→"); if (at) print at }' links | sort -u | wc -l)" 1
grep -q '^  spawn   hatchet.start_step_run archive:pack → hatchet.run_workflows$' links || fail "names of a link: $(cat links)"
hex=$(printf '%s' "$child" | tr a-f A-F)
sqlite3 demo.db "INSERT INTO span_link (from_trace, from_span_id, to_trace_id, to_span_id, kind)
    SELECT t.id, max(s.span_id), t.trace_id, min(s.span_id), 'own' FROM trace t JOIN span s ON s.trace = t.id
        WHERE hex(t.trace_id) = '$hex'"
COLUMNS=120 expect 0 traces show "$child"
shows 'links to other traces: 2'
shows 'links within the trace: 1'
! grep -q 'links from other traces' out || fail "a link to itself: $(cat out)"
same 'no way to where one is' "$(sed -n '/^links within/,$p' out | grep -c 'traces show')" 0

# ---- cancel ----
refuse 1 '' runs cancel "$failed"
refuse 1 '' runs cancel 00000000-0000-7000-8000-000000000000

# ---- A run that no worker ever took says so, and why it has ended ----
expect 0 runs ls --limit 2 --task archive:scan
shows "older ones: $CLEAT runs ls --task archive:scan --limit 2 --before "
hex=$(printf '%s' "$failed" | tr -d -)
sqlite3 demo.db "DELETE FROM attempt WHERE task_id = x'$hex' AND retry_count > 0;
    UPDATE attempt SET started_at_ms = NULL, outcome = 'CANCELLED', error = NULL WHERE task_id = x'$hex';
    UPDATE task_end SET state = 4, started_at_ms = NULL, retry_count = 1, error = 'no worker took it within 5m'
        WHERE id = x'$hex';
    INSERT INTO task_log (task_id, line, retry_count, level, time_ms, message, metadata)
        VALUES (x'$hex', 1000, 1, 3, 1, 'a line', '{\"part\":\"one\"}')"
expect 0 runs show "$failed"
shows 'because     no worker took it within 5m'
grep -q '^  1   CANCELLED          -  -' out || fail "an attempt that never began: $(cat out)"
shows 'info   a line  {"part":"one"}'
expect 0 runs show "$failed" --json
same 'the level of a line' "$(json_rows out '$.log' "group_concat(json_extract(value, '$.level'))")" info
same 'what came with it' "$(json_rows out '$.log' "json_extract(value, '$.metadata.part')")" one
expect 0 runs ls --status cancelled
grep -qE "^$failed +archive:[a-z]+ +CANCELLED +0 " out || fail "attempts in the list: $(cat out)"
sqlite3 demo.db "UPDATE task_end SET error = NULL WHERE id = x'$hex'"
expect 0 runs show "$failed"
shows 'because     somebody cancelled it'

# ---- What another tenant has is shown too, to who says whose it is ----
sqlite3 demo.db "INSERT INTO tenant VALUES (2, randomblob(16), 'acme', 0);
    UPDATE task_type SET tenant = 2; UPDATE trace SET tenant = 2"
expect 0 runs ls --tenant default
shows 'no runs'
expect 0 runs ls --tenant acme --limit 100 --json
same 'runs of a tenant' "$(json_rows out '$.runs' 'count(*)')" 42
expect 0 runs ls --limit 100 --json
same 'runs of all tenants' "$(json_rows out '$.runs' 'count(*)')" 42
expect 0 runs show "$failed"
grep -q 'traces show .* --tenant acme' out || fail "no command for its trace: $(cat out)"
expect 0 runs show "$failed" --json
same 'whose run' "$(json out '$.tenant')" acme
same 'traces of its run' "$(json_rows out '$.traces' 'count(*)')" 3
expect 0 traces ls
shows 'no traces'
expect 0 traces ls --run "$failed" --json
same 'traces of a run of a tenant' "$(json_rows out '$.traces' 'count(*)')" 3
expect 0 traces ls --tenant acme --limit 1
shows "older ones: $CLEAT traces ls --tenant acme --limit 1 --before "
refuse 1 'no trace begins with' traces show "$parent"
expect 0 traces show "$parent" --tenant acme
shows "trace $parent  82 spans"
expect 0 traces show "$parent" --tenant acme --json
refuse 1 'there is no tenant "nobody"' traces ls --tenant nobody
refuse 1 'there is no tenant "nobody"' runs ls --tenant nobody
refuse 1 "run $failed has ended already" runs cancel "$failed"
expect 0 runs replay "$failed"
shows "queued again: $failed"
expect 0 runs cancel "$failed"
expect 0 runs ls --tenant acme --status cancelled --json
same 'what was cancelled of a tenant' "$(json out '$.runs[0].id')" "$failed"
