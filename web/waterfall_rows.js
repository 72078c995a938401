// The rows in sight as nodes of a treegrid: names in their tree, and for those who hear the page what the bars tell.

import { h, replace, s } from './dom.js';
import { count, counted, duration, shortId } from './format.js';
import { rowHeight } from './waterfall_draw.js';
import { bandOf, isBandRow } from './waterfall_model.js';
import { underWay } from './waterfall_live.js';

const step = 13;      // px that a level is further in
const deepest = 0.42; // of the width of names that levels may take

function chevron(isOpen, label) {
    return h('button', { type: 'button', class: 'wf-toggle', tabindex: '-1', 'aria-label': label },
        s('svg', { viewBox: '0 0 10 10', width: 10, height: 10, 'aria-hidden': 'true' },
            s('path', { d: isOpen ? 'M2 3.5 5 6.5 8 3.5' : 'M3.5 2 6.5 5 3.5 8' })));
}

const errorMark = (text) => h('span', { class: 'wf-bad', title: text, role: 'img', 'aria-label': text });

function headingCells(picture, band, isOpen) {
    const { trace } = band;
    const isLive = trace.id === underWay;
    const cut = trace.shown < trace.span_count ? `${count(trace.shown)} of ${counted(trace.span_count, 'span')}` : counted(trace.span_count, 'span');
    const name = picture.bandLabel(band);
    return [
        h('div', { role: 'rowheader', class: 'wf-name', title: isLive ? null : `${name}, trace ${trace.id}` },
            chevron(isOpen, isOpen ? 'Collapse' : 'Expand'), h('span', { class: 'wf-text' }, name),
            band.errors > 0 && errorMark(counted(band.errors, 'error')),
            trace.attempt > 1 && h('span', { class: 'wf-note' }, `attempt ${trace.attempt}`),
            h('span', { class: 'wf-count' }, isLive ? counted(trace.span_count, 'run') : cut),
            !isLive && h('span', { class: 'wf-id mono' }, shortId(trace.id))),
        h('div', { role: 'gridcell', class: 'unseen' }, `starts at ${duration(band.start)}, takes ${duration(band.end - band.start)}`),
    ];
}

function spanCells(picture, span, isOpen, namesWidth) {
    const { text, note } = picture.label(span);
    const isError = picture.status[span] === 2;
    const below = picture.size[span] - 1;
    const indent = Math.min(picture.depth[span] * step, namesWidth * deepest);
    const links = picture.links[span] > 0 || picture.backLinks[span] > 0;
    return [
        h('div', { role: 'rowheader', class: 'wf-name', title: picture.name[span], style: { '--indent': `${indent}px` } },
            below > 0 ? chevron(isOpen, isOpen ? 'Collapse' : 'Expand') : h('span', { class: 'wf-leaf' }),
            h('span', { class: 'wf-text' }, text), isError && errorMark('failed'),
            note !== '' && h('span', { class: 'wf-note' }, note), !isOpen && below > 0 && h('span', { class: 'wf-count' }, `+${count(below)}`),
            links && linkCounts(picture, span)),
        h('div', { role: 'gridcell', class: 'unseen' },
            `starts at ${duration(picture.start[span])}, takes ${duration(picture.end[span] - picture.start[span])}`),
    ];
}

function linkCounts(picture, span) {
    const out = picture.links[span];
    const back = picture.backLinks[span];
    const text = [out > 0 && counted(out, 'link'), back > 0 && `${counted(back, 'span')} link${back === 1 ? 's' : ''} here`].filter(Boolean).join(', ');
    return h('span', { class: 'wf-links-of', title: text },
        back > 0 && h('span', null, `←${back > 1 ? count(back) : ''}`), out > 0 && h('span', null, `${out > 1 ? count(out) : ''}→`));
}

export class RowNodes {
    constructor(id, parent) {
        this.id = id;
        this.parent = parent;
        this.nodes = new Map();
    }

    idOf(row) {
        return isBandRow(row) ? `${this.id}-band-${bandOf(row)}` : `${this.id}-span-${row}`;
    }

    // The row of a node; undefined where it is none of those in sight.
    rowOf(node) {
        return [...this.nodes].find(([, entry]) => entry.node === node)?.[0];
    }

    clear() {
        this.nodes.clear();
        replace(this.parent);
    }

    // state: {picture, rows, selected, hits (Uint8Array or null), namesWidth}
    draw(state, from, to) {
        const stale = new Map(this.nodes);
        let next = this.parent.firstChild; // nodes stand in the order of rows, for those who hear them
        for (let index = from; index < to; index++) {
            const row = state.rows.at(index);
            stale.delete(row);
            const isOpen = state.rows.hasChildren(row) && !state.rows.isCollapsed(row);
            let entry = this.nodes.get(row);
            if (entry === undefined || entry.isOpen !== isOpen || entry.namesWidth !== state.namesWidth) {
                next = next === entry?.node ? next.nextSibling : next;
                entry?.node.remove();
                entry = { node: this.make(state, row, isOpen), isOpen, index: -1, namesWidth: state.namesWidth };
                this.nodes.set(row, entry);
            }
            if (entry.node === next) {
                next = next.nextSibling;
            } else {
                this.parent.insertBefore(entry.node, next);
            }
            this.place(entry, index, row, state);
        }
        for (const [row, { node }] of stale) {
            node.remove();
            this.nodes.delete(row);
        }
    }

    make(state, row, isOpen) {
        const { picture, rows, namesWidth } = state;
        const isBand = isBandRow(row);
        const band = picture.bands[isBand ? bandOf(row) : picture.band[row]];
        return h('div', {
            role: 'row', id: this.idOf(row), class: `wf-row band-${band.colour + 1}${isBand ? ' is-band' : ''}`,
            'aria-level': isBand ? 1 : picture.depth[row] + 2, 'aria-expanded': rows.hasChildren(row) ? String(isOpen) : null,
        }, isBand ? headingCells(picture, band, isOpen) : spanCells(picture, row, isOpen, namesWidth));
    }

    place(entry, index, row, { selected, hits }) {
        const { node } = entry;
        if (entry.index !== index) {
            entry.index = index;
            node.style.setProperty('transform', `translateY(${index * rowHeight}px)`);
            node.setAttribute('aria-rowindex', index + 1);
        }
        node.setAttribute('aria-selected', String(row === selected));
        node.classList.toggle('is-hit', !isBandRow(row) && hits !== null && hits[row] === 1);
    }

    // The heading of the band that is in sight, once its own row is not.
    heading(state, band) {
        const node = this.make(state, -1 - band, !state.rows.isCollapsed(-1 - band));
        node.removeAttribute('id');
        node.setAttribute('aria-hidden', 'true');
        node.removeAttribute('role');
        return node;
    }
}
