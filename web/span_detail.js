// All about one span, or one trace: beside a waterfall. What the picture knows is there at once, the rest is fetched.

import { get, isAbort } from './api.js';
import { h, renew, replace } from './dom.js';
import { count, counted, duration, fullTime, shortId } from './format.js';
import { copyButton, spinner, statusLabel } from './parts.js';
import { href } from './router.js';
import { kinds, spanLabel, WORK } from './waterfall_model.js';
import { underWay } from './waterfall_live.js';
import { exactDuration } from './waterfall_scale.js';

const kindNames = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const stateNames = ['', 'ok', 'error'];
const waitNames = { queue: 'waiting in the queue', backoff: 'back-off before the next attempt', delay: 'delay of a schedule', sleep: 'asleep, or waiting' };

export const spanHref = (traceId, spanId) => href(`traces/${traceId}`, { span: spanId });

function facts(rows) {
    return h('dl', { class: 'facts' }, rows.filter(Boolean).map(([name, ...value]) => [h('dt', null, name), h('dd', null, value)]));
}

function section(title, ...children) {
    return h('section', { class: 'detail-part' }, h('h3', null, title), children);
}

export function valueText(value) {
    return typeof value === 'string' ? value : JSON.stringify(value);
}

function attributes(map) {
    return h('dl', { class: 'attributes' }, Object.entries(map).map(([key, value]) => [
        h('dt', null, key), h('dd', { class: `mono${typeof value === 'string' ? '' : ' is-plain'}` }, valueText(value))]));
}

const idWithCopy = (id) => [h('span', { class: 'mono' }, id), copyButton(id)];

export class SpanDetail {
    // jump(traceId, spanId): answers true when it went there; else the link is followed.
    constructor({ signal, jump, close }) {
        this.signal = signal;
        this.jump = jump;
        this.close = close;
        this.controller = null;
        this.key = null;
        this.span = null; // as the API has it, once it is there
        this.loading = null;
        this.node = h('aside', { class: 'wf-detail', 'aria-label': 'Details', tabindex: '-1', hidden: true });
    }

    hide() {
        this.controller?.abort();
        this.key = null;
        this.span = null;
        this.node.hidden = true;
        replace(this.node);
    }

    heading(text, note) {
        return h('header', { class: 'detail-head' }, h('h2', null, text), note !== '' && h('span', { class: 'soft' }, note),
            h('button', { type: 'button', class: 'button button-quiet detail-close', 'aria-label': 'Close details', title: 'Close (Esc)', onclick: this.close }, '×'));
    }

    showTrace(picture, band) {
        this.controller?.abort();
        this.key = band.trace.id;
        this.span = null;
        this.node.hidden = false;
        const { trace } = band;
        const run = picture.view.runs[trace.run];
        const isLive = trace.id === underWay;
        replace(this.node, this.heading(picture.bandLabel(band), isLive ? '' : 'trace'),
            isLive ? h('p', { class: 'soft detail-part' }, 'Spans come when they have ended. Until then this is where its runs are.') : facts([
                ['Trace', h('a', { href: href(`traces/${trace.id}`), class: 'mono' }, trace.id), copyButton(trace.id)],
                ['Spans', trace.shown < trace.span_count ? `${count(trace.shown)} of ${count(trace.span_count)} in this picture` : count(trace.span_count)],
                trace.error_count > 0 && ['Errors', h('span', { class: 'bad' }, count(trace.error_count))],
                ['Offset', h('span', { title: 'Since the start of this picture' }, `+${exactDuration(band.start)}`)], ['Took', exactDuration(band.end - band.start)],
                run !== undefined && ['Run', this.runLink(run)],
                trace.attempt > 0 && ['Attempt', String(trace.attempt)]]));
    }

    runLink(run) {
        return [statusLabel(run.status), ' ', h('a', { href: href(`runs/${run.id}`) }, run.workflow ?? run.task ?? shortId(run.id)),
            h('span', { class: 'mono faint' }, ` ${shortId(run.id)}`)];
    }

    // Shows a span; the same one again only where `again` says that it may have more by now.
    show(picture, span, { again = false } = {}) {
        const key = picture.keyOf(span);
        if (key === this.key && !again) {
            return;
        }
        this.controller?.abort();
        this.controller = new AbortController();
        const isSame = key === this.key;
        this.key = key;
        this.node.hidden = false;
        const known = this.known(picture, span);
        if (!isSame) {
            this.span = null;
            this.node.scrollTop = 0;
            replace(this.node, known, picture.traceId(span) !== underWay && spinner('Loading …'));
        }
        if (picture.traceId(span) !== underWay) {
            this.loading = this.load(picture, span, known);
        }
    }

    known(picture, span) {
        const { text, note } = picture.label(span);
        const run = picture.runOf(span);
        const kind = picture.kind[span];
        const start = picture.view.start_ms === null ? null : picture.view.start_ms + picture.start[span] / 1e6;
        const isLive = picture.traceId(span) === underWay;
        return [
            this.heading(text, note),
            facts([
                picture.name[span] !== text && ['Name', h('span', { class: 'mono' }, picture.name[span])],
                kind !== WORK && ['What it is', waitNames[kinds[kind]]],
                ['Started', fullTime(start)], ['Offset', h('span', { title: 'Since the start of this picture' }, `+${exactDuration(picture.start[span])}`)],
                ['Took', isLive ? `${duration(picture.end[span] - picture.start[span])} so far` : exactDuration(picture.end[span] - picture.start[span])],
                picture.serviceOf(span) !== null && ['Service', picture.serviceOf(span)],
                run !== null && ['Run', this.runLink(run)],
                !isLive && ['Kind', kindNames[picture.otelKind[span]] ?? ''],
            ]),
        ];
    }

    async load(picture, span, known) {
        const { signal } = this.controller;
        const path = `traces/${picture.traceId(span)}/spans/${picture.id[span]}`;
        try {
            const detail = await get(path, {}, { signal: AbortSignal.any([signal, this.signal]) });
            if (!signal.aborted) {
                this.span = detail;
                this.fill(picture, detail, known, path);
            }
        } catch (error) {
            if (!isAbort(error) && !signal.aborted) {
                replace(this.node, known, h('p', { class: 'bad detail-part', role: 'alert' }, error.message));
            }
        }
    }

    // The span as the API has it, once it is there; null where it cannot be had.
    async loaded() {
        await this.loading;
        return this.span;
    }

    fill(picture, detail, known, path) {
        const { status, resource, scope } = detail;
        const number = (value) => (value > 0 ? `, ${count(value)} dropped` : '');
        const attributeCount = Object.keys(detail.attributes).length;
        renew(this.node, known,
            facts([
                status > 0 && ['Status', h('span', { class: status === 2 ? 'bad' : null }, stateNames[status]),
                    detail.status_message !== null && detail.status_message !== '' && h('span', { class: 'status-message' }, ` ${detail.status_message}`)],
                ['Span', idWithCopy(detail.span_id)],
                ['Trace', h('a', { href: href(`traces/${detail.trace_id}`, { span: detail.span_id }), class: 'mono' }, detail.trace_id), copyButton(detail.trace_id)],
                scope !== null && scope.name !== null && scope.name !== '' && ['Scope', `${scope.name} ${scope.version ?? ''}`],
            ]),
            detail.links.length > 0 && section(`${counted(detail.link_count ?? detail.links.length, 'link')}${number(detail.dropped_links)}`,
                this.list(picture, detail.links)),
            this.backLinks(picture, detail.back_links, path),
            attributeCount > 0 && section(`${counted(attributeCount, 'attribute')}${number(detail.dropped_attributes)}`, attributes(detail.attributes)),
            detail.events.length > 0 && section(`${counted(detail.event_count ?? detail.events.length, 'event')}${number(detail.dropped_events)}`, events(detail.events)),
            Object.keys(resource ?? {}).length > 0 && h('details', { class: 'detail-part' }, h('summary', null, 'Resource'), attributes(resource)));
    }

    list(picture, links) {
        return h('ul', { class: 'link-list' }, links.map((link) => this.linkRow(picture, link)));
    }

    linkRow(picture, link) {
        const there = picture.find(link.trace_id, link.span_id);
        const known = there >= 0 ? picture.label(there) : null;
        const isStored = known !== null || (link.name !== null && link.name !== undefined);
        const { text: name, note } = known ?? (isStored ? spanLabel(link.name, link.task ?? null, 0) : { text: 'a span that is not stored', note: '' });
        const jump = (event) => {
            if (!event.ctrlKey && !event.metaKey && event.button === 0 && this.jump(link.trace_id, link.span_id)) {
                event.preventDefault();
            }
        };
        const more = Object.entries(link.attributes ?? {}).filter(([key]) => key !== 'cleat.link.kind');
        return h('li', { class: there >= 0 ? `band-${picture.bands[picture.band[there]].colour + 1} is-here` : null },
            isStored ? h('a', {
                href: spanHref(link.trace_id, link.span_id), onclick: jump, title: known === null ? `${link.name}, in another trace than these` : picture.name[there],
            }, name, known === null && ' ↗') : h('span', { class: 'soft' }, name),
            note !== '' && h('span', { class: 'soft' }, note),
            link.kind !== null && link.kind !== undefined && h('span', { class: 'note' }, link.kind),
            h('span', { class: 'mono faint', title: `Trace ${link.trace_id}, span ${link.span_id}` }, shortId(link.trace_id)),
            more.length > 0 && attributes(Object.fromEntries(more)));
    }

    backLinks(picture, { total, rows, next, is_complete: isComplete }, path) {
        if (total === 0) {
            return null;
        }
        const list = this.list(picture, rows);
        const part = section(`${isComplete === false ? 'More than ' : ''}${counted(total, 'span')} ${total === 1 ? 'links' : 'link'} here`, list);
        const button = h('button', { type: 'button', class: 'button' }, 'More');
        let before = next;
        button.addEventListener('click', async () => {
            button.disabled = true;
            try {
                const page = (await get(path, { back_before: before }, { signal: this.signal })).back_links;
                list.append(...page.rows.map((link) => this.linkRow(picture, link)));
                before = page.next;
                button.hidden = before === null;
            } catch (error) {
                part.append(isAbort(error) ? '' : h('p', { class: 'bad', role: 'alert' }, error.message));
            }
            button.disabled = false;
        });
        button.hidden = before === null;
        part.append(button);
        return part;
    }
}

function events(list) {
    return h('ol', { class: 'event-list' }, list.map((event) => h('li', null,
        h('div', null, h('span', { class: 'num soft' }, exactDuration(event.offset_ns)), ' ', h('strong', null, event.name)),
        Object.keys(event.attributes ?? {}).length > 0 && attributes(event.attributes))));
}
