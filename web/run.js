// One run: /runs/ID?span=TRACE-SPAN. Live until it has ended and its spans are there.

import { get, isAbort, now, poll, post, server } from './api.js';
import { ask } from './ask.js';
import { h, renew, replace } from './dom.js';
import { ago, counted, hasEnded, ownMetadata, priorityName, runNames, runTimes, shortId, shownStatus, spent, statusName } from './format.js';
import { jsonView, noPayload } from './json_view.js';
import { copyButton, showSince, spinner, statusLabel, tag, timeNode } from './parts.js';
import { relatedPanels } from './related.js';
import { href } from './router.js';
import { attemptsPanel, childrenPanel, eventsPanel, logsPanel, tasksPanel } from './run_parts.js';
import { figure } from './trace.js';
import { spansMost, Waterfall } from './waterfall.js';
import { underWay, withUnderWay } from './waterfall_live.js';

const interval = 2000;
const lateMs = 15000;  // spans come in batches, so some do after the run has ended
const viewShare = 8;   // a view that took long to read is not read again for so many times as long

export async function open(view) {
    const page = new RunPage(view);
    await page.start();
    return { query: () => page.goToSpan() };
}

class RunPage {
    constructor(view) {
        this.view = view;
        [this.id] = view.ids;
        this.limit = null; // the server's own
        this.shown = new Map(); // what each part shows, so that only what changed is made anew
        this.title = h('div', { class: 'page-title' });
        this.figures = h('dl', { class: 'figures' });
        this.actions = h('div', { class: 'page-actions' });
        this.head = h('div', { class: 'page-head' }, this.title, this.figures, !server.meta.read_only && this.actions);
        this.about = h('div', { class: 'about' });
        this.result = h('p', { class: 'result', role: 'status', hidden: true });
        this.error = h('div');
        this.input = h('div');
        this.output = h('div');
        this.tasks = h('div');
        this.children = h('div');
        this.attempts = h('div');
        this.log = h('div');
        this.events = h('div');
        this.logsAfter = null; // the first lines of its log
        this.isBusy = false;
        this.related = h('div', { class: 'pair' });
        this.waterfall = new Waterfall({
            label: 'Spans of the run', signal: view.signal, kept: view.kept ?? null, select: (key) => this.selected(key),
            more: () => {
                this.limit = spansMost;
                this.viewCost = 0;
                this.refresh().catch((error) => isAbort(error) || this.tell(error.message, true));
            },
        });
        this.noSpans = h('p', { class: 'panel panel-body soft no-spans', hidden: true });
        this.viewCost = 0;
        this.viewAt = -Infinity;
        view.keys(this.waterfall.moves.pageKeys());
        view.keep(() => this.waterfall.state());
    }

    async start() {
        const { view } = this;
        replace(view.main, spinner('Loading …'));
        await this.refresh();
        replace(view.main, this.head, this.about, this.result, this.error, this.waterfall.node, this.noSpans, this.related,
            this.tasks, h('div', { class: 'pair' }, this.input, this.output), this.children,
            h('div', { class: 'pair' }, h('div', null, this.attempts, this.log), this.events));
        this.waterfall.measure();
        this.goToSpan();
        this.watch();
    }

    // Until it has ended; once more after it was replayed.
    watch() {
        this.polling?.abort();
        const controller = new AbortController();
        this.polling = controller;
        const signal = AbortSignal.any([controller.signal, this.view.signal]);
        let isFirst = true;
        poll(async () => {
            if (!isFirst) {
                await this.refresh(signal);
            }
            isFirst = false;
            const isOver = this.isOver();
            if (isOver) {
                this.view.tell({ error: null, retryAt: null, isOver: true });
            }
            return !isOver;
        }, { interval, signal, tell: this.view.tell });
    }

    isOver() {
        return hasEnded(this.run.status) && now() - (this.run.finished_at_ms ?? this.run.created_at_ms) > lateMs;
    }

    async refresh(signal = this.view.signal) {
        const path = `runs/${encodeURIComponent(this.id)}`;
        const isDue = performance.now() - this.viewAt > this.viewCost * viewShare;
        const started = performance.now();
        const [run, view] = await Promise.all([get(path, { logs_after: this.logsAfter }, { signal }), isDue ? get(`${path}/view`, { limit: this.limit }, { signal }) : null]);
        this.run = run;
        this.show();
        if (view !== null) {
            this.showView(withUnderWay(view, now(), this.run));
            this.viewAt = performance.now();
            this.viewCost = this.viewAt - started;
        }
    }

    showView(view) {
        const isEmpty = view.spans.length === 0;
        this.waterfall.node.hidden = isEmpty;
        this.noSpans.hidden = !isEmpty;
        this.noSpans.textContent = hasEnded(this.run.status) ? 'There are no spans of this run: nobody traced it, or they were pruned.' : 'There are no spans yet.';
        this.part('related', this.related, [view.links_to, view.linked_from], () => relatedPanels(view));
        this.waterfall.update(view);
        this.goToSpan();
    }

    // The span of the URL, once it is there

    goToSpan() {
        const key = this.view.query.get('span');
        if (key !== null && key !== this.shownSpan && this.waterfall.node.isConnected && this.waterfall.jump(...key.split('-'))) {
            this.shownSpan = key;
        }
    }

    selected(key) {
        const [trace, span] = key.split('/');
        this.shownSpan = span === undefined || trace === underWay ? null : `${trace}-${span}`;
        this.view.setQuery({ span: this.shownSpan });
    }

    // What is seen

    part(name, node, data, make) {
        const text = JSON.stringify(data);
        if (this.shown.get(name) !== text) {
            this.shown.set(name, text);
            renew(node, make());
        }
    }

    show() {
        const { run } = this;
        const { workflow, task } = runNames(run);
        const name = workflow === '' ? run.id : task === null ? workflow : `${workflow} ${task}`;
        this.view.setTitle(`${name}: ${statusName(shownStatus(run))}`);
        this.part('title', this.title, [name, run.status, run.outcome, run.id], () => [h('h1', null, name), statusLabel(shownStatus(run)),
            h('span', { class: 'mono faint' }, run.id), copyButton(run.id)]);
        replace(this.figures, this.figureNodes());
        this.part('actions', this.actions, hasEnded(run.status), () => this.actionNodes());
        this.part('about', this.about, [run.parent, run.event, run.scheduled_at_ms, run.metadata, run.waits, run.taker_count, run.batch, run.is_durable], () => this.aboutNodes());
        this.part('error', this.error, run.error, () => run.error !== null && h('section', { class: 'panel run-error', 'aria-label': 'Error' },
            h('pre', { class: 'text bad' }, run.error)));
        this.part('input', this.input, run.input, () => (
            run.input === null ? noPayload('Input', 'None.') : jsonView('Input', run.input, run.input_size)));
        this.part('output', this.output, [run.output, hasEnded(run.status)], () => (
            run.output === null ? noPayload('Output', hasEnded(run.status) ? 'None.' : 'Not yet.') : jsonView('Output', run.output, run.output_size)));
        this.part('tasks', this.tasks, run.tasks, () => run.tasks !== null && tasksPanel(run));
        this.part('children', this.children, run.children, () => run.children.total > 0 && childrenPanel(run));
        this.part('attempts', this.attempts, run.attempts, () => attemptsPanel(run));
        this.part('log', this.log, [run.logs, run.log_count], () => run.log_count > 0 && logsPanel(run, (after) => this.goInLog(after)));
        this.part('events', this.events, run.events, () => eventsPanel(run));
        showSince(this.tasks);
        showSince(this.children);
        showSince(this.attempts);
    }

    figureNodes() {
        const { run } = this;
        const { wait, total } = runTimes(run, now());
        return [
            figure('Created', timeNode(run.created_at_ms), h('span', { class: 'faint' }, ` ${ago(run.created_at_ms, now())}`)),
            wait !== null && figure('Waited', spent(wait)), figure(hasEnded(run.status) ? 'Took' : 'So far', spent(total)),
            run.attempt > 1 && figure('Attempt', String(run.attempt)),
        ];
    }

    actionNodes() {
        const button = (text, title, className, onclick) => h('button', { type: 'button', class: `button ${className}`, title, onclick }, text);
        return hasEnded(this.run.status) ? button('Replay', 'Run it once more', '', () => this.replay())
            : button('Cancel', 'Stop this run', 'button-danger', () => this.cancel());
    }

    aboutNodes() {
        const { run } = this;
        const { parent } = run;
        const entry = (title, ...value) => h('div', null, h('span', { class: 'faint' }, title), ' ', value);
        return [
            parent !== null && entry('child of', h('a', { href: href(`runs/${parent.id}`) }, parent.workflow ?? shortId(parent.id)), ' ', statusLabel(parent.status)),
            run.is_durable && entry('durable', 'its waits outlive its worker'),
            run.event !== null && entry('triggered by event', h('strong', null, run.event.key)),
            run.scheduled_at_ms !== null && entry('put on the schedule', timeNode(run.scheduled_at_ms)),
            ...heldNodes(run).map(([title, text]) => entry(title, text)),
            this.tags(),
            run.waits.length > 0 && h('div', { class: 'waits' }, h('span', { class: 'faint' }, 'waits for'), ' ', h('strong', null, run.waits.join(', ')),
                takersText(run)),
        ];
    }

    // What the caller gave along. The context of its trace is there too, but is nobody's word.
    tags() {
        const own = ownMetadata(this.run.metadata);
        const words = new Set(own.map(([key]) => key));
        const context = Object.entries(this.run.metadata ?? {}).filter(([key]) => !words.has(key));
        return own.length > 0 && h('div', { class: 'tags' }, own.map(([key, value]) => tag(key, value)),
            context.length > 0 && h('span', { class: 'tag', title: context.map(([key, value]) => `${key}: ${value}`).join('\n') }, 'trace context'));
    }

    async goInLog(after) {
        this.logsAfter = after;
        try {
            await this.refresh();
        } catch (error) {
            if (!isAbort(error)) {
                this.tell(error.message, true);
            }
        }
    }

    // What can be done

    async cancel() {
        if (await ask('Cancel this run?', 'It ends as cancelled, and its children with it where they are bound to it. Its worker is told to stop.', 'Cancel the run', { isDanger: true })) {
            await this.change('cancel', 'The run is cancelled.');
        }
    }

    async replay() {
        if (await ask('Replay this run?', 'It is queued once more, with the same input. What it did before may happen again.', 'Replay')) {
            await this.change('replay', 'The run is queued once more.');
        }
    }

    async change(verb, text) {
        if (this.isBusy) {
            return;
        }
        this.isBusy = true;
        this.polling.abort(); // what was asked for before it must not come behind it
        this.tell('…');
        try {
            await post(`runs/${encodeURIComponent(this.id)}/${verb}`, {}, { signal: this.view.signal });
            this.isBusy = false;
            this.tell(text);
            this.viewCost = 0;
            await this.refresh();
        } catch (error) {
            this.isBusy = false;
            if (!isAbort(error)) {
                this.tell(error.message, true);
            }
        }
        this.watch();
    }

    tell(text, isBad = false) {
        this.result.hidden = false;
        this.result.classList.toggle('bad', isBad);
        this.result.textContent = text;
    }
}

// What it is held back by, or would be: [[name, text]].
function heldNodes({ id, limits, batch, idempotency_key: key, sticky, desired_worker_id: worker, priority }) {
    return [
        priority > 1 && ['priority', priorityName(priority)],
        ...limits.slots.map((slot) => [`key of ${slot.rule}`, slot.key === '' ? '(empty)' : slot.key]),
        ...limits.rates.map((rate) => ['takes', `${counted(rate.units, 'unit')} of ${rate.key}`]),
        batch !== null && ['batch', [batch.key === '' ? 'all in one group' : batch.key, batch.running_together > 1 && batchNodes(batch, id)]],
        key !== null && ['idempotency key', key],
        worker !== null && sticky !== 'none' && [`${sticky === 'hard' ? 'bound to' : 'prefers'} worker`, shortId(worker)],
    ].filter(Boolean);
}

// Those that its worker has together with it, as far as they are told.
function batchNodes({ members, running_together: total }, id) {
    const others = members.filter((member) => member !== id);
    const rest = total - 1 - others.length;
    return [', together with ', others.map((member, index) => [index > 0 && ', ', h('a', { href: href(`runs/${member}`), class: 'mono' }, shortId(member))]),
        rest > 0 && ` and ${rest} more`];
}

function takersText({ taker_count: takers, waits }) {
    return takers !== null && waits[0].startsWith('a worker ') && h('span', { class: 'faint' }, takers === 0 ? ' · no worker takes it now' : ` · ${counted(takers, 'worker takes it', 'workers take it')}`);
}
