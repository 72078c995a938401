// The picture of a waterfall: what a VIEW of the API says, in arrays by span, and the rows that are seen of it.
// Nothing here touches the page.
//
// Spans are numbered as they come: by trace, then depth first. So what is below a span is the stretch behind it, of
// size[span] - 1 spans, and a trace is one stretch too: its band. A row is a number: that of its span, or -1 - b, the
// heading of band b.

import { parseDuration } from './format.js';
import { underWay } from './waterfall_live.js';

// What time went to: the names of engine and SDK tell it.
export const WORK = 0;
export const QUEUE = 1;
export const BACKOFF = 2;
export const DELAY = 3;
export const SLEEP = 4;
export const kinds = ['work', 'queue', 'backoff', 'delay', 'sleep'];
export const colourCount = 8;

const engine = 'hatchet.engine.';
const plainNames = new Map([
    ['hatchet.engine.queued', 'queued'], ['hatchet.engine.retry_backoff', 'back-off'], ['hatchet.engine.schedule_delay', 'schedule delay'],
    ['hatchet.engine.workflow_run', 'triggered'], ['hatchet.durable.wait_for', 'waits'], ['hatchet.engine.durable_wait', 'waits'],
]);
const waitKinds = new Map([[`${engine}queued`, QUEUE], [`${engine}retry_backoff`, BACKOFF], [`${engine}schedule_delay`, DELAY]]);

export function kindOf(name) {
    if (name === 'hatchet.durable.wait_for' || name.startsWith(`${engine}durable`)) {
        return SLEEP;
    }
    return waitKinds.get(name) ?? WORK;
}

// {text, note}: how a row names a span. The task of an execution says more than that it is one.
export function spanLabel(name, task, attempt) {
    const plain = plainNames.get(name);
    if (plain !== undefined) {
        return { text: plain, note: '' };
    }
    if (name.startsWith('hatchet.start_step_run') && task !== null) {
        return { text: task, note: attempt > 1 ? `attempt ${attempt}` : '' };
    }
    const short = name.startsWith('hatchet.') ? name.slice('hatchet.'.length) : name;
    return { text: short === '' ? '(no name)' : short.replaceAll('_', name === short ? '_' : ' '), note: task !== null && !name.endsWith(task) ? task : '' };
}

// What a trace is called: its root's task, else its root.
export const traceLabel = (name, task) => task ?? spanLabel(name ?? '', null, 0).text;

export const bandRow = (band) => -1 - band;
export const isBandRow = (row) => row < 0;
export const bandOf = (row) => -1 - row;

// Traces keep their colour when a later view has more of them.
export function bandColours(traces, known = new Map()) {
    for (const trace of traces) {
        if (!known.has(trace.id)) {
            known.set(trace.id, known.size % colourCount);
        }
    }
    return known;
}

function columnsOf(view, count) {
    const at = Object.fromEntries(view.span_columns.map((name, index) => [name, index]));
    const ints = (name) => Int32Array.from(view.spans, (span) => span[at[name]]);
    const doubles = (name) => Float64Array.from(view.spans, (span) => span[at[name]]);
    const values = (name) => view.spans.map((span) => span[at[name]]);
    const start = doubles('start_ns');
    const length = doubles('duration_ns');
    return {
        count, start, end: start.map((from, index) => from + length[index]), band: ints('trace'), parent: ints('parent'),
        name: values('name'), task: values('task'), id: values('span_id'), otelKind: ints('kind'), status: ints('status'),
        service: ints('service'), run: ints('run'), attempt: ints('attempt'), events: ints('events'), links: ints('links'),
        backLinks: ints('back_links'),
    };
}

// Links by their ends: those of a span are order[first[span]] .. order[first[span + 1] - 1].
function indexLinks(ends, count) {
    const first = new Int32Array(count + 1);
    for (const end of ends) {
        if (end >= 0) {
            first[end + 1]++;
        }
    }
    for (let i = 0; i < count; i++) {
        first[i + 1] += first[i];
    }
    const next = first.slice();
    const order = new Int32Array(first[count]);
    ends.forEach((end, link) => {
        if (end >= 0) {
            order[next[end]++] = link;
        }
    });
    return { first, order };
}

const linked = ({ first, order }, span) => order.subarray(first[span], first[span + 1]);

export class Picture {
    // A VIEW as the API answers; colours: of an earlier picture.
    constructor(view, colours = new Map()) {
        this.view = view;
        Object.assign(this, columnsOf(view, view.spans.length));
        this.kind = Uint8Array.from(this.name, kindOf);
        this.measure();
        this.colours = bandColours(view.traces, colours);
        this.makeBands();
        this.linkFrom = Int32Array.from(view.links, (link) => link[0]);
        this.linkTo = Int32Array.from(view.links, (link) => link[1]);
        this.byFrom = indexLinks(this.linkFrom, this.count);
        this.byTo = indexLinks(this.linkTo, this.count);
        this.places = null;
        this.indexEvents(view.span_events ?? []);
        this.duration = Math.max(1, view.duration_ns, ...this.bands.map((band) => band.end));
    }

    measure() {
        const { count, parent } = this;
        this.depth = new Int32Array(count);
        this.size = new Int32Array(count).fill(1);
        for (let i = 0; i < count; i++) {
            if (parent[i] >= i) {
                parent[i] = -1;
            }
            this.depth[i] = parent[i] < 0 ? 0 : this.depth[parent[i]] + 1;
        }
        for (let i = count - 1; i >= 0; i--) {
            if (parent[i] >= 0) {
                this.size[parent[i]] += this.size[i];
            }
        }
    }

    makeBands() {
        let first = 0;
        this.bands = this.view.traces.map((trace, index) => {
            const start = first;
            let end = 0;
            let errors = 0;
            while (first < this.count && this.band[first] === index) {
                end = Math.max(end, this.end[first]);
                errors += this.status[first] === 2 ? 1 : 0;
                first++;
            }
            return {
                index, trace, first: start, count: first - start, errors, start: trace.start_ns,
                end: Math.max(trace.end_ns, end), colour: this.colours.get(trace.id),
            };
        });
    }

    // Times of events since the start of their span, of as many as the view has.
    indexEvents(events) {
        this.eventFirst = new Int32Array(this.count + 1);
        for (const [span] of events) {
            this.eventFirst[span + 1]++;
        }
        for (let i = 0; i < this.count; i++) {
            this.eventFirst[i + 1] += this.eventFirst[i];
        }
        this.eventOffsets = Float64Array.from(events, (event) => event[1]);
        this.eventNames = events.map((event) => event[2]);
    }

    eventsOf(span) {
        return this.eventOffsets.subarray(this.eventFirst[span], this.eventFirst[span + 1]);
    }

    // The names of events near a time: [{name, offset}].
    eventsAt(span, from, to) {
        const found = [];
        for (let i = this.eventFirst[span]; i < this.eventFirst[span + 1]; i++) {
            const at = this.start[span] + this.eventOffsets[i];
            if (at >= from && at <= to) {
                found.push({ name: this.eventNames[i], offset: this.eventOffsets[i] });
            }
        }
        return found;
    }

    // It has not ended: it is what its run is at right now.
    isOpen(span) {
        return this.traceId(span) === underWay && this.end[span] >= this.duration;
    }

    label(span) {
        const label = spanLabel(this.name[span], this.task[span], this.attempt[span]);
        // What is under way is told apart by whose it is.
        return this.traceId(span) === underWay && this.parent[span] < 0
            ? { text: this.task[span] ?? label.text, note: plainNames.get(this.name[span]) ?? 'works' } : label;
    }

    bandLabel(band) {
        return traceLabel(band.trace.name, band.trace.task);
    }

    serviceOf(span) {
        return this.view.services[this.service[span]] ?? null;
    }

    runOf(span) {
        return this.view.runs[this.run[span]] ?? null;
    }

    traceId(span) {
        return this.view.traces[this.band[span]].id;
    }

    // Names of links that leave this span, and that come to it: indexes into view.links.
    linksFrom(span) {
        return linked(this.byFrom, span);
    }

    linksTo(span) {
        return linked(this.byTo, span);
    }

    find(traceId, spanId) {
        if (this.places === null) {
            this.places = new Map(this.id.map((id, span) => [`${this.traceId(span)}/${id}`, span]));
        }
        return this.places.get(`${traceId}/${spanId}`) ?? -1;
    }

    isBelow(span, ancestor) {
        return span >= ancestor && span < ancestor + this.size[ancestor];
    }

    keyOf(row) {
        return isBandRow(row) ? this.bands[bandOf(row)].trace.id : `${this.traceId(row)}/${this.id[row]}`;
    }
}

// What of a picture is seen: what is collapsed (by key, so that it outlives the picture), and what a search keeps.
export class Rows {
    constructor(picture, collapsed = new Set(), keep = null) {
        this.picture = picture;
        this.collapsed = collapsed;
        this.keep = keep; // Uint8Array by span, or null for all
        this.readCollapsed();
        this.build();
    }

    // The same by number, as rows are built often.
    readCollapsed() {
        const { picture } = this;
        const bands = new Map(picture.bands.map((band) => [band.trace.id, band.index]));
        this.closed = new Uint8Array(picture.count);
        this.closedBands = new Uint8Array(picture.bands.length);
        for (const key of this.collapsed) {
            const [trace, id] = key.split('/');
            const span = id === undefined ? -1 : picture.find(trace, id);
            if (span >= 0) {
                this.closed[span] = 1;
            } else if (id === undefined && bands.has(trace)) {
                this.closedBands[bands.get(trace)] = 1;
            }
        }
    }

    isCollapsed(row) {
        return (isBandRow(row) ? this.closedBands[bandOf(row)] : this.closed[row]) === 1;
    }

    build() {
        const { picture, keep } = this;
        const list = new Int32Array(picture.count + picture.bands.length);
        this.rowOf = new Int32Array(picture.count).fill(-1); // the row that a span is seen in, or that hides it
        this.headOf = new Int32Array(picture.bands.length).fill(-1);
        this.shownCount = 0;
        let length = 0;
        for (const band of picture.bands) {
            const end = band.first + band.count;
            if (keep !== null && !hasKept(keep, band.first, end)) {
                continue;
            }
            const head = length;
            this.headOf[band.index] = head;
            list[length++] = bandRow(band.index);
            let skipTo = this.closedBands[band.index] === 1 ? end : band.first;
            this.rowOf.fill(head, band.first, skipTo);
            for (let span = skipTo; span < end; span++) {
                if (keep !== null && keep[span] === 0) {
                    const above = picture.parent[span];
                    this.rowOf[span] = above < 0 ? head : this.rowOf[above];
                    continue;
                }
                this.rowOf[span] = length;
                list[length++] = span;
                if (this.closed[span] === 1) {
                    skipTo = span + picture.size[span];
                    this.rowOf.fill(length - 1, span + 1, skipTo);
                    span = skipTo - 1;
                }
            }
        }
        this.list = list.subarray(0, length);
        this.length = length;
    }

    at(index) {
        return this.list[index];
    }

    indexOf(row) {
        const index = isBandRow(row) ? this.headOf[bandOf(row)] ?? -1 : this.rowOf[row] ?? -1;
        return index >= 0 && this.list[index] === row ? index : -1;
    }

    hasChildren(row) {
        return isBandRow(row) ? this.picture.bands[bandOf(row)].count > 0 : this.picture.size[row] > 1;
    }

    // Which heading stands above a row.
    bandAt(index) {
        const row = this.list[index];
        return isBandRow(row) ? bandOf(row) : this.picture.band[row];
    }

    // Returns true when it changed anything.
    set(row, isCollapsed) {
        if (!this.hasChildren(row) || this.isCollapsed(row) === isCollapsed) {
            return false;
        }
        this.mark(row, isCollapsed);
        this.build();
        return true;
    }

    // A span and all below it, or a band with all in it.
    setAll(row, isCollapsed) {
        const { picture } = this;
        const band = isBandRow(row) ? picture.bands[bandOf(row)] : null;
        const [from, to] = band === null ? [row, row + picture.size[row]] : [band.first, band.first + band.count];
        for (let span = from; span < to; span++) {
            this.mark(span, isCollapsed);
        }
        if (band !== null) {
            this.mark(row, isCollapsed);
        }
        this.build();
    }

    mark(row, isCollapsed) {
        if (this.isCollapsed(row) !== isCollapsed && this.hasChildren(row)) {
            this.collapsed[isCollapsed ? 'add' : 'delete'](this.picture.keyOf(row));
            if (isBandRow(row)) {
                this.closedBands[bandOf(row)] = isCollapsed ? 1 : 0;
            } else {
                this.closed[row] = isCollapsed ? 1 : 0;
            }
        }
    }

    // All bands, and spans with children too where they are opened.
    setEverything(isCollapsed) {
        this.collapsed.clear();
        if (isCollapsed) {
            this.picture.bands.forEach((band) => this.collapsed.add(band.trace.id));
        }
        this.readCollapsed();
        this.build();
    }

    // Opens what hides a span; returns its row's index, -1 when the search leaves it out.
    reveal(span) {
        const { picture } = this;
        const before = this.collapsed.size;
        for (let above = this.parentRow(span); above !== null; above = this.parentRow(above)) {
            this.mark(above, false);
        }
        if (this.collapsed.size !== before) {
            this.build();
        }
        return this.indexOf(span);
    }

    parentRow(row) {
        if (isBandRow(row)) {
            return null;
        }
        const above = this.picture.parent[row];
        return above >= 0 ? above : bandRow(this.picture.band[row]);
    }
}

function hasKept(keep, from, to) {
    for (let span = from; span < to; span++) {
        if (keep[span] !== 0) {
            return true;
        }
    }
    return false;
}

// Many bands are headings first: each shows in one row what its trace did. Those of the picture's own run stay open.
export function initialCollapse(picture, { most = 12, rows = 100 } = {}) {
    const closed = new Set();
    if (picture.bands.length <= most || picture.count + picture.bands.length <= rows) {
        return closed;
    }
    for (const band of picture.bands) {
        if (band.trace.run !== 0 && band.index !== 0) {
            closed.add(band.trace.id);
        }
    }
    return closed;
}

const states = new Map([
    ['is:error', (picture, span) => picture.status[span] === 2],
    ['is:wait', (picture, span) => picture.kind[span] !== WORK],
    ['is:linked', (picture, span) => picture.links[span] > 0 || picture.backLinks[span] > 0],
]);

// Searching: words that all have to be in name, task, service or id of a span; is:error, is:wait, is:linked; ">10ms", "<1s".
export function searchTests(text) {
    return text.trim().toLowerCase().split(/\s+/).filter((word) => word !== '').map((word) => {
        const limit = /^[<>]/.test(word) ? parseDuration(word.slice(1)) : null;
        if (limit !== null) {
            return word[0] === '>' ? (picture, span) => picture.end[span] - picture.start[span] > limit
                : (picture, span) => picture.end[span] - picture.start[span] < limit;
        }
        return states.get(word) ?? ((picture, span) => contains(picture, span, word));
    });
}

function contains(picture, span, word) {
    return picture.name[span].toLowerCase().includes(word) || (picture.task[span] ?? '').toLowerCase().includes(word) ||
        (picture.serviceOf(span) ?? '').toLowerCase().includes(word) || picture.id[span].startsWith(word) ||
        (word.length >= 8 && picture.traceId(span).startsWith(word)) ||
        picture.label(span).text.toLowerCase().includes(word);
}

// The spans that match, in order.
export function search(picture, text) {
    const tests = searchTests(text);
    const hits = [];
    if (tests.length > 0) {
        for (let span = 0; span < picture.count; span++) {
            if (tests.every((test) => test(picture, span))) {
                hits.push(span);
            }
        }
    }
    return hits;
}

// Those spans and what is above them.
export function keepOf(picture, hits) {
    const keep = new Uint8Array(picture.count);
    for (const hit of hits) {
        for (let span = hit; span >= 0 && keep[span] === 0; span = picture.parent[span]) {
            keep[span] = 1;
        }
    }
    return keep;
}
