// The panels of a run's page, below its waterfall.

import { now } from './api.js';
import { h } from './dom.js';
import { clock, count, counted, runNames, runTimes, shortId, shownStatus, spent, statuses, statusName } from './format.js';
import { head, panel, sinceNode, statusLabel, statusMark, timeNode } from './parts.js';
import { href } from './router.js';

const outcomes = { NOT_TAKEN: ['CANCELLED', 'Nobody took it'], TIMED_OUT: ['FAILED', 'Timed out'], LOST: ['FAILED', 'Its worker was lost'] };

// How an attempt ended, which is more than a run's status can say.
function outcome(text) {
    const [status, name] = outcomes[text] ?? [text, null];
    return statuses.includes(status) && name === null ? statusLabel(status)
        : h('span', { class: 'status' }, statusMark(statuses.includes(status) ? status : 'FAILED'), name ?? statusName(text).toLowerCase().replaceAll('_', ' '));
}

export function attemptsPanel(run) {
    const rows = [...run.attempts].reverse();
    return panel('Attempts', { aside: h('span', { class: 'soft num' }, count(rows.length)) },
        h('div', { class: 'scroll-x' }, h('table', { class: 'table attempts' },
            h('thead', null, h('tr', null, head('', 'num'), head('Outcome'), head('Started', 'num'), head('Took', 'num'), head('Error'))),
            h('tbody', null, rows.map((attempt) => h('tr', null,
                h('td', { class: 'num' }, attempt.number), h('td', null, outcome(attempt.outcome), attempt.replayed_at_ms !== null &&
                    h('span', { class: 'note', title: 'A later attempt was asked for' }, 'replayed')),
                h('td', { class: 'num' }, timeNode(attempt.started_at_ms)),
                h('td', { class: 'num' }, attempt.started_at_ms === null ? '–' : attempt.finished_at_ms === null ? sinceNode(attempt.started_at_ms)
                    : spent(attempt.finished_at_ms - attempt.started_at_ms)),
                h('td', { class: 'c-note' }, attempt.error !== null && h('div', { class: 'bad attempt-error' }, attempt.error))))))));
}

function childName(run) {
    const key = run.child_key ?? null;
    const { workflow, task } = runNames(run);
    return [h('a', { href: href(`runs/${run.id}`), class: 'name' }, workflow ?? run.id), task !== null && h('span', { class: 'faint' }, ` ${task}`),
        key !== null && h('span', { class: 'faint' }, ` ${key}`)];
}

const rowId = (run) => h('td', { class: 'c-id mono faint', title: run.id }, shortId(run.id));

const attemptNote = (run) => run.attempt > 1 && h('span', { class: 'note' }, `attempt ${run.attempt}`);

// Those that belong to a run: {total, by_status, rows, is_complete}.
function family(run, title, { total, by_status: byStatus, rows, is_complete: isComplete }, columns, row) {
    const chips = statuses.filter((status) => byStatus[status] > 0).map((status) => h('span', { class: 'status' }, statusMark(status),
        `${count(byStatus[status])} ${statusName(status).toLowerCase()}`));
    return panel(title, { className: `children of-${title.split(' ')[0].toLowerCase()}`, aside: h('span', { class: 'child-counts soft num' }, chips, `${count(total)}${isComplete === false ? ' and more' : ''}`) },
        h('div', { class: 'scroll-x tall' }, h('table', { class: 'table' },
            h('thead', null, h('tr', null, columns.map((column) => head(...column)))), h('tbody', null, rows.map(row)))),
        total > rows.length && h('p', { class: 'foot' }, `The first ${count(rows.length)} of ${count(total)}. `,
            (run.tasks === null || title === 'Tasks') && h('a', { href: href('runs', { parent: run.id }) }, 'All of them')));
}

function childRow(child) {
    const { wait, total: took } = runTimes(child, now());
    const grows = child.finished_at_ms === null;
    return h('tr', null, h('td', null, statusLabel(child.status)), h('td', null, childName(child), attemptNote(child)), rowId(child),
        h('td', { class: 'c-created num soft' }, wait === null ? '' : grows && child.started_at_ms === null ? sinceNode(child.created_at_ms) : spent(wait)),
        h('td', { class: 'num' }, grows ? sinceNode(child.created_at_ms) : spent(took)),
        h('td', { class: 'bad cut child-error', title: child.error }, child.error ?? ''));
}

export function childrenPanel(run) {
    const title = run.tasks === null ? 'Children' : 'Children of its tasks';
    return family(run, title, run.children, [['Status'], ['Workflow'], ['Run', 'c-id'], ['Waited', 'c-created num'], ['Took', 'num'], ['Error']], childRow);
}

// Why it has not begun, or what became of it.
function taskNote({ error, waits }) {
    return error !== null ? h('td', { class: 'c-note bad cut child-error', title: error }, error)
        : h('td', { class: 'c-note held' }, waits.length > 0 && `waits for ${waits.join(', ')}`);
}

function taskRow(task) {
    const hasBegun = task.started_at_ms !== null;
    const worked = !hasBegun ? '' : task.finished_at_ms === null ? sinceNode(task.started_at_ms) : spent(task.finished_at_ms - task.started_at_ms);
    return h('tr', null, h('td', { class: 'c-status' }, statusLabel(shownStatus(task))),
        h('td', { class: 'c-name' }, h('a', { href: href(`runs/${task.id}`), class: 'name' }, task.task ?? task.id), attemptNote(task),
            task.child_count > 0 && h('span', { class: 'note' }, counted(task.child_count, 'child', 'children'))),
        rowId(task), h('td', { class: 'c-created num soft' }, hasBegun ? timeNode(task.started_at_ms) : ''), h('td', { class: 'c-took num' }, worked), taskNote(task));
}

// Of a run of several tasks.
export function tasksPanel(run) {
    return family(run, 'Tasks', run.tasks, [['Status'], ['Task'], ['Run', 'c-id'], ['Started', 'c-created num'], ['Worked', 'num'], ['Error, or what it waits for']], taskRow);
}

export function eventsPanel(run) {
    return panel('Events', { aside: h('span', { class: 'soft num' }, count(run.events.length)) },
        h('div', { class: 'tall' }, h('ol', { class: 'timeline' }, run.events.map((event) => h('li', null,
            h('span', { class: 'num soft' }, timeNode(event.time_ms)), h('span', { class: 'event-kind' }, event.kind.toLowerCase().replaceAll('_', ' ')),
            h('span', { class: 'soft' }, event.message ?? ''))))));
}

// Which lines of a long log are shown, and the ways to the others: [{text, after}].
export function logPlaces({ logs, logs_after: after, log_count: total }) {
    const end = after + logs.length;
    const most = 1000; // as many as the API gives
    const last = Math.max(end, total - most);
    return [
        after > 0 && { text: 'First', after: 0 }, after > most && { text: 'Earlier', after: after - most },
        end < total && { text: 'Later', after: end }, last > end && { text: 'Last', after: last },
    ].filter(Boolean);
}

// go(after) shows the lines behind that one.
export function logsPanel(run, go) {
    const several = run.logs.some((line) => line.attempt > 1);
    const places = logPlaces(run);
    const first = run.logs_after + 1;
    const shown = places.length === 0 ? '' : `${count(first)}–${count(run.logs_after + run.logs.length)} of `;
    return panel('Log', { aside: [
        places.length > 0 && h('span', { class: 'log-places', role: 'group', 'aria-label': 'Lines of the log' }, places.map(({ text, after }) => (
            h('button', { type: 'button', class: 'button button-quiet', onclick: () => go(after) }, text)))),
        h('span', { class: 'soft num' }, `${shown}${counted(run.log_count, 'line')}`)] },
        h('div', { class: 'tall' }, h('ol', { class: 'log mono' }, run.logs.map((line) => h('li', { class: `is-${line.level}` },
            h('span', { class: 'faint' }, clock(line.time_ms, { withMs: true })), h('span', { class: 'log-level' }, line.level),
            several && h('span', { class: 'faint' }, `#${line.attempt}`), h('span', { class: 'log-text' }, line.message))))));
}
