// The runs, newest first: filters that live in the URL, the histogram, rows that are live.

import { get, getRows, isAbort, now, poll, server, token } from './api.js';
import { h, renew, replace } from './dom.js';
import { clock, count, counted, hasEnded, shortId, statuses as allStatuses, statusName, time } from './format.js';
import { manyFilter, rangeOf, rangePill, refuseWrong, textFilter, timeFilter } from './filters.js';
import { histogram } from './histogram.js';
import { keepReachable, listClicks, listKeys } from './list_keys.js';
import { LiveList } from './live_list.js';
import { command, empty, problem, statusMark } from './parts.js';
import { href, navigate } from './router.js';
import { runsTable, showRows } from './run_rows.js';

const pageSize = 50;
const laterPageSize = 100; // of who reads on

export function open(view) {
    return new RunsPage(view).open();
}

class RunsPage {
    constructor(view) {
        this.view = view;
        this.chosen = new Set(view.kept?.chosen);
        this.list = new LiveList(view.kept?.search === String(view.query) ? view.kept.list : null);
        this.controller = null;   // of the search that is under way
        this.totals = {};
        this.isLoading = false;
        this.pending = false;     // new rows above, which were not put in since somebody reads further down
    }

    open() {
        const { view } = this;
        this.chart = histogram({ signal: view.signal, choose: (since, until) => this.set({ last: null, since, until }, true) });
        this.body = h('tbody');
        this.table = runsTable(this.body);
        this.foot = h('div', { class: 'foot', role: 'status' });
        this.nothing = h('div');
        this.newer = h('button', { type: 'button', class: 'button newer', hidden: true, onclick: () => this.showNewer() });
        this.compare = h('div', { class: 'compare-bar', role: 'status', hidden: true });
        this.chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Status' });
        this.stretch = h('div', { class: 'stretch' });
        this.fields = h('form', { class: 'filters', role: 'search', 'aria-label': 'Filter runs', onsubmit: (event) => event.preventDefault() });
        this.makeFields();
        this.overTime = h('section', { class: 'panel over-time', 'aria-label': 'Runs over time' },
            h('div', { class: 'panel-head' }, this.chips, this.stretch), this.chart.node);
        view.main.append(h('h1', { class: 'unseen' }, 'Runs'), this.fields, this.overTime, this.newer, h('section', { class: 'panel', 'aria-label': 'Runs' }, this.table, this.nothing, this.foot), this.compare);
        const openRun = (row) => navigate(href(`runs/${row.dataset.row}`));
        listClicks(this.body, openRun);
        view.keys({
            ...listKeys(this.body, { open: openRun }),
            x: () => this.toggleFocused(), c: () => this.goCompare(),
        });
        view.keep(() => ({ list: this.list, chosen: [...this.chosen], search: String(view.query) }));
        this.watchEnd();
        this.showCompare();
        this.search(this.list.rows.length > 0);
        return { query: () => { this.makeFields(); this.list = new LiveList(); this.search(false); } };
    }

    // Filters

    makeFields() {
        const { query } = this.view;
        this.workflows ??= h('datalist', { id: 'workflow-names' });
        const text = textFilter({
            'aria-label': 'Text in id, task, workflow, error, metadata or input', placeholder: 'Search: id, task, error, input …',
            value: query.get('text') ?? '', class: 'grow', 'data-filter': true,
        }, (value) => this.set({ text: value }));
        const workflow = textFilter({
            'aria-label': 'Workflow', placeholder: 'Workflow', value: query.get('workflow') ?? '', list: 'workflow-names',
            onfocus: () => this.loadWorkflows(),
        }, (value) => this.setWorkflow(value), (text) => text === '' || this.hasWorkflow(text));
        this.metadataSlot = h('span', { class: 'slot' });
        this.parentSlot = h('span', { class: 'slot' });
        this.topOnly = h('input', { type: 'checkbox', onchange: () => this.set({ parent: this.topOnly.checked ? 'none' : null }) });
        this.topLabel = h('label', { class: 'check', title: 'Only runs that no other run started' }, this.topOnly, 'without children');
        this.time = timeFilter((range) => this.set(range));
        this.clearButton = h('button', { type: 'button', class: 'button button-quiet', onclick: () => this.clear() }, 'Clear');
        replace(this.fields, text, workflow, this.workflows, this.metadataSlot, this.parentSlot, this.topLabel, this.time.node, this.clearButton);
        this.fillSlots();
    }

    fillSlots() {
        const { query } = this.view;
        renew(this.metadataSlot, manyFilter({
            values: query.getAll('metadata'), label: 'Metadata, key:value', placeholder: 'metadata key:value',
            isGood: (text) => /^[^:]+:./.test(text),
        }, (metadata) => this.set({ metadata })));
        const parent = query.get('parent');
        const isFamily = parent !== null && parent !== 'none';
        this.topOnly.checked = parent === 'none';
        this.topLabel.hidden = isFamily;
        replace(this.parentSlot, isFamily && h('span', { class: 'pill' }, 'children of ',
            h('a', { href: href(`runs/${parent}`), class: 'mono' }, shortId(parent)),
            h('button', { type: 'button', class: 'pill-x', 'aria-label': 'Not only children', onclick: () => this.set({ parent: null }) }, '×')));
        this.time.update(query);
        this.clearButton.hidden = [...query.keys()].length === 0;
    }

    hasWorkflow(name) {
        return [...this.workflows.children].some((option) => option.value === name);
    }

    // Tasks of C are "mail:send", and their workflows "mail.send".
    async setWorkflow(text) {
        await this.loadWorkflows();
        const name = text.replace(':', '.');
        this.set({ workflow: !this.hasWorkflow(text) && this.hasWorkflow(name) ? name : text });
    }

    async loadWorkflows() {
        if (this.workflows.childElementCount > 0) {
            return;
        }
        try {
            const { rows } = await get('workflows', {}, { signal: this.view.signal });
            replace(this.workflows, rows.map((row) => h('option', { value: row.name })));
        } catch {
            // The field works without.
        }
    }

    set(changes, push = false) {
        const query = {};
        for (const name of ['status', 'metadata']) {
            query[name] = this.view.query.getAll(name);
        }
        for (const name of ['text', 'workflow', 'parent', 'last', 'since', 'until']) {
            query[name] = this.view.query.get(name);
        }
        this.view.setQuery({ ...query, ...changes }, { push });
        this.fillSlots();
        this.list = new LiveList();
        this.search(false);
    }

    clear() {
        this.view.setQuery({});
        this.makeFields();
        this.list = new LiveList();
        this.search(false);
    }

    filter() {
        const { query } = this.view;
        return {
            status: query.getAll('status'), metadata: query.getAll('metadata'), text: query.get('text'),
            workflow: query.get('workflow'), parent: query.get('parent'), ...rangeOf(query),
        };
    }

    // The search and what keeps it up to date

    async search(isKept) {
        this.controller?.abort();
        const controller = new AbortController();
        this.controller = controller;
        const signal = AbortSignal.any([controller.signal, this.view.signal]);
        this.signal = signal;
        this.pending = false;
        this.newer.hidden = true;
        this.showChips();
        if (isKept) {
            this.show();
            this.lookAtEnd();
        } else {
            this.fillNothing('');
            this.show();
            if (!await this.more()) {
                return;
            }
        }
        poll(() => this.refresh(signal), { interval: 2000, signal, tell: this.view.tell });
        poll(() => this.refreshChart(signal), { interval: 5000, signal });
    }

    // The next page. False when that did not work or was given up.
    async more() {
        const { signal, list } = this;
        const before = list.next;
        const limit = before === null ? pageSize : laterPageSize;
        if (this.isLoading === signal) {
            return false;
        }
        this.isLoading = signal;
        try {
            refuseWrong(this.filter());
            const answer = await getRows('runs', { ...this.filter(), before }, {
                limit, signal,
                progress: (state) => {
                    this.showFoot(state.next === null || state.rows.length >= limit ? null : state.searched_to_ms);
                    return this.stopped !== signal;
                },
            });
            list.append(answer, before);
            this.isLoading = false;
            this.show();
            this.lookAtEnd();
            return true;
        } catch (error) {
            if (!isAbort(error) && !signal.aborted) {
                this.isLoading = false;
                this.fillFoot('', null);
                this.fillNothing(error.message, () => problem(error, () => this.search(list.rows.length > 0)));
                this.table.hidden = list.rows.length === 0;
            }
            return false;
        }
    }

    pinned() {
        const focused = document.activeElement?.closest?.('[data-row]')?.dataset.row;
        return new Set(focused === undefined ? this.chosen : [...this.chosen, focused]);
    }

    isAtTop() {
        return this.table.getBoundingClientRect().top > 0;
    }

    async refresh(signal) {
        const { list } = this;
        const answer = await get('runs', { ...this.filter(), limit: pageSize }, { signal });
        const pinned = this.pinned();
        const known = list.ids;
        const added = answer.rows.filter((row) => !known.has(row.id));
        if (added.length > 0 && !this.isAtTop()) {
            this.pending = true; // and only what is there is brought up to date
            list.refreshTop(answer, pageSize, pinned, (id) => known.has(id));
            this.newer.hidden = false;
            replace(this.newer, added.length === pageSize ? `More than ${pageSize} new runs ↑` : `${counted(added.length, 'new run')} ↑`);
        } else {
            this.pending = false;
            this.newer.hidden = true;
            if (!list.refreshTop(answer, pageSize, pinned)) {
                list.reset(answer);
            }
        }
        const seen = this.visibleIds();
        for (const chunk of list.chunksOf(seen, (row) => !hasEnded(row.status))) {
            const part = await get('runs', { ...this.filter(), before: chunk.before, limit: Math.max(1, chunk.ids.length) }, { signal });
            list.refreshChunk(chunk, part, pinned);
        }
        this.show();
    }

    async refreshChart(signal) {
        const answer = await get('runs/histogram', { ...this.filter(), status: null, buckets: window.innerWidth < 640 ? 45 : 90 }, { signal });
        this.totals = answer.totals;
        this.isComplete = answer.is_complete;
        this.chart.update(answer, this.view.query.getAll('status'));
        this.showChips();
    }

    visibleIds() {
        const rows = [...this.body.children].filter((row) => {
            const { top, bottom } = row.getBoundingClientRect();
            return bottom > 0 && top < window.innerHeight;
        });
        return new Set(rows.map((row) => row.dataset.row));
    }

    showNewer() {
        window.scrollTo(0, 0);
        this.list = new LiveList();
        this.search(false);
    }

    watchEnd() {
        const observer = new IntersectionObserver(([entry]) => {
            if (entry.isIntersecting && this.list.rows.length > 0 && this.list.next !== null && !this.isLoading &&
                this.stopped !== this.signal) {
                this.more();
            }
        }, { rootMargin: '400px' });
        // Looked at anew after each page: the end may still be in sight.
        this.lookAtEnd = () => {
            observer.unobserve(this.foot);
            observer.observe(this.foot);
        };
        this.view.signal.addEventListener('abort', () => observer.disconnect());
    }

    // What is seen

    show() {
        const { list } = this;
        showRows(this.body, list.rows, {
            chosen: this.chosen, choose: (id, isChosen) => this.choose(id, isChosen),
        });
        keepReachable(this.body);
        this.table.hidden = list.rows.length === 0;
        this.overTime.hidden = list.rows.length === 0 && list.chunks.length > 0 && [...this.view.query.keys()].length === 0;
        this.showFoot(null);
        if (list.rows.length > 0 || this.isLoading) {
            this.fillNothing('');
        } else if (list.chunks.length > 0) {
            this.showNothing();
        }
    }

    // searchedTo: of a search that is under way.
    showFoot(searchedTo) {
        const { list } = this;
        const shown = counted(list.rows.length, 'run');
        if (this.isLoading && this.isLoading === this.signal) {
            this.fillFoot(searchedTo === null ? 'Loading …' : `Searched back to ${time(searchedTo, now())} …`,
                searchedTo !== null && ['Stop', () => { this.stopped = this.signal; }]);
        } else if (list.next !== null) {
            this.fillFoot(list.rows.length > 0 ? `${shown}, back to ${time(list.rows.at(-1).created_at_ms, now())}` : 'None found so far',
                ['Load more', () => { this.stopped = null; this.more(); }]);
        } else {
            this.fillFoot(list.rows.length > 0 ? `All ${shown}` : '', null);
        }
    }

    // Only where it changes, as it is read out to those who do not see it.
    fillFoot(text, action) {
        const key = `${text} ${action ? action[0] : ''}`;
        if (this.footKey !== key) {
            this.footKey = key;
            renew(this.foot, text, action && h('button', { type: 'button', class: 'button', onclick: action[1] }, action[0]));
        }
    }

    // The same, for who is about to press or to copy what stands there.
    fillNothing(key, make = () => null) {
        if (this.nothingKey !== key) {
            this.nothingKey = key;
            replace(this.nothing, make());
        }
    }

    showNothing() {
        if (this.list.next !== null) {
            this.fillNothing('');
        } else if ([...this.view.query.keys()].length > 0) {
            this.fillNothing('no match', () => empty('No run matches',
                h('p', null, 'Nothing in this file is like that.'),
                h('button', { type: 'button', class: 'button', onclick: () => this.clear() }, 'Clear the filters')));
        } else {
            this.fillNothing('no run', noRuns);
        }
    }

    showChips() {
        const { query } = this.view;
        const chosen = query.getAll('status');
        // Kept as nodes, so that the focus stays on the one that was pressed.
        this.chipNodes ??= new Map(allStatuses.map((status) => {
            const number = h('span', { class: 'chip-count' });
            const node = h('button', { type: 'button', class: 'chip', onclick: () => this.toggleStatus(status) },
                statusMark(status), h('span', null, statusName(status)), number);
            return [status, { node, number }];
        }));
        for (const [status, { node, number }] of this.chipNodes) {
            node.setAttribute('aria-pressed', String(chosen.includes(status)));
            replace(number, count(this.totals[status] ?? 0), this.isComplete === false && '+');
        }
        if (this.chips.childElementCount === 0) {
            replace(this.chips, [...this.chipNodes.values()].map(({ node }) => node));
        }
        renew(this.stretch, rangePill(query, (range) => this.set(range)));
    }

    toggleStatus(status) {
        const chosen = this.view.query.getAll('status');
        this.set({ status: chosen.includes(status) ? chosen.filter((one) => one !== status) : [...chosen, status] });
    }

    // Two runs to compare

    choose(id, isChosen) {
        this.chosen.delete(id);
        if (isChosen) {
            this.chosen.add(id);
            if (this.chosen.size > 2) {
                this.chosen.delete([...this.chosen][0]); // the one that was chosen first
            }
        }
        this.show();
        this.showCompare();
    }

    toggleFocused() {
        const id = document.activeElement?.closest?.('[data-row]')?.dataset.row;
        if (id !== undefined) {
            this.choose(id, !this.chosen.has(id));
        }
    }

    goCompare() {
        if (this.chosen.size === 2) {
            const [a, b] = this.chosen;
            navigate(href('compare', { a, b }));
        }
    }

    showCompare() {
        const [a, b] = this.chosen;
        this.compare.hidden = this.chosen.size === 0;
        const names = [a, b].filter((id) => id !== undefined).map((id) => {
            const run = this.list.rows.find((row) => row.id === id);
            return h('span', { class: 'pill' }, run === undefined ? '' : `${run.workflow} ${clock(run.created_at_ms)}`, ' ',
                h('span', { class: 'mono faint' }, id.slice(-8)));
        });
        replace(this.compare, names, b === undefined ? h('span', { class: 'soft' }, 'Choose one more to compare')
            : h('a', { class: 'button button-main', href: href('compare', { a, b }) }, 'Compare'),
        h('button', {
            type: 'button', class: 'button button-quiet', onclick: () => {
                this.chosen.clear();
                this.show();
                this.showCompare();
            },
        }, 'Clear'));
    }
}

// What to do in a file without runs.
function noRuns() {
    if (server.meta.read_only) {
        return empty('This file has no runs', h('p', null, 'A file with some is made by'), command('cleat demo --db demo.db'));
    }
    const url = new URL(`api/v1/stable/tenants/${server.tenant.id}/workflow-runs/trigger`, document.baseURI);
    const authorization = token.get() === null ? '' : ' -H "Authorization: Bearer $HATCHET_CLIENT_TOKEN"';
    return empty('No run yet',
        h('p', null, 'Start a worker, whose workflows are then ', h('a', { href: 'workflows' }, 'listed'), ', and a run of one of them, from a program or from here:'),
        command(`curl -X POST ${url}${authorization} -H 'Content-Type: application/json' -d '{"workflowName":"NAME","input":{}}'`),
        h('p', null, 'It shows up by itself.'));
}
