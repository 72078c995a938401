// The rows of a table of runs: made once, and brought up to date in place.

import { now } from './api.js';
import { h, isPressed, reconcile, replace, s } from './dom.js';
import { hasEnded, ownMetadata, runNames, runTimes, shortId, shownStatus, spent } from './format.js';
import { head, statusLabel, tag, timeNode } from './parts.js';
import { href } from './router.js';

const barWidth = 84;

// How long a run took, on a scale that shows 1 ms and an hour: what it waited for, then what it worked.
function bar(run, at) {
    const { wait, work, total } = runTimes(run, at);
    const width = Math.max(2, Math.min(1, Math.log10(1 + total) / Math.log10(1 + 3600e3)) * barWidth);
    const waited = wait === null || total === 0 ? 0 : (wait / total) * width;
    return s('svg', { class: 'took', width: barWidth, height: 8, 'aria-hidden': 'true' },
        waited > 0 && s('rect', { class: 'fill-queue', width: waited, height: 8, rx: 1 }),
        (wait === null || work !== null) && s('rect', {
            class: `fill-${run.status.toLowerCase()}`, x: waited, width: Math.max(1, width - waited), height: 8, rx: 1,
        }));
}

function name(run) {
    const { workflow, task } = runNames(run);
    return [workflow, task !== null && h('span', { class: 'faint' }, ` ${task}`), (run.child_key ?? null) !== null && h('span', { class: 'faint' }, ` ${run.child_key}`)];
}

function marks(run) {
    return [
        run.parent_id !== null && h('span', { class: 'note', title: `A child of ${run.parent_id}` }, 'child'),
        run.is_durable && h('span', { class: 'note', title: 'Its waits outlive its worker' }, 'durable'),
        run.attempt > 1 && h('span', { class: 'note', title: `Attempt ${run.attempt}` }, `attempt ${run.attempt}`),
    ];
}

function detail(run) {
    return [
        run.error !== null && h('span', { class: 'bad error', title: run.error }, run.error),
        ownMetadata(run.metadata).map(([key, value]) => tag(key, value)),
    ];
}

function fill(cells, run) {
    const at = now();
    const { wait, work, total } = runTimes(run, at);
    replace(cells.status, statusLabel(shownStatus(run)));
    replace(cells.marks, ...marks(run));
    replace(cells.created, timeNode(run.created_at_ms));
    replace(cells.wait, spent(wait));
    replace(cells.took, spent(total));
    cells.took.title = work === null ? '' : `${spent(work)} of work after ${spent(wait)}`;
    replace(cells.bar, bar(run, at));
    replace(cells.detail, ...detail(run));
}

// Rows know their cells and what they show, as they are brought up to date often.
const states = new WeakMap();

function makeRow(run, { chosen, choose }) {
    const cell = (className) => h('td', { class: className });
    const cells = {
        status: cell('c-status'), marks: h('span', { class: 'notes' }), created: cell('c-created num'),
        wait: cell('c-wait num soft'), took: cell('c-took num'), bar: cell('c-bar'), detail: cell('c-detail'),
    };
    const box = h('input', {
        type: 'checkbox', checked: chosen.has(run.id), 'aria-label': `Choose ${run.workflow ?? ''} ${shortId(run.id)} to compare`,
        onchange: () => choose(run.id, box.checked),
    });
    const row = h('tr', { 'data-row': run.id, tabindex: '-1' },
        h('td', { class: 'c-box' }, box), cells.status,
        h('td', { class: 'c-name' }, h('a', { href: href(`runs/${run.id}`), tabindex: '-1', class: 'name' }, name(run)), cells.marks),
        h('td', { class: 'c-id' }, h('span', { class: 'mono faint', title: run.id }, shortId(run.id))),
        cells.created, cells.wait, cells.took, cells.bar, cells.detail);
    states.set(row, { cells, box, text: '', run: null });
    updateRow(row, run, chosen);
    return row;
}

function updateRow(row, run, chosen) {
    const state = states.get(row);
    const isChosen = chosen.has(run.id);
    state.box.checked = isChosen;
    row.classList.toggle('is-chosen', isChosen);
    if ((state.run === run && hasEnded(run.status)) || isPressed(row)) {
        return; // most rows of a long list; what is pressed comes up to date the next time
    }
    const text = JSON.stringify(run);
    if (state.text !== text || !hasEnded(run.status)) {
        fill(state.cells, run);
    }
    state.text = text;
    state.run = run;
}

// actions: {chosen (a Set of ids), choose(id, isChosen)}
export function showRows(body, runs, actions) {
    reconcile(body, runs, {
        key: (run) => run.id,
        make: (run) => makeRow(run, actions),
        update: (row, run) => updateRow(row, run, actions.chosen),
    });
}

export function runsTable(body) {
    return h('table', { class: 'table is-sticky runs' },
        h('thead', null, h('tr', null, head(h('span', { class: 'unseen' }, 'Compare'), 'c-box'), head('Status', 'c-status'), head('Workflow'),
            head('Run', 'c-id'), head('Created', 'num'), head('Waited', 'num c-wait'), head('Took', 'num'), head(h('span', { class: 'unseen' }, 'Waited and worked'), 'c-bar'),
            head('Error, metadata'))),
        body);
}
