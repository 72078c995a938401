// One trace, with those it has links with: /traces/ID?span=SPAN&follow=DEPTH.

import { get, isAbort } from './api.js';
import { h, replace } from './dom.js';
import { count, duration, shortId, time } from './format.js';
import { copyButton, problem, spinner } from './parts.js';
import { hasRelated, relatedPanels } from './related.js';
import { href } from './router.js';
import { spansMost, Waterfall } from './waterfall.js';

const depths = [[0, 'this trace only'], [1, 'over 1 link'], [2, 'over 2 links'], [3, 'over 3 links'], [5, 'over 5 links']];

export async function open(view) {
    const page = new TracePage(view);
    await page.load();
    return { query: () => page.queryChanged() };
}

class TracePage {
    constructor(view) {
        this.view = view;
        [this.id] = view.ids;
        this.limit = null; // the server's own
        this.head = h('div', { class: 'page-head' });
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

    async load() {
        const { view } = this;
        this.controller?.abort();
        const controller = new AbortController();
        this.controller = controller;
        const isFirst = this.data === undefined;
        if (isFirst) {
            replace(view.main, spinner('Loading …'));
        }
        const data = await get(`traces/${encodeURIComponent(this.id)}/view`, { follow: this.follow, limit: this.limit },
            { signal: AbortSignal.any([controller.signal, view.signal]) });
        this.data = data;
        this.shownFollow = this.follow;
        this.showHead();
        this.showRelated();
        if (isFirst) {
            replace(view.main, this.head, this.body);
        }
        this.waterfall.update(data);
        if (isFirst) {
            this.goToSpan();
        }
    }

    queryChanged() {
        if (this.follow !== this.shownFollow) {
            this.reload();
        }
        this.goToSpan();
    }

    async reload() {
        try {
            await this.load();
        } catch (error) {
            if (!isAbort(error)) {
                replace(this.related, problem(error, () => this.reload()));
            }
        }
    }

    goToSpan() {
        const span = this.view.query.get('span');
        if (span !== null && span !== this.shownSpan) {
            this.shownSpan = span;
            this.waterfall.jump(this.id, span);
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
        const select = h('select', { 'aria-label': 'Follow links', onchange: () => this.setFollow(select.value) },
            depths.map(([value, text]) => h('option', { value }, text)));
        select.value = String(this.follow);
        this.view.setTitle(name);
        replace(this.head, h('div', { class: 'page-title' }, h('h1', null, name), h('span', { class: 'mono faint' }, this.id), copyButton(this.id)),
            h('dl', { class: 'figures' },
                figure('Spans', count(own?.span_count ?? 0)), figure('Took', own === undefined ? '–' : duration(own.end_ns - own.start_ns)),
                own !== undefined && own.error_count > 0 && figure('Errors', h('span', { class: 'bad' }, count(own.error_count))),
                own !== undefined && figure('Started', time(data.start_ms + own.start_ns / 1e6)),
                run !== undefined && figure('Run', h('a', { href: href(`runs/${run.id}`) }, run.workflow ?? shortId(run.id)))),
            h('label', { class: 'follow' }, h('span', { class: 'soft' }, 'Show '), select));
    }

    setFollow(value) {
        this.view.setQuery({ span: this.view.query.get('span'), follow: value === '0' ? null : value });
        this.reload();
    }

    // Traces that are not in the picture; those that are have a band.
    showRelated() {
        replace(this.related, relatedPanels(this.data));
        this.body.classList.toggle('has-related', hasRelated(this.data));
    }
}

export const figure = (name, ...value) => h('div', null, h('dt', null, name), h('dd', { class: 'num' }, value));
