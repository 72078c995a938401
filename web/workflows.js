// What is registered, who works, what is scheduled, and how the queue has been.

import { get, now, poll, server } from './api.js';
import { h, isPressed, isTyping, reconcile, replace } from './dom.js';
import { ago, count, counted, durationMs, ownMetadata, runNames, shortId } from './format.js';
import { lines, roundDuration } from './lines.js';
import { keepReachable, listClicks, listKeys } from './list_keys.js';
import { command, empty, head, panel, tag, timeNode } from './parts.js';
import { href, navigate } from './router.js';

const stretches = [['15m', '15 min', 900e3], ['1h', '1 hour', 3600e3], ['6h', '6 hours', 21600e3], ['24h', '24 hours', 86400e3]];

export function open(view) {
    return new WorkflowsPage(view).open();
}

function table(className, columns, body, empty) {
    return h('div', { class: 'scroll-x' }, h('table', { class: `table ${className}` },
        h('thead', null, h('tr', null, columns.map((column) => head(...column)))),
        body), empty);
}

class WorkflowsPage {
    constructor(view) {
        this.view = view;
    }

    open() {
        const { view } = this;
        this.filter = h('input', {
            type: 'search', 'data-filter': true, 'aria-label': 'Filter by name', placeholder: 'Filter by name', autocomplete: 'off',
            spellcheck: 'false', value: view.query.get('text') ?? '', oninput: () => this.setQuery({ text: this.filter.value.trim() }),
        });
        this.makeQueue();
        this.workers = this.section('Workers', [['Worker'], ['Status'], ['Slots'], ['Heard of', 'num'], ['Since', 'num'], ['Runtime'], ['Takes']]);
        this.workflows = this.section('Workflows', [['Workflow'], ['Queued', 'num'], ['Running', 'num'], ['Waiting', 'num'],
            ['Oldest queued', 'num'], ['Retries', 'num'], ['Timeout', 'num'], ['Versions', 'num'], ['Declared', 'num'], ['Started by']]);
        this.schedules = this.section('Schedules', [['Workflow'], ['At', 'num'], ['In', 'num'], ['Made', 'num'], ['Id'], ['Metadata']]);
        this.crons = this.section('Crons', [['Workflow'], ['Cron'], ['Name'], ['Next', 'num'], ['In', 'num'], ['Last run', 'num'], ['Id'], ['Metadata']]);
        this.rates = this.section('Rate limits', [['Limit'], ['Left', 'num'], ['Units', 'num'], ['Window', 'num'], ['All there again', 'num']]);
        this.filters = this.section('Event filters', [['Workflow'], ['Scope'], ['Expression'], ['Payload'], ['Made by'], ['Changed', 'num']]);
        this.workflows.node.querySelector('.panel-head h2').after(this.filter);
        view.main.append(h('h1', { class: 'unseen' }, 'Workflows and workers'), this.queue, this.workers.node,
            this.workflows.node, this.schedules.node, this.crons.node, this.rates.node, this.filters.node);
        view.keys(listKeys(this.workflows.body, { open: (row) => this.openWorkflow(row) }));
        listClicks(this.workflows.body, (row) => this.openWorkflow(row));
        poll(() => this.refresh(), { interval: 5000, signal: view.signal, tell: view.tell });
        this.watchQueue();
        return { query: () => this.queryChanged() };
    }

    openWorkflow(row) {
        navigate(href('runs', { workflow: row.dataset.name }));
    }

    section(title, columns) {
        const className = title.toLowerCase().replaceAll(' ', '-');
        const body = h('tbody');
        const note = h('div', { class: 'nothing' });
        const sum = h('span', { class: 'soft' });
        const node = panel(title, { aside: sum, className: `of-${className}` },
            table(className, columns, body), note);
        return { body, note, sum, node, table: node.querySelector('table') };
    }

    setQuery(changes) {
        const { query } = this.view;
        this.view.setQuery({ text: query.get('text'), last: query.get('last'), ...changes });
        this.show();
    }

    queryChanged() {
        if (!isTyping(document.activeElement)) {
            this.filter.value = this.view.query.get('text') ?? '';
        }
        this.showStretches();
        this.show();
        this.watchQueue();
    }

    // The queue over time

    makeQueue() {
        const { signal } = this.view;
        this.depth = lines({ label: 'Runs in the queue', text: (value) => count(Math.round(value)), className: 'of-depth', signal });
        this.age = lines({
            label: 'Age of the oldest in the queue', text: (value) => durationMs(Math.round(value)).replace(/\.0+ /, ' '),
            className: 'of-age', top: roundDuration, signal,
        });
        this.depthNow = h('strong', null, '–');
        this.ageNow = h('strong', null, '–');
        this.stretches = h('div', { class: 'chips', role: 'group', 'aria-label': 'Time' });
        this.showStretches();
        const chart = (title, value, drawing) => h('div', { class: 'queue-chart' },
            h('h3', { class: 'soft' }, title, ' ', value), drawing.node);
        this.queue = panel('Queue', { aside: this.stretches }, h('div', { class: 'queue-charts' },
            chart('Queued runs', this.depthNow, this.depth), chart('Age of the oldest', this.ageNow, this.age)));
    }

    stretch() {
        return stretches.find(([name]) => name === this.view.query.get('last')) ?? stretches[1];
    }

    showStretches() {
        this.stretchNodes ??= stretches.map(([name, text]) => h('button', {
            type: 'button', class: 'chip', 'data-stretch': name, onclick: () => {
                this.setQuery({ last: name });
                this.showStretches();
                this.watchQueue();
            },
        }, text));
        for (const node of this.stretchNodes) {
            node.setAttribute('aria-pressed', String(node.dataset.stretch === this.stretch()[0]));
        }
        if (this.stretches.childElementCount === 0) {
            replace(this.stretches, this.stretchNodes);
        }
    }

    watchQueue() {
        this.queueController?.abort();
        this.queueController = new AbortController();
        const signal = AbortSignal.any([this.queueController.signal, this.view.signal]);
        poll(() => this.refreshQueue(signal), { interval: 5000, signal });
    }

    async refreshQueue(signal) {
        const at = Math.round(now());
        const { buckets } = await get('queues/history', { since_ms: at - this.stretch()[2], until_ms: at, buckets: 120 }, { signal });
        this.depth.update(buckets.map((bucket) => ({ at: bucket.at_ms, value: bucket.depth })));
        this.age.update(buckets.map((bucket) => ({ at: bucket.at_ms, value: bucket.oldest_age_ms ?? 0 })));
    }

    // The tables

    async refresh() {
        const { signal } = this.view;
        const [workers, workflows, schedules, crons, rates, filters] = await Promise.all(
            ['workers', 'workflows', 'schedules', 'crons', 'rate-limits', 'filters'].map((path) => get(path, {}, { signal })));
        const names = new Map(workflows.rows.map((row) => [row.id, row.name]));
        this.rows = {
            workers: workers.rows, workflows: workflows.rows, schedules: schedules.rows, crons: crons.rows.sort(byNext), rates: rates.rows,
            filters: filters.rows.map((row) => ({ ...row, workflow: names.get(row.workflow_id) ?? null })),
        };
        this.show();
    }

    show() {
        if (this.rows === undefined) {
            return;
        }
        const text = (this.view.query.get('text') ?? '').toLowerCase();
        const { workers, workflows, schedules, crons, rates, filters } = this.rows;
        const matching = workflows.filter((row) => row.name.toLowerCase().includes(text));
        this.fill(this.workers, workers, workerRow,
            server.meta.read_only ? 'A file does not tell which workers there are: the server that has it does' : 'No worker is known');
        this.fill(this.workflows, matching, workflowRow, workflows.length > 0 ? 'No workflow has such a name' : noWorkflows);
        this.fill(this.schedules, schedules, scheduleRow, 'Nothing is scheduled');
        this.fill(this.crons, crons, cronRow, 'Nothing starts again and again');
        this.fill(this.rates, rates, rateRow, 'No task takes of a rate limit');
        this.fill(this.filters, filters, filterRow, 'Events start all that list their keys');
        keepReachable(this.workflows.body);
        this.showQueue(workflows);
        const active = workers.filter((row) => row.status === 'ACTIVE');
        replace(this.workers.sum, workers.length > 0 && `${count(active.length)} of ${count(workers.length)} at work`);
        replace(this.workflows.sum, workflows.length > 0 && (text === '' ? counted(workflows.length, 'workflow')
            : `${count(matching.length)} of ${counted(workflows.length, 'workflow')}`));
        replace(this.schedules.sum, schedules.length > 0 && counted(schedules.length, 'run'));
        replace(this.rates.sum, rates.length > 0 && counted(rates.length, 'limit'));
        replace(this.filters.sum, filters.length > 0 && counted(filters.length, 'filter'));
        replace(this.crons.sum, crons.length > 0 && counted(crons.length, 'cron'));
    }

    // How it is now, of what the workflows say: the drawings have the most of each stretch.
    showQueue(workflows) {
        const oldest = Math.min(...workflows.map((row) => row.oldest_queued_at_ms ?? Infinity));
        replace(this.depthNow, count(workflows.reduce((sum, row) => sum + row.queued, 0)));
        replace(this.ageNow, oldest === Infinity ? '–' : durationMs(Math.max(0, Math.round(now() - oldest))));
    }

    // nothing: what is said where there are no rows, a text or a function that makes it.
    fill(section, rows, make, nothing) {
        section.table.hidden = rows.length === 0;
        const said = rows.length === 0 ? nothing : null;
        if (section.said !== said) {
            section.said = said;
            replace(section.note, typeof said === 'function' ? said() : said !== null && h('p', { class: 'faint' }, said));
        }
        // A row whose link has the focus, or that is pressed, is left as it is, so that it keeps it.
        reconcile(section.body, rows, {
            key: (row) => row.id, make,
            update: (node, row) => {
                const fresh = make(row);
                node.className = fresh.className;
                if (!isPressed(node) && (node === document.activeElement || !node.contains(document.activeElement))) {
                    replace(node, ...fresh.children);
                }
            },
        });
    }
}

// How many slots of a kind are used: a small box for each, as far as they can be seen.
function slots(kind, { max, used }) {
    const text = `${count(used)} of ${counted(max, 'slot')} used`;
    const boxes = h('span', { class: 'boxes', 'aria-hidden': 'true' }, max <= 24
        ? Array.from({ length: max }, (_, index) => h('span', { class: index < used ? 'box is-used' : 'box' }))
        : h('span', { class: 'gauge', style: { '--share': String(max === 0 ? 0 : used / max) } }));
    return h('span', { class: 'slots', title: `${kind}: ${text}` }, h('span', { class: 'slots-kind faint' }, kind), boxes,
        h('span', null, `${count(used)}`, h('span', { class: 'faint' }, `/${count(max)}`)));
}

const workerStatus = { ACTIVE: ['is-active', 'Active'], INACTIVE: ['is-gone', 'Gone'], PAUSED: ['is-paused', 'Paused'] };

// What the worker has said of itself: any of these may be missing.
function runtimeText(runtime) {
    const { language, languageVersion, sdkVersion } = runtime ?? {};
    const names = [languageVersion || language, sdkVersion && `SDK ${sdkVersion}`].filter((text) => typeof text === 'string' && text !== '');
    return names.length > 0 ? names.join(', ') : '–';
}

function workerRow(worker) {
    const [className, text] = workerStatus[worker.status] ?? ['is-gone', worker.status];
    const kinds = Object.entries(worker.slots ?? {});
    return h('tr', { class: className },
        h('td', null, h('span', { class: 'name' }, worker.name), h('span', { class: 'mono faint', title: worker.id }, ` ${shortId(worker.id)}`),
            Object.entries(worker.labels ?? {}).map(([key, value]) => [' ', tag(key, value)])),
        h('td', { class: 'of-status' }, h('span', { class: 'dot' }), text),
        h('td', null, kinds.length === 0 ? h('span', { class: 'faint' }, '–') : kinds.map(([kind, slot]) => slots(kind, slot))),
        h('td', { class: 'num' }, timeNode(worker.last_seen_ms, { relative: true })),
        h('td', { class: 'num soft' }, timeNode(worker.registered_at_ms)),
        h('td', { class: 'soft' }, runtimeText(worker.runtime)),
        h('td', { class: 'soft actions', title: worker.actions.join('\n') }, worker.actions.slice(0, 3).join(', '),
            worker.action_count > 3 && ` and ${count(worker.action_count - 3)} more`));
}

// What each of several tasks has: their retries and timeouts are their own.
function taskTitle({ tasks, task_count: total }) {
    const lines = tasks.map(({ name, queued, running }) => [name, queued > 0 && `${count(queued)} queued`, running > 0 && `${count(running)} running`]
        .filter(Boolean).join(', '));
    return [...lines, ...(total > tasks.length ? [`and ${count(total - tasks.length)} more`] : [])].join('\n');
}

function workflowRow(workflow) {
    const { task } = runNames({ workflow: workflow.name, task: workflow.task });
    const of = (status, value) => h('td', { class: 'num' }, value === 0 ? h('span', { class: 'faint' }, '0')
        : h('a', { href: href('runs', { workflow: workflow.name, status }), tabindex: '-1' }, count(value)));
    return h('tr', { 'data-row': workflow.id, 'data-name': workflow.name, tabindex: '-1' },
        h('td', null, h('a', { href: href('runs', { workflow: workflow.name }), class: 'name', tabindex: '-1' }, workflow.name),
            task !== null && h('span', { class: 'faint' }, ` ${task}`),
            workflow.task_count > 1 && h('span', { class: 'note', title: taskTitle(workflow) }, counted(workflow.task_count, 'task')),
            workflow.is_durable && h('span', { class: 'note' }, 'durable'),
            workflow.is_paused && h('span', { class: 'note', title: 'Its runs wait until it goes on' }, 'paused')),
        of('QUEUED', workflow.queued), of('RUNNING', workflow.running), of('EVICTED', workflow.evicted),
        h('td', { class: 'num' }, workflow.oldest_queued_at_ms === null || workflow.oldest_queued_at_ms > now() ? h('span', { class: 'faint' }, '–')
            : durationMs(Math.max(0, Math.round(now() - workflow.oldest_queued_at_ms)))),
        h('td', { class: 'num soft' }, workflow.retries === null ? '–' : count(workflow.retries)),
        h('td', { class: 'num soft' }, durationMs(workflow.execution_timeout_ms)),
        h('td', { class: 'num soft' }, count(workflow.version_count)),
        h('td', { class: 'num soft' }, timeNode(workflow.declared_at_ms, { relative: true })),
        h('td', { class: 'soft' }, (workflow.events ?? []).map((event) => tag('event', event)),
            (workflow.crons ?? []).map((cron) => tag('cron', cron))));
}

function scheduleRow(schedule) {
    return h('tr', null,
        h('td', null, h('a', { href: href('runs', { workflow: schedule.workflow }), class: 'name' }, schedule.workflow)),
        h('td', { class: 'num' }, timeNode(schedule.at_ms)), h('td', { class: 'num' }, ago(schedule.at_ms, now())),
        h('td', { class: 'num soft' }, timeNode(schedule.created_at_ms, { relative: true })),
        h('td', null, h('span', { class: 'mono faint', title: schedule.id }, shortId(schedule.id))),
        h('td', null, ownMetadata(schedule.metadata).map(([key, value]) => tag(key, value))));
}

// The next first, those that are disabled last.
const byNext = (a, b) => (a.next_at_ms ?? Infinity) - (b.next_at_ms ?? Infinity) || 0;

function cronRow(cron) {
    const none = h('span', { class: 'faint' }, '–');
    return h('tr', { class: cron.is_enabled ? '' : 'is-disabled' },
        h('td', null, h('a', { href: href('runs', { workflow: cron.workflow }), class: 'name' }, cron.workflow)),
        h('td', null, h('span', { class: 'mono', title: 'in UTC' }, cron.expression)),
        h('td', null, cron.name !== '' ? cron.name : h('span', { class: 'faint' }, 'declared')),
        h('td', { class: 'num' }, cron.is_enabled ? timeNode(cron.next_at_ms) : h('span', { class: 'faint' }, 'disabled')),
        h('td', { class: 'num' }, cron.is_enabled ? ago(cron.next_at_ms, now()) : none),
        h('td', { class: 'num soft' }, cron.fired_at_ms !== null ? timeNode(cron.fired_at_ms, { relative: true }) : none.cloneNode(true)),
        h('td', null, h('span', { class: 'mono faint', title: cron.id }, shortId(cron.id))),
        h('td', null, ownMetadata(cron.metadata).map(([key, value]) => tag(key, value))));
}

function rateRow(rate) {
    const at = rate.refilled_at_ms + rate.window_ms;
    const isWhole = rate.left >= rate.units;
    return h('tr', null,
        h('td', null, h('span', { class: 'name' }, rate.key)), h('td', { class: rate.left === 0 ? 'num bad' : 'num' }, count(rate.left)), h('td', { class: 'num' }, count(rate.units)),
        h('td', { class: 'num soft' }, durationMs(rate.window_ms)), h('td', { class: 'num soft' }, isWhole ? h('span', { class: 'faint' }, 'now') : ago(at, now())));
}

function filterRow(filter) {
    return h('tr', null,
        h('td', null, filter.workflow === null ? h('span', { class: 'faint' }, 'a deleted one')
            : h('a', { href: href('runs', { workflow: filter.workflow }), class: 'name' }, filter.workflow)),
        h('td', null, filter.scope), h('td', null, h('code', { class: 'mono' }, filter.expression)),
        h('td', null, h('code', { class: 'mono faint' }, JSON.stringify(filter.payload))),
        h('td', { class: 'soft' }, filter.is_declared ? 'its declaration' : 'a call'), h('td', { class: 'num soft' }, timeNode(filter.updated_at_ms, { relative: true })));
}

function noWorkflows() {
    if (server.meta.read_only) {
        return empty('This file has no workflows', h('p', null, 'A file with some is made by'), command('cleat demo --db demo.db'));
    }
    return empty('No workflow is declared', h('p', null, 'Workers declare theirs when they start. A worker needs a token and where the server is:'),
        command('export HATCHET_CLIENT_TOKEN=$(cleat token create)'),
        h('p', null, 'and HATCHET_CLIENT_TLS_STRATEGY=none where the server has no TLS.'));
}
