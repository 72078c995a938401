// Spans come when they have ended. What a run that has not ended is at right now is known from the run itself, and
// stands in a band of its own until its spans are there.

const most = 200;
export const underWay = 'under-way';

function lastEnds(view, column) {
    const ends = new Map();
    for (const span of view.spans) {
        const end = span[column.start_ns] + span[column.duration_ns];
        ends.set(span[column.run], Math.max(ends.get(span[column.run]) ?? 0, end));
    }
    return ends;
}

// The times of a run, in ns since the start of the view: [{name, from}], the last of them still going on.
function stretches(run, start, lastEnd, isBackingOff) {
    const at = (ms) => (ms - start) * 1e6;
    const created = Math.max(lastEnd ?? 0, at(run.created_at_ms));
    if (run.status === 'QUEUED' || run.started_at_ms === null) {
        return [{ name: isBackingOff ? 'hatchet.engine.retry_backoff' : 'hatchet.engine.queued', from: created }];
    }
    if (run.status === 'EVICTED') {
        return [{ name: 'hatchet.durable.wait_for', from: lastEnd ?? at(run.started_at_ms) }];
    }
    const working = { name: 'hatchet.start_step_run', from: at(run.started_at_ms) };
    return lastEnd === undefined && working.from > created
        ? [working, { name: 'hatchet.engine.queued', from: created, to: working.from }] : [working];
}

// A VIEW with that band as its last. Without such runs it is the VIEW itself. known: what else is known of one of the runs.
export function withUnderWay(view, now, known = null) {
    const open = view.runs.map((run, index) => ({ run, index }))
        .filter(({ run }) => ['QUEUED', 'RUNNING', 'EVICTED'].includes(run.status));
    if (open.length === 0) {
        return view;
    }
    const column = Object.fromEntries(view.span_columns.map((name, index) => [name, index]));
    const ends = lastEnds(view, column);
    const start = view.start_ms ?? Math.min(...open.map(({ run }) => run.created_at_ms));
    const end = Math.max(view.duration_ns, (now - start) * 1e6);
    const spans = [...view.spans];
    const trace = view.traces.length;
    for (const { run, index } of open.slice(0, most)) {
        const parent = spans.length;
        for (const [place, { name, from, to }] of stretches(run, start, ends.get(index), known?.id === run.id && known.queued_at_ms > now).entries()) {
            const begin = Math.min(end, Math.max(0, from));
            const values = {
                trace, span_id: `${run.id}:${place}`, parent: place === 0 ? -1 : parent, name, task: run.task ?? run.workflow, kind: 1,
                status: 0, service: -1, start_ns: begin, duration_ns: Math.max(0, (to ?? end) - begin), run: index, attempt: 0,
                events: 0, links: 0, back_links: 0,
            };
            spans.push(view.span_columns.map((one) => values[one] ?? null));
        }
    }
    const shown = spans.length - view.spans.length;
    const band = {
        id: underWay, name: 'under way', task: null, start_ns: Math.min(...spans.slice(-shown).map((span) => span[column.start_ns])),
        end_ns: end, span_count: shown, shown, error_count: 0, run: -1, attempt: 0,
    };
    return {
        ...view, spans, traces: [...view.traces, band], duration_ns: end, start_ms: start,
        start_ns: view.start_ns ?? `${start}000000`,
    };
}
