// The waterfall: all traces of a VIEW on one axis of time, each a band of rows, links between them as curves.
//
// Rows are nodes and bars an <svg>, both for the rows in sight and some around them only, placed where they belong
// in a tall element that the browser scrolls: so scrolling itself costs no script, until new rows come into sight.
// waterfall_model.js knows what is seen, waterfall_draw.js draws it, waterfall_moves.js hears keys and pointers.

import { h, renew, replace, s } from './dom.js';
import { count, counted } from './format.js';
import { navigate } from './router.js';
import { SpanDetail, spanHref } from './span_detail.js';
import { hideTip } from './tip.js';
import { axisNodes, Drawing, legend, rowHeight } from './waterfall_draw.js';
import { Minimap } from './waterfall_minimap.js';
import { bandOf, initialCollapse, isBandRow, keepOf, Picture, Rows, search } from './waterfall_model.js';
import { Moves } from './waterfall_moves.js';
import { RowNodes } from './waterfall_rows.js';
import { Scale } from './waterfall_scale.js';
import { Search } from './waterfall_search.js';

const around = 24;     // rows drawn above and below those in sight
const nearEdge = 6;    // so few of them left: draw anew
const calmMs = 80;
const minimapHeight = 44;
const axisHeight = 24;
const leastNames = 120;
export const spansMost = 20000; // that the API gives at once

export class Waterfall {
    // options: label; signal; select(key) hears of the selected row's `TRACE/SPAN` or trace; duration: of the
    // axis at least, where pictures are compared; isSmall leaves out what a small place has no room for;
    // more() reads a view that shows more spans, where that is possible
    constructor({ label, signal, select = () => {}, more = null, duration = 0, isSmall = false, kept = null }) {
        Object.assign(this, { signal, onSelect: select, onMore: more, leastDuration: duration, isSmall });
        this.picture = null;
        this.rows = null;
        this.selected = null; // a row
        this.hovered = null;
        this.hits = null;     // Uint8Array by span
        this.colours = new Map();
        this.kept = kept;
        this.drawn = { from: 0, to: 0 };
        this.frame = 0;
        this.scale = new Scale(1);
        this.makeNodes(label);
        this.moves = new Moves(this);
        this.observe();
    }

    // What somebody who comes back finds again.
    state() {
        return {
            collapsed: this.rows?.collapsed, from: this.scale.from, to: this.scale.to, isWhole: this.scale.isWhole, top: this.scroll.scrollTop,
            selected: this.selected === null ? null : this.picture.keyOf(this.selected), isOpen: !this.detail.node.hidden, names: this.names,
        };
    }

    // Nodes

    makeNodes(label) {
        this.drawing = new Drawing();
        const { id } = this.drawing;
        this.search = new Search(this);
        this.detail = new SpanDetail({ signal: this.signal, jump: (trace, span) => this.jump(trace, span), close: () => this.closeDetail() });
        this.minimap = new Minimap({ height: minimapHeight, signal: this.signal, change: (from, to) => this.setZoom(from, to) });
        this.axis = s('svg', { class: 'wf-axis', height: axisHeight, 'aria-hidden': 'true' });
        this.rowsNode = h('div', { role: 'presentation', class: 'wf-rows' });
        this.space = h('div', { role: 'presentation', class: 'wf-space' }, this.rowsNode, this.drawing.svg);
        this.sticky = h('div', { class: 'wf-sticky' });
        this.scroll = h('div', { class: 'wf-scroll', role: 'treegrid', tabindex: '0', id, 'aria-label': label }, this.sticky, this.space);
        this.rowNodes = new RowNodes(id, this.rowsNode);
        this.corner = h('div', { class: 'wf-corner' });
        this.brushNode = h('div', { class: 'wf-brush', hidden: true });
        this.split = h('div', { class: 'wf-split', role: 'separator', tabindex: '0', 'aria-valuemin': '60', 'aria-orientation': 'vertical', 'aria-label': 'Width of the names' });
        this.top = h('div', { class: 'wf-top' }, this.corner, h('div', { class: 'wf-time' }, this.minimap.node, this.axis));
        this.chart = h('div', { class: 'wf-chart' }, this.top, this.scroll, this.split, this.brushNode);
        this.note = h('p', { class: 'wf-cut', role: 'status', hidden: true });
        this.tools = this.makeTools();
        this.main = h('div', { class: 'wf-main' }, this.chart, this.detail.node);
        this.node = h('section', { class: `wf${this.isSmall ? ' is-small' : ''}`, 'aria-label': label }, this.tools, this.note, this.main,
            !this.isSmall && legend(id));
    }

    makeTools() {
        const button = (text, title, onclick) => h('button', { type: 'button', class: 'button button-quiet', title, 'aria-label': title, onclick }, text);
        this.resetButton = button('Fit', 'Show all of the time (0)', () => this.resetZoom());
        return h('div', { class: 'wf-tools' }, this.search.node,
            h('div', { class: 'wf-buttons' },
                button('Collapse', 'Collapse all', () => this.setEverything(true)), button('Expand', 'Expand all', () => this.setEverything(false)),
                h('span', { class: 'wf-gap' }), button('−', 'Zoom out (-)', () => this.zoom(1.6)), button('+', 'Zoom in (+)', () => this.zoom(1 / 1.6)), this.resetButton));
    }

    observe() {
        const observer = new ResizeObserver(() => this.measure());
        observer.observe(this.scroll);
        observer.observe(this.chart);
        this.scroll.addEventListener('scroll', () => this.schedule(), { signal: this.signal, passive: true });
        this.signal.addEventListener('abort', () => {
            observer.disconnect();
            cancelAnimationFrame(this.frame);
            hideTip();
        });
    }

    measure() {
        const width = this.scroll.clientWidth;
        this.viewHeight = this.scroll.clientHeight;
        if (width === 0 || this.picture === null) {
            return;
        }
        const names = Math.round(Math.min(width * 0.6, Math.max(Math.min(leastNames, width * 0.4), this.names ?? Math.min(380, width * (width < 500 ? 0.42 : 0.29)))));
        if (width !== this.width || names !== this.namesWidth) {
            this.width = width;
            this.namesWidth = names;
            this.chart.style.setProperty('--names', `${names}px`);
            this.split.setAttribute('aria-valuenow', names);
            this.split.setAttribute('aria-valuemax', Math.round(width * 0.6));
            this.scale.width = width - names - 8;
            for (const svg of [this.axis, this.minimap.svg]) { // as wide as what they show
                svg.setAttribute('width', this.scale.width);
            }
            this.minimap.draw(this.picture, this.scale);
            this.redraw();
        } else {
            this.schedule();
        }
    }

    // The picture

    // A view, the first one or a newer one of the same: what is selected, collapsed and in sight stays so.
    update(view) {
        const before = this.picture === null ? null : this.place();
        this.picture = new Picture(view, this.colours);
        const { picture } = this;
        const collapsed = this.rows?.collapsed ?? this.kept?.collapsed ?? initialCollapse(picture);
        const duration = Math.max(picture.duration, this.leastDuration);
        this.scale.resize(duration);
        this.rows = new Rows(picture, collapsed, null);
        this.applySearch();
        this.selected = before?.selected === undefined || before.selected === null ? null : this.rowOfKey(before.selected);
        this.hovered = null; // until the pointer moves: another row may have its number
        this.rowNodes.clear();
        this.showTexts();
        if (before === null) {
            this.restore();
        }
        this.width = -1;
        this.space.style.setProperty('height', `${this.rows.length * rowHeight}px`);
        this.measure();
        this.restorePlace(before);
        this.drawNow();
        if (!this.detail.node.hidden && this.selected !== null) {
            this.showDetail(before !== null && before.backLinks !== this.backLinks());
        }
    }

    restore() {
        const { kept } = this;
        if (kept === null) {
            return;
        }
        this.names = kept.names;
        if (!kept.isWhole) {
            this.scale.set(kept.from, kept.to);
        }
        this.selected = kept.selected === null ? null : this.rowOfKey(kept.selected);
        requestAnimationFrame(() => { this.scroll.scrollTop = kept.top; });
        if (kept.isOpen && this.selected !== null) {
            this.showDetail();
        }
    }

    backLinks() {
        return this.selected === null || isBandRow(this.selected) ? 0 : this.picture.backLinks[this.selected];
    }

    // What is in sight, by what outlives the picture.
    place() {
        const index = Math.min(this.rows.length - 1, Math.floor(this.scroll.scrollTop / rowHeight));
        return {
            selected: this.selected === null ? null : this.picture.keyOf(this.selected), backLinks: this.backLinks(),
            key: index >= 0 ? this.picture.keyOf(this.rows.at(index)) : null, by: this.scroll.scrollTop - index * rowHeight,
        };
    }

    restorePlace(before) {
        if (before === null || before.key === null || this.scroll.scrollTop === 0) {
            return;
        }
        const row = this.rowOfKey(before.key);
        const index = row === null ? -1 : this.rows.indexOf(row);
        if (index >= 0) {
            this.scroll.scrollTop = index * rowHeight + before.by;
        }
    }

    rowOfKey(key) {
        const [trace, span] = key.split('/');
        const row = span === undefined ? -1 - this.picture.view.traces.findIndex((one) => one.id === trace) : this.picture.find(trace, span);
        return (span === undefined && row === 0) || (span !== undefined && row < 0) ? null : row;
    }

    showTexts() {
        const { view } = this.picture;
        replace(this.corner, h('div', null, h('strong', null, counted(view.total_traces, 'trace')), ' ', h('span', { class: 'soft' }, counted(view.total_spans, 'span'))),
            this.picture.linkFrom.length > 0 && h('div', { class: 'faint' }, counted(this.picture.linkFrom.length, 'link')));
        const isCut = view.shown_spans < view.total_spans;
        this.note.hidden = !isCut && view.is_complete !== false;
        renew(this.note, isCut ? `Showing the first ${count(view.shown_spans)} of ${counted(view.total_spans, 'span')}, by their start. The search looks through these. `
            : 'There is more than can be shown: this is what was looked at.',
        isCut && this.onMore !== null && view.shown_spans < spansMost && h('button', { type: 'button', class: 'button', onclick: () => this.onMore() }, 'Show more'));
        this.scroll.setAttribute('aria-rowcount', this.rows.length);
    }

    // What is searched for

    applySearch() {
        const { picture, search: { text, isOnly } } = this;
        const list = text.trim() === '' ? null : search(picture, text);
        this.hitList = list;
        this.hits = list === null ? null : new Uint8Array(picture.count);
        list?.forEach((span) => { this.hits[span] = 1; });
        this.rows.keep = list !== null && isOnly ? keepOf(picture, list) : null;
        this.rows.build();
        this.search.show();
    }

    searched() {
        this.applySearch();
        this.changed();
    }

    // Step to the next hit, -1 to the one before.
    nextHit(step) {
        if (this.hitList === null || this.hitList.length === 0) {
            return;
        }
        const at = this.selected === null || isBandRow(this.selected) ? -1 : this.selected;
        const list = this.hitList;
        const next = step > 0 ? list.find((span) => span > at) ?? list[0] : list.findLast((span) => span < at) ?? list.at(-1);
        this.choose(next);
    }

    // Rows

    // After rows came or went.
    changed() {
        this.space.style.setProperty('height', `${this.rows.length * rowHeight}px`);
        this.scroll.setAttribute('aria-rowcount', this.rows.length);
        this.redraw();
    }

    // Keeps the row under the pointer or the keys where it is while others come and go above it.
    toggle(row, isCollapsed = !this.rows.isCollapsed(row), isDeep = false) {
        const before = this.rows.indexOf(row) * rowHeight - this.scroll.scrollTop;
        if (isDeep) {
            this.rows.setAll(row, isCollapsed);
        } else if (!this.rows.set(row, isCollapsed)) {
            return;
        }
        if (this.selected !== null && this.rows.indexOf(this.selected) < 0) {
            this.selected = row;
        }
        this.changed();
        this.scroll.scrollTop = this.rows.indexOf(row) * rowHeight - before;
    }

    setEverything(isCollapsed) {
        const key = this.selected;
        this.rows.setEverything(isCollapsed);
        if (key !== null && this.rows.indexOf(key) < 0) {
            this.selected = -1 - this.picture.band[key];
        }
        this.changed();
        if (this.selected !== null) {
            this.reveal(this.selected);
        }
    }

    // Selects a row, opening what hides it. isOpen: with its details; else only where they are open already.
    choose(row, { isOpen = false, isMoved = true } = {}) {
        if (!isBandRow(row) && this.rows.indexOf(row) < 0) {
            if (this.rows.reveal(row) < 0) {
                this.search.setOnly(false);
                this.rows.reveal(row);
            }
            this.changed();
        }
        this.selected = row;
        if (isMoved) {
            this.reveal(row);
        } else {
            this.showTime(row);
        }
        if (isOpen || !this.detail.node.hidden) {
            this.showDetail();
        }
        this.nameSelected();
        this.redraw();
        this.onSelect(this.picture.keyOf(row));
    }

    // For those who hear the page; the row of a span has another name in another picture.
    nameSelected() {
        if (this.selected === null) {
            this.scroll.removeAttribute('aria-activedescendant');
        } else {
            this.scroll.setAttribute('aria-activedescendant', this.rowNodes.idOf(this.selected));
        }
    }

    showDetail(again = false) {
        const wasHidden = this.detail.node.hidden;
        if (isBandRow(this.selected)) {
            this.detail.showTrace(this.picture, this.picture.bands[bandOf(this.selected)]);
        } else {
            this.detail.show(this.picture, this.selected, { again });
        }
        this.node.classList.add('has-detail');
        if (wasHidden && this.detail.node.offsetTop > this.chart.offsetTop + 40) { // below: both are to be seen
            requestAnimationFrame(() => {
                this.measure();
                this.reveal(this.selected);
                this.main.scrollIntoView({ block: 'nearest' });
            });
        }
    }

    closeDetail() {
        this.detail.hide();
        this.node.classList.remove('has-detail');
        this.scroll.focus({ preventScroll: true });
    }

    // Scrolls to a row, and moves the time to where it is.
    reveal(row) {
        const index = this.rows.indexOf(row);
        const top = index * rowHeight;
        const { scrollTop } = this.scroll;
        const room = isBandRow(row) ? 0 : rowHeight; // the heading that sticks
        if (top < scrollTop + room || top + rowHeight > scrollTop + this.viewHeight) {
            const isNear = top > scrollTop - 3 * rowHeight && top < scrollTop + this.viewHeight + 3 * rowHeight;
            const edge = top < scrollTop + room ? top - room : top + rowHeight - this.viewHeight;
            this.scroll.scrollTop = isNear ? edge : top - this.viewHeight / 2;
        }
        this.showTime(row);
    }

    showTime(row) {
        const [from, to] = isBandRow(row) ? [this.picture.bands[bandOf(row)].start, this.picture.bands[bandOf(row)].end]
            : [this.picture.start[row], this.picture.end[row]];
        if (this.scale.show(from, to)) {
            this.zoomed();
        }
    }

    // To a span of this picture: false when it is not in it.
    jump(traceId, spanId) {
        const span = this.picture.find(traceId, spanId);
        if (span < 0) {
            return false;
        }
        this.choose(span, { isOpen: true });
        return true;
    }

    goTo(traceId, spanId) {
        if (!this.jump(traceId, spanId)) {
            navigate(spanHref(traceId, spanId));
        }
    }

    // Time

    setZoom(from, to) {
        this.scale.set(from, to);
        this.zoomed();
    }

    zoom(factor, x) {
        this.scale.zoom(factor, x);
        this.zoomed();
    }

    pan(share) {
        this.scale.pan(share);
        this.zoomed();
    }

    resetZoom() {
        this.scale.reset();
        this.zoomed();
    }

    zoomed() {
        this.minimap.place(this.scale);
        this.redraw();
    }

    // Drawing

    redraw() {
        this.drawn = { from: 0, to: 0 };
        this.schedule();
    }

    schedule() {
        if (this.frame === 0 && !this.signal.aborted) {
            this.frame = requestAnimationFrame(() => {
                this.frame = 0;
                this.draw();
            });
        }
    }

    // Else there would be no rows until the next frame, for whoever presses one or hears them.
    drawNow() {
        cancelAnimationFrame(this.frame);
        this.frame = 0;
        this.draw();
    }

    draw() {
        if (this.picture === null || this.width <= 0) {
            return;
        }
        const { scrollTop } = this.scroll;
        const first = Math.floor(scrollTop / rowHeight);
        const last = Math.min(this.rows.length, Math.ceil((scrollTop + this.viewHeight) / rowHeight));
        this.drawSticky(first, scrollTop);
        this.showSight(first, last);
        const { drawn } = this;
        if (drawn.to > 0 && first - drawn.from >= Math.min(nearEdge, first) && drawn.to - last >= Math.min(nearEdge, this.rows.length - last)) {
            return;
        }
        const isNew = drawn.to === 0;
        // Who scrolls fast sees each row for a moment: those around come when it is calm.
        const isFar = !isNew && (first >= drawn.to || last <= drawn.from);
        const from = Math.max(0, first - (isFar ? nearEdge - 1 : around));
        const to = Math.min(this.rows.length, last + (isFar ? nearEdge - 1 : around));
        clearTimeout(this.calm);
        this.calm = isFar ? setTimeout(() => this.schedule(), calmMs) : 0;
        this.drawn = { from, to };
        this.rowNodes.draw(this, from, to);
        this.nameSelected();
        this.drawing.span = this.activeSpan();
        this.drawing.draw({ picture: this.picture, rows: this.rows, scale: this.scale, from, to, isNew });
        if (isNew) {
            replace(this.axis, ...axisNodes(this.scale, axisHeight));
            this.resetButton.disabled = this.scale.isWhole;
        }
    }

    showSight(first, last) {
        const spanAt = (index) => {
            const row = this.rows.at(Math.min(this.rows.length - 1, index));
            return isBandRow(row) ? this.picture.bands[bandOf(row)].first : row;
        };
        if (this.rows.length > 0) {
            const end = last >= this.rows.length ? this.picture.count : spanAt(last);
            this.minimap.showSight(spanAt(first) / this.picture.count, end / this.picture.count);
        }
    }

    activeSpan() {
        const hovered = this.hovered;
        if (hovered !== null && !isBandRow(hovered) && (this.picture.links[hovered] > 0 || this.picture.backLinks[hovered] > 0)) {
            return hovered;
        }
        return this.selected !== null && !isBandRow(this.selected) ? this.selected : -1;
    }

    hover(row) {
        if (row !== this.hovered) {
            this.hovered = row;
            const span = this.activeSpan();
            if (span !== this.drawing.span) {
                this.drawing.connect(span);
            }
        }
    }

    drawSticky(first, scrollTop) {
        const row = first < this.rows.length ? this.rows.at(first) : null;
        const band = row === null || (isBandRow(row) && scrollTop - first * rowHeight < 1) ? -1 : this.rows.bandAt(first);
        // The next heading pushes it away.
        const next = first + 1 < this.rows.length && band >= 0 && isBandRow(this.rows.at(first + 1));
        const shift = next ? Math.min(0, (first + 1) * rowHeight - scrollTop - rowHeight) : 0;
        this.sticky.style.setProperty('transform', `translateY(${shift}px)`);
        if (band !== this.stickyBand || this.stickyPicture !== this.picture) {
            this.stickyBand = band;
            this.stickyPicture = this.picture;
            replace(this.sticky, band >= 0 && this.rowNodes.heading(this, band));
        }
    }
}
