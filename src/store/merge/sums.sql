-- Sums that are kept with each span, after many at once.
UPDATE main.span_source SET spans = 0;
UPDATE main.span_source SET spans = s.spans
FROM (SELECT source, count(*) AS spans FROM main.span GROUP BY source) AS s WHERE s.source = span_source.id;
UPDATE main.span_total SET spans = (SELECT count(*) FROM main.span),
    bytes = (SELECT coalesce(sum(size), 0) FROM main.span) + (SELECT coalesce(sum(size), 0) FROM main.span_source);
