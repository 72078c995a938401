// One trace, with those it has links with: /traces/ID?span=SPAN&follow=DEPTH.

import { get, isAbort, now, poll } from './api.js';
import { h, renew, replace } from './dom.js';
import { count, duration, hasEnded, shortId, time } from './format.js';
import { copyButton, problem, spinner } from './parts.js';
import { hasRelated, relatedPanels } from './related.js';
import { href } from './router.js';
import { spansMost, Waterfall } from './waterfall.js';

const interval = 5000;
const recentMs = 120e3; // spans come in batches when they have ended: for so long after the last one more may come

const depths = [[0, 'this trace only'], [1, 'over 1 link'], [2, 'over 2 links'], [3, 'over 3 links'], [5, 'over 5 links']];

export async function open(view) {
    const page = new TracePage(view);
    await page.start();
    return { query: () => page.queryChanged() };
}

class TracePage {
    constructor(view) {
        this.view = view;
        [this.id] = view.ids;
        this.limit = null; // the server's own
        this.title = h('div', { class: 'page-title' });
        this.figures = h('dl', { class: 'figures' });
        this.depth = h('select', { 'aria-label': 'Follow links', onchange: () => this.setFollow(this.depth.value) },
            depths.map(([value, text]) => h('option', { value }, text)));
        this.head = h('div', { class: 'page-head' }, this.title, this.figures,
            h('label', { class: 'follow' }, h('span', { class: 'soft' }, 'Show '), this.depth));
        this.related = h('aside', { class: 'related', 'aria-label': 'Linked traces' });
        this.waterfall = new Waterfall({
            label: 'Spans of the trace', signal: view.signal, kept: view.kept ?? null, select: (key) => this.selected(key),
            more: () => {
                this.limit = spansMost;
                this.reload();
            },
        });
        this.body = h('div', { class: 'trace-body' }, this.waterfall.node, this.related);
        view.keys({ ...this.waterfall.moves.pageKeys(), r: () => this.reload() });
        view.keep(() => this.waterfall.state());
    }

    get follow() {
        const value = Number(this.view.query.get('follow') ?? 0);
        return Number.isInteger(value) && value >= 0 && value <= 5 ? value : 0;
    }

    async start() {
        const { view } = this;
        replace(view.main, spinner('Loading …'));
        await this.load(view.signal);
        replace(view.main, this.head, this.body);
        this.waterfall.measure();
        this.goToSpan();
        this.watch();
    }

    // The view once more: nothing is drawn anew where it is the same.
    async load(signal) {
        const { follow } = this;
        this.shownFollow = follow;
        const data = await get(`traces/${encodeURIComponent(this.id)}/view`, { follow, limit: this.limit }, { signal });
        const shown = JSON.stringify(data);
        if (shown !== this.shown) {
            this.shown = shown;
            this.data = data;
            this.showHead();
            this.showRelated();
            this.waterfall.update(data);
        }
    }

    // As long as spans may come.
    watch() {
        this.polling?.abort();
        const controller = new AbortController();
        this.polling = controller;
        const signal = AbortSignal.any([controller.signal, this.view.signal]);
        let isFirst = true;
        poll(async () => {
            if (!isFirst) {
                await this.load(signal);
                this.goToSpan();
            }
            isFirst = false;
            if (!this.mayGrow()) {
                this.view.tell({ error: null, retryAt: null, isOver: true });
            }
            return this.mayGrow();
        }, { interval, signal, tell: this.view.tell });
    }

    // Clocks differ: what ends far in the future is not waited for.
    mayGrow() {
        const { data } = this;
        const isUnderWay = data.runs.some((run) => !hasEnded(run.status));
        return isUnderWay || Math.abs(now() - (data.start_ms + data.duration_ns / 1e6)) < recentMs;
    }

    queryChanged() {
        if (this.follow === this.shownFollow) {
            this.goToSpan();
        } else {
            this.reload();
        }
    }

    async reload() {
        this.polling.abort();
        const controller = new AbortController();
        this.polling = controller;
        try {
            await this.load(AbortSignal.any([controller.signal, this.view.signal]));
            this.goToSpan();
            this.watch();
        } catch (error) {
            if (!isAbort(error)) {
                replace(this.related, problem(error, () => this.reload()));
                this.shown = null;
            }
        }
    }

    // The one of the URL, once it is there.
    goToSpan() {
        const span = this.view.query.get('span');
        if (span !== null && span !== this.shownSpan && this.waterfall.jump(this.id, span)) {
            this.shownSpan = span;
        }
    }

    selected(key) {
        const [trace, span] = key.split('/');
        this.shownSpan = trace === this.id ? span ?? null : null;
        this.view.setQuery({ span: this.shownSpan, follow: this.follow === 0 ? null : this.follow });
    }

    showHead() {
        const { data } = this;
        const own = data.traces.find((trace) => trace.id === this.id) ?? data.traces[0];
        const name = own?.task ?? own?.name ?? this.id;
        const run = data.runs[own?.run];
        this.depth.value = String(this.follow);
        this.view.setTitle(name);
        if (this.title.childElementCount === 0 || this.title.firstChild.textContent !== name) {
            replace(this.title, h('h1', null, name), h('span', { class: 'mono faint' }, this.id), copyButton(this.id));
        }
        renew(this.figures, figure('Spans', count(own?.span_count ?? 0)), figure('Took', own === undefined ? '–' : duration(own.end_ns - own.start_ns)),
            own !== undefined && own.error_count > 0 && figure('Errors', h('span', { class: 'bad' }, count(own.error_count))),
            own !== undefined && figure('Started', time(data.start_ms + own.start_ns / 1e6)),
            run !== undefined && figure('Run', h('a', { href: href(`runs/${run.id}`) }, run.workflow ?? shortId(run.id))));
    }

    setFollow(value) {
        this.view.setQuery({ span: this.view.query.get('span'), follow: value === '0' ? null : value });
        this.reload();
    }

    // Traces that are not in the picture; those that are have a band.
    showRelated() {
        renew(this.related, relatedPanels(this.data));
        this.body.classList.toggle('has-related', hasRelated(this.data));
    }
}

export const figure = (name, ...value) => h('div', null, h('dt', null, name), h('dd', { class: 'num' }, value));
