-- What holds between the tables of spans; see store/check/runs_check.sql.

-- span-trace: a span is of a trace and a source that are there
SELECT 'span ' || lower(hex(s.span_id)) || ': trace ' || s.trace || ', source ' || s.source FROM span s
WHERE length(s.span_id) <> 8 OR s.trace NOT IN (SELECT id FROM trace)
    OR s.source NOT IN (SELECT id FROM span_source);

-- trace-sums: a trace has the spans, errors and bytes that it says, and they are in its time
SELECT 'trace ' || lower(hex(t.trace_id)) || ': ' || t.span_count || ' spans, ' || t.error_count || ' errors, '
    || t.bytes || ' bytes, not ' || coalesce(s.spans, 0) || ', ' || coalesce(s.errors, 0) || ', '
    || coalesce(s.bytes, 0)
FROM trace t LEFT JOIN (SELECT trace, count(*) AS spans, sum(status = 2) AS errors, sum(size) AS bytes,
    min(start_ns) AS start_ns, max(end_ns) AS end_ns FROM span GROUP BY trace) s ON s.trace = t.id
WHERE s.spans IS NULL OR t.span_count <> s.spans OR t.error_count <> s.errors OR t.bytes <> s.bytes
    OR t.start_ns > s.start_ns OR t.end_ns < s.end_ns OR length(t.trace_id) <> 16;

-- source-spans: a source has as many spans as it says
SELECT 'source ' || o.id || ': ' || o.spans || ' spans, not ' || coalesce(s.spans, 0)
FROM span_source o LEFT JOIN (SELECT source, count(*) AS spans FROM span GROUP BY source) s ON s.source = o.id
WHERE o.spans <> coalesce(s.spans, 0);

-- span-total: the sums of all spans are right
SELECT spans || ' spans of ' || bytes || ' bytes, not ' || (SELECT count(*) FROM span) || ' of '
    || ((SELECT coalesce(sum(size), 0) FROM span) + (SELECT coalesce(sum(size), 0) FROM span_source))
FROM span_total
WHERE spans <> (SELECT count(*) FROM span) OR bytes <> (SELECT coalesce(sum(size), 0) FROM span)
    + (SELECT coalesce(sum(size), 0) FROM span_source);

-- link-span: a link is of a span that is there
SELECT 'link ' || l.id || ' of span ' || lower(hex(l.from_span_id)) FROM span_link l
WHERE NOT EXISTS (SELECT 1 FROM span s WHERE s.trace = l.from_trace AND s.span_id = l.from_span_id);
