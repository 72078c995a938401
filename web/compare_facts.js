// What two pictures of the same work are compared by. Nothing here touches the page.

import { duration } from './format.js';

// run: as runs/{run} answers; view: its VIEW.
export function factsOf(run, view) {
    const own = view.traces.find((trace) => trace.run === 0) ?? view.traces[0] ?? null;
    const start = run.started_at_ms ?? run.created_at_ms;
    const ownSpans = new Set(view.traces.flatMap((trace, index) => (trace === own ? [index] : [])));
    const trace = view.span_columns.indexOf('trace');
    const runColumn = view.span_columns.indexOf('run');
    const inside = new Set();
    const elsewhere = new Set();
    for (const span of view.spans) {
        if (span[runColumn] > 0) {
            (ownSpans.has(span[trace]) ? inside : elsewhere).add(span[runColumn]);
        }
    }
    return {
        runs: view.runs.length, traces: view.total_traces, spans: view.total_spans, links: view.links.length,
        largest: Math.max(0, ...view.traces.map((one) => one.span_count)),
        runNs: run.finished_at_ms === null ? null : (run.finished_at_ms - start) * 1e6,
        ownNs: own === null ? null : own.end_ns - own.start_ns, allNs: view.duration_ns,
        relation: inside.size === 0 && elsewhere.size === 0 ? 'alone' : elsewhere.size === 0 ? 'parent' : inside.size === 0 ? 'link' : 'mixed',
    };
}

const relations = {
    alone: () => 'It started no other runs', parent: (those) => `Its ${those} are in its own trace`,
    link: (those) => `Its ${those} have traces of their own, linked with it`, mixed: (those) => `Some of its ${those} are in its trace, some have their own`,
};

// A run of several tasks is one of others to begin with: these.
export const relationText = (relation, { hasTasks = false } = {}) => relations[relation](hasTasks ? 'tasks' : 'children');

const times = (factor) => (factor >= 10 ? Math.round(factor) : Math.round(factor * 10) / 10);

// What the difference comes to, in a sentence; null where there is none to speak of.
export function conclusion(a, b) {
    const [whole, parts] = a.largest >= b.largest ? [a, b] : [b, a];
    if (whole.relation !== 'parent' || parts.relation !== 'link' || parts.largest === 0 || whole.largest / parts.largest < 1.2) {
        return null;
    }
    const smaller = `With links the largest trace is ${times(whole.largest / parts.largest)} times smaller`;
    return parts.ownNs !== null && whole.ownNs / parts.ownNs >= 1.2
        ? `${smaller}, and the run's own trace is open for ${duration(parts.ownNs)} instead of ${duration(whole.ownNs)}: as long as its own work, not as that of all it started.`
        : `${smaller}.`;
}
