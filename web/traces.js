// Traces by what is in them: a search that goes back in time piece by piece and shows how far it has come.

import { getRows, isAbort, now, server } from './api.js';
import { h, reconcile, renew, replace } from './dom.js';
import { manyFilter, rangeOf, rangePill, refuseWrong, textFilter, timeFilter } from './filters.js';
import { count, counted, duration, parseDuration, shortId, time } from './format.js';
import { keepReachable, listClicks, listKeys } from './list_keys.js';
import { command, empty, head, problem, timeNode } from './parts.js';
import { href, navigate } from './router.js';
import { decades, scatter, traceName } from './scatter.js';

const pageSize = 200;
const single = ['service', 'name', 'min', 'max', 'status', 'last', 'since', 'until', 'sort'];

export function open(view) {
    return new TracesPage(view).open();
}

// What the API is asked, of the URL's query.
export function traceFilter(query, at) {
    return {
        service: query.get('service'), name: query.get('name'), attribute: query.getAll('attribute'),
        status: query.get('status'), min_duration_ns: parseDuration(query.get('min') ?? ''),
        max_duration_ns: parseDuration(query.get('max') ?? ''), sort: query.get('sort'), ...rangeOf(query, at),
    };
}

class TracesPage {
    constructor(view) {
        this.view = view;
        const kept = view.kept?.search === String(view.query) ? view.kept : null;
        this.rows = kept?.rows ?? [];
        this.next = kept?.next;      // undefined before the first answer, null behind the last
        this.searchedTo = kept?.searchedTo ?? null;
        this.spans = kept?.spans ?? 0;
        this.controller = null;
        this.isBusy = false;
    }

    open() {
        const { view } = this;
        this.fields = h('form', { class: 'filters', role: 'search', 'aria-label': 'Search traces', onsubmit: (event) => event.preventDefault() });
        this.chart = scatter({ signal: view.signal, choose: (since, until) => this.set({ last: null, since, until }, true) });
        this.state = h('div', { class: 'search-state', role: 'status' });
        this.stretch = h('span');
        const again = h('button', {
            type: 'button', class: 'button button-quiet', title: 'Search again (r)', onclick: () => this.restart(),
        }, 'Refresh');
        this.body = h('tbody');
        this.table = tracesTable(this.body);
        this.nothing = h('div');
        this.foot = h('div', { class: 'foot' });
        this.points = h('section', { class: 'panel over-time', 'aria-label': 'Duration over time' },
            h('div', { class: 'panel-head' }, this.state, h('div', { class: 'stretch' }, this.stretch, again)), this.chart.node);
        view.main.append(h('h1', { class: 'unseen' }, 'Traces'), this.fields, this.points,
            h('section', { class: 'panel', 'aria-label': 'Traces' }, this.table, this.nothing, this.foot));
        const show = (row) => navigate(href(`traces/${row.dataset.row}`));
        view.keys({ ...listKeys(this.body, { open: show }), r: () => this.restart() });
        listClicks(this.body, show);
        view.keep(() => ({
            search: String(view.query), rows: this.rows, next: this.next, searchedTo: this.searchedTo, spans: this.spans,
        }));
        this.makeFields();
        if (this.next === undefined) {
            this.restart();
        } else {
            this.show();
        }
        return { query: () => { this.makeFields(); this.restart(); } };
    }

    makeFields() {
        const { query } = this.view;
        const field = (name, label, placeholder, extra = {}) => textFilter({
            'aria-label': label, placeholder, value: query.get(name) ?? '', ...extra,
        }, (value) => this.set({ [name]: value }));
        const choice = (name, label, options) => {
            const select = h('select', { 'aria-label': label, onchange: () => this.set({ [name]: select.value }) },
                options.map(([value, text]) => h('option', { value }, text)));
            select.value = query.get(name) ?? '';
            return select;
        };
        this.attributeSlot = h('span', { class: 'slot' });
        this.time = timeFilter((range) => this.set(range));
        this.clearButton = h('button', { type: 'button', class: 'button button-quiet', onclick: () => this.clear() }, 'Clear');
        replace(this.fields,
            field('name', 'Name of a span or task', 'Span or task', { 'data-filter': true, class: 'grow' }),
            field('service', 'Service', 'Service'), this.attributeSlot,
            h('span', { class: 'between' }, this.durationField('min', 'Shortest', '≥ 10ms'), this.durationField('max', 'Longest', '≤ 2s')),
            choice('status', 'Status', [['', 'Any status'], ['ok', 'Without errors'], ['error', 'With errors']]),
            this.time.node, choice('sort', 'Order', [['', 'Newest first'], ['longest', 'Longest first']]), this.clearButton);
        this.fillSlots();
    }

    durationField(name, label, placeholder) {
        const input = textFilter({
            'aria-label': `${label} duration`, placeholder, value: this.view.query.get(name) ?? '', class: 'short',
        }, (value) => {
            const isGood = value === '' || parseDuration(value) !== null;
            input.setAttribute('aria-invalid', String(!isGood));
            input.title = isGood ? '' : 'A number with ns, us, ms, s, m or h';
            if (isGood) {
                this.set({ [name]: value });
            }
        });
        return input;
    }

    fillSlots() {
        const { query } = this.view;
        renew(this.attributeSlot, manyFilter({
            values: query.getAll('attribute'), label: 'Attribute, key=value', placeholder: 'attribute key=value',
            isGood: (text) => /^[^=]+=/.test(text),
        }, (attribute) => this.set({ attribute })));
        this.time.update(query);
        this.clearButton.hidden = [...query.keys()].length === 0;
    }

    set(changes, push = false) {
        const query = { attribute: this.view.query.getAll('attribute') };
        for (const name of single) {
            query[name] = this.view.query.get(name);
        }
        this.view.setQuery({ ...query, ...changes }, { push });
        this.fillSlots();
        this.restart();
    }

    clear() {
        this.view.setQuery({});
        this.makeFields();
        this.restart();
    }

    // The search

    restart() {
        this.rows = [];
        this.next = undefined;
        this.spans = 0;
        this.searchedTo = null;
        this.filter = traceFilter(this.view.query, now());
        this.more();
    }

    async more() {
        this.controller?.abort();
        const controller = new AbortController();
        this.controller = controller;
        const signal = AbortSignal.any([controller.signal, this.view.signal]);
        const { rows: before, spans } = this;
        this.filter ??= traceFilter(this.view.query, now());
        this.isBusy = true;
        this.isStopped = false;
        replace(this.nothing); // what went wrong before
        let searched = spans;
        this.show();
        try {
            refuseWrong(this.filter);
            const answer = await getRows('traces', { ...this.filter, before: this.next }, {
                limit: pageSize, signal,
                progress: (state) => {
                    searched += state.searched_spans ?? 0;
                    this.take(before, state, searched);
                    this.show();
                    return !this.isStopped;
                },
            });
            this.isBusy = false;
            this.take(before, answer, searched);
            this.show();
        } catch (error) {
            if (!isAbort(error) && !signal.aborted) {
                this.isBusy = false;
                this.show();
                replace(this.nothing, problem(error, () => this.restart()));
            }
        }
    }

    take(before, answer, searched) {
        const order = this.view.query.get('sort') === 'longest' ? (a, b) => b.duration_ns - a.duration_ns
            : (a, b) => b.start_ms - a.start_ms;
        // A trace that got spans while the search went on may come twice.
        this.rows = [...new Map([...before, ...answer.rows].map((row) => [row.id, row])).values()].sort(order);
        this.next = answer.next;
        this.searchedTo = answer.searched_to_ms;
        this.spans = searched;
    }

    // What is seen

    show() {
        reconcile(this.body, this.rows, {
            key: (row) => `${row.id} ${row.span_count} ${row.duration_ns}`, make: makeRow,
        });
        // Longer than the rest by a factor of ten is longer by a step, as in the drawing.
        const [low, high] = this.rows.length === 0 ? [0, 1] : decades(this.rows.map((row) => row.duration_ns));
        for (const [index, row] of [...this.body.children].entries()) {
            const at = Math.log10(Math.max(1, this.rows[index].duration_ns));
            row.querySelector('.share').style.setProperty('--share', String((at - low) / (high - low)));
        }
        keepReachable(this.body);
        this.table.hidden = this.rows.length === 0;
        this.chart.update(this.rows);
        this.points.hidden = this.rows.length === 0 && !this.isBusy && this.next === null;
        this.showState();
        renew(this.stretch, rangePill(this.view.query, (range) => this.set(range)));
        if (!this.isBusy && this.rows.length === 0 && this.next === null) {
            replace(this.nothing, this.noTraces());
        }
    }

    showState() {
        const searched = this.searchedTo === null ? '' : `, searched back to ${time(this.searchedTo, now())}`;
        const spans = this.spans > 0 ? `, ${counted(this.spans, 'span')} looked at` : '';
        const found = `${counted(this.rows.length, 'trace')}`;
        const rest = this.next === null ? (this.rows.length > 0 ? ', all there are' : '') : `${searched}${spans}`;
        if (this.state.textContent !== found + rest) { // it is read out when it changes
            replace(this.state, h('strong', null, found), h('span', { class: 'soft' }, rest));
        }
        const isMore = this.next !== null && this.next !== undefined;
        renew(this.foot, this.isBusy ? [`Searching${searched === '' ? '' : searched.replace(', searched', '')} …`,
            h('button', { type: 'button', class: 'button', onclick: () => { this.isStopped = true; } }, 'Stop')]
            : isMore && h('button', { type: 'button', class: 'button', onclick: () => this.more() }, 'Search further'));
        this.foot.hidden = !this.isBusy && !isMore;
    }

    noTraces() {
        if ([...this.view.query.keys()].length > 0) {
            return empty('No trace matches', h('p', null, 'Service, name and attributes are those of one and the same span.'),
                h('button', { type: 'button', class: 'button', onclick: () => this.clear() }, 'Clear the search'));
        }
        return server.meta.read_only
            ? empty('This file has no spans', h('p', null, 'A file with some is made by'), command('cleat demo --db demo.db'))
            : empty('No spans yet', h('p', null, 'They come with runs of workers that are traced, and over OTLP from any program:'),
                command(`OTEL_EXPORTER_OTLP_ENDPOINT=${new URL('.', document.baseURI)}`));
    }
}

function makeRow(trace) {
    const related = trace.links_out + trace.links_in;
    return h('tr', { 'data-row': trace.id, tabindex: '-1' },
        h('td', { class: 'c-name' }, h('a', { href: href(`traces/${trace.id}`), tabindex: '-1', class: 'name' }, traceName(trace)),
            trace.task !== null && trace.task !== trace.name && h('span', { class: 'faint' }, ` ${trace.name}`)),
        h('td', { class: 'c-service soft' }, trace.service ?? '–'),
        h('td', { class: 'c-id' }, h('span', { class: 'mono faint', title: trace.id }, shortId(trace.id))),
        h('td', { class: 'num c-created' }, timeNode(trace.start_ms)),
        h('td', { class: 'num c-took' }, duration(trace.duration_ns)),
        h('td', { class: 'c-bar' }, h('span', { class: trace.error_count > 0 ? 'share is-bad' : 'share' })),
        h('td', { class: 'num c-spans' }, count(trace.span_count)),
        h('td', { class: 'num c-errors' }, trace.error_count > 0 ? h('span', { class: 'bad' }, count(trace.error_count)) : ''),
        h('td', { class: 'num c-links soft', title: related === 0 ? null : `${counted(trace.links_out, 'link')} from here, ${count(trace.links_in)} to here` },
            related === 0 ? '' : linkMark(trace)));
}

function linkMark(trace) {
    return [
        trace.links_out > 0 && `${count(trace.links_out)} →`, trace.links_out > 0 && trace.links_in > 0 && ' ',
        trace.links_in > 0 && `← ${count(trace.links_in)}`,
    ];
}

function tracesTable(body) {
    return h('table', { class: 'table is-sticky traces' },
        h('thead', null, h('tr', null, head('Trace'), head('Service', 'c-service'), head('Id', 'c-id'), head('Started', 'num c-created'),
            head('Took', 'num c-took'), head(h('span', { class: 'unseen' }, 'Duration'), 'c-bar'), head('Spans', 'num c-spans'),
            head('Errors', 'num c-errors'), head('Links', 'num c-links'))), body);
}
