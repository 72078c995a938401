// Keys and pointers of a waterfall.

import { h } from './dom.js';
import { clock, counted, duration } from './format.js';
import { hideTip, showTip } from './tip.js';
import { rowHeight } from './waterfall_draw.js';
import { bandOf, bandRow, isBandRow, kinds, WORK } from './waterfall_model.js';
import { exactDuration } from './waterfall_scale.js';

const near = 5;      // px beside a bar that still mean it
const dragLeast = 4; // px below which it was a click

export class Moves {
    constructor(waterfall) {
        this.waterfall = waterfall;
        this.drag = null;
        this.round = null; // {list, at}: spans that `b` goes through, one after the other; by what outlives the picture
        const { scroll, axis, split, signal } = waterfall;
        const on = (node, name, listener, options = {}) => node.addEventListener(name, listener, { signal, ...options });
        on(scroll, 'keydown', (event) => this.press(event));
        on(scroll, 'pointerdown', (event) => this.pressed(event));
        on(scroll, 'click', (event) => event.detail === 0 && this.clicked(event)); // of what is no pointer
        on(axis, 'pointerdown', (event) => this.pressed(event));
        on(scroll, 'pointermove', (event) => this.moved(event));
        on(scroll, 'pointerleave', () => this.left());
        on(scroll, 'dblclick', (event) => this.doubled(event));
        on(axis, 'dblclick', () => waterfall.resetZoom());
        on(scroll, 'wheel', (event) => this.wheel(event), { passive: false });
        on(axis, 'wheel', (event) => this.wheel(event), { passive: false });
        on(split, 'pointerdown', (event) => this.splitPressed(event));
        on(split, 'keydown', (event) => this.splitKey(event));
    }

    // Keys

    get actions() {
        const { waterfall } = this;
        const page = Math.max(1, Math.floor(waterfall.viewHeight / rowHeight) - 2);
        return {
            ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1), j: () => this.step(1), k: () => this.step(-1),
            PageDown: () => this.step(page), PageUp: () => this.step(-page), Home: () => this.step(-Infinity), End: () => this.step(Infinity),
            ArrowRight: (event) => (event.shiftKey ? waterfall.pan(0.2) : this.into()), ArrowLeft: (event) => (event.shiftKey ? waterfall.pan(-0.2) : this.out()),
            Enter: () => this.enter(), ' ': () => this.withRow((row) => waterfall.toggle(row)), '*': () => this.withRow((row) => waterfall.toggle(row, !waterfall.rows.isCollapsed(row), true)),
            '+': () => waterfall.zoom(1 / 1.6), '=': () => waterfall.zoom(1 / 1.6), '-': () => waterfall.zoom(1.6), 0: () => waterfall.resetZoom(),
            z: () => this.withRow((row) => this.fit(row)), f: () => this.followLink(), b: () => this.followBack(),
            n: () => waterfall.nextHit(1), N: () => waterfall.nextHit(-1), Escape: () => this.escape(),
        };
    }

    // True when the key meant something here.
    press(event) {
        const action = this.waterfall.picture === null || event.ctrlKey || event.metaKey || event.altKey ? undefined : this.actions[event.key];
        if (action === undefined || (event.key !== 'Escape' && event.target.closest?.('button, a, input, summary') !== null)) {
            return false;
        }
        event.preventDefault();
        event.stopPropagation();
        hideTip();
        this.waterfall.hovered = null; // until the pointer moves again
        action(event);
        return true;
    }

    // For view.keys: the keys of a page that has one waterfall, wherever the focus is but in it.
    pageKeys() {
        const { scroll } = this.waterfall;
        const pass = (event) => this.press(event);
        const first = (event) => {
            if (event.target === document.body || event.target.id === 'main') {
                scroll.focus({ preventScroll: true });
                this.press(event);
            }
        };
        return {
            ...Object.fromEntries(['+', '=', '-', '0', 'f', 'b', 'n', 'N', 'z', 'j', 'k', 'Escape'].map((key) => [key, pass])),
            ArrowDown: first, ArrowUp: first,
        };
    }

    withRow(action) {
        if (this.waterfall.selected !== null) {
            action(this.waterfall.selected);
        }
    }

    step(by) {
        const { waterfall } = this;
        const { rows, selected } = waterfall;
        const at = selected === null ? (by > 0 ? Math.floor(waterfall.scroll.scrollTop / rowHeight) - 1 : rows.length) : rows.indexOf(selected);
        const next = Math.min(rows.length - 1, Math.max(0, at + by));
        if (rows.length > 0) {
            waterfall.choose(rows.at(next));
        }
    }

    into() {
        this.withRow((row) => {
            const { rows } = this.waterfall;
            if (rows.isCollapsed(row)) {
                this.waterfall.toggle(row, false);
            } else if (rows.hasChildren(row)) {
                this.step(1);
            }
        });
    }

    out() {
        this.withRow((row) => {
            const { rows } = this.waterfall;
            if (rows.hasChildren(row) && !rows.isCollapsed(row)) {
                this.waterfall.toggle(row, true);
            } else if (rows.parentRow(row) !== null) {
                this.waterfall.choose(rows.parentRow(row));
            }
        });
    }

    enter() {
        this.withRow((row) => {
            const { waterfall } = this;
            if (waterfall.detail.node.hidden) {
                waterfall.choose(row, { isOpen: true });
            } else {
                waterfall.detail.node.focus();
            }
        });
    }

    escape() {
        const { waterfall } = this;
        if (!waterfall.detail.node.hidden) {
            waterfall.closeDetail();
        } else if (!waterfall.scale.isWhole) {
            waterfall.resetZoom();
        }
    }

    // So that what a row is about fills the width.
    fit(row) {
        const { picture } = this.waterfall;
        const band = isBandRow(row) ? picture.bands[bandOf(row)] : null;
        const [from, to] = band === null ? [picture.start[row], picture.end[row]] : [band.start, band.end];
        const room = Math.max((to - from) * 0.05, 50);
        this.waterfall.setZoom(from - room, to + room);
    }

    // Links

    async followLink() {
        const { waterfall } = this;
        if (waterfall.selected === null || isBandRow(waterfall.selected)) {
            return;
        }
        const { picture, selected } = waterfall;
        // What brought it here says more than where all of it began.
        const isOrigin = (link) => (picture.view.links[link][2] === 'origin' ? 1 : 0);
        const links = [...picture.linksFrom(selected)].sort((a, b) => isOrigin(a) - isOrigin(b));
        const inside = links.find((link) => picture.linkTo[link] >= 0);
        if (inside !== undefined) {
            waterfall.choose(picture.linkTo[inside], { isOpen: true });
        } else if (links.length > 0) {
            const [, , , trace, span] = picture.view.links[links[0]];
            waterfall.goTo(trace, span);
        }
    }

    // To a span that links here; again, from there, to the next one.
    async followBack() {
        const { waterfall } = this;
        const { picture, selected } = waterfall;
        if (selected === null || isBandRow(selected)) {
            return;
        }
        const inside = [...picture.linksTo(selected)].map((link) => picture.linkFrom[link]);
        if (inside.length > 0) {
            this.round = { list: inside.map((span) => picture.keyOf(span)), at: 0 };
            waterfall.choose(inside[0], { isOpen: true });
        } else if (picture.backLinks[selected] > 0) {
            waterfall.choose(selected, { isOpen: true });
            const detail = await waterfall.detail.loaded();
            const first = detail?.back_links.rows[0];
            if (first !== undefined) {
                waterfall.goTo(first.trace_id, first.span_id);
            }
        } else if (this.round !== null && this.round.list[this.round.at] === picture.keyOf(selected)) {
            this.round.at = (this.round.at + 1) % this.round.list.length;
            const next = waterfall.rowOfKey(this.round.list[this.round.at]);
            if (next !== null) {
                waterfall.choose(next, { isOpen: true });
            }
        }
    }

    // Pointers

    // Where an event is: x in px of the axis (negative: among the names), the row, or null.
    at(event) {
        const { waterfall } = this;
        const box = waterfall.scroll.getBoundingClientRect();
        const y = event.clientY - box.top + waterfall.scroll.scrollTop;
        const index = Math.floor(y / rowHeight);
        const isOnSticky = event.clientY - box.top < rowHeight && waterfall.stickyBand >= 0;
        const row = isOnSticky ? bandRow(waterfall.stickyBand) : index >= 0 && index < waterfall.rows.length ? waterfall.rows.at(index) : null;
        return { x: event.clientX - box.left - waterfall.namesWidth, row };
    }

    pressed(event) {
        const { waterfall } = this;
        if (event.button !== 0 || waterfall.picture === null) {
            return;
        }
        const { x, row } = this.at(event);
        const isAxis = event.currentTarget === waterfall.axis;
        const toggle = event.target.closest('.wf-toggle');
        if (toggle !== null && row !== null) {
            event.preventDefault();
            waterfall.scroll.focus({ preventScroll: true });
            waterfall.toggle(row, !waterfall.rows.isCollapsed(row), event.shiftKey);
            return;
        }
        if (x > waterfall.scale.width + 8) {
            return; // the scroll bar
        }
        const key = isAxis || row === null ? null : waterfall.picture.keyOf(row); // another picture may come until it is let go
        this.begin(event, { x, key, isZoom: x >= 0 && event.pointerType !== 'touch' });
    }

    clicked(event) {
        const node = event.target.closest('.wf-row');
        const row = node === null ? undefined : this.waterfall.rowNodes.rowOf(node);
        if (row !== undefined && event.target.closest('.wf-toggle') !== null) {
            this.waterfall.toggle(row);
        } else if (row !== undefined) {
            this.waterfall.choose(row, { isOpen: true, isMoved: false });
        }
    }

    // A press that becomes a drag when it moves, and else is a click.
    begin(event, { x, key, isZoom }) {
        const { waterfall } = this;
        const controller = new AbortController();
        const signal = AbortSignal.any([controller.signal, waterfall.signal]);
        const start = event.clientX;
        let isDrag = false;
        const clamp = (value) => Math.min(waterfall.scale.width, Math.max(0, value));
        const end = () => {
            controller.abort();
            waterfall.brushNode.hidden = true;
            this.drag = null;
        };
        this.drag = { end };
        window.addEventListener('pointermove', (move) => {
            isDrag = isDrag || Math.abs(move.clientX - start) >= dragLeast;
            if (isDrag && isZoom) {
                const now = clamp(x + move.clientX - start);
                const { style } = waterfall.brushNode;
                hideTip();
                waterfall.brushNode.hidden = false;
                style.setProperty('left', `${waterfall.namesWidth + Math.min(clamp(x), now)}px`);
                style.setProperty('width', `${Math.abs(now - clamp(x))}px`);
            }
        }, { signal });
        window.addEventListener('pointerup', (up) => {
            end();
            if (isDrag && isZoom) {
                const { scale } = waterfall;
                const [from, to] = [clamp(x), clamp(x + up.clientX - start)].sort((a, b) => a - b);
                waterfall.setZoom(scale.ns(from), scale.ns(to));
            } else if (!isDrag && key !== null) {
                this.chooseKey(key);
            }
        }, { signal });
        window.addEventListener('pointercancel', end, { signal });
        window.addEventListener('keydown', (down) => down.key === 'Escape' && end(), { signal, capture: true });
        if (isZoom) {
            event.preventDefault(); // no text gets selected
            waterfall.scroll.focus({ preventScroll: true });
        }
    }

    chooseKey(key) {
        const row = this.waterfall.rowOfKey(key);
        if (row !== null) {
            this.waterfall.choose(row, { isOpen: true, isMoved: false });
        }
    }

    doubled(event) {
        if (event.target.closest('.wf-toggle') !== null) {
            return;
        }
        const { x, row } = this.at(event);
        if (x >= 0) {
            this.waterfall.resetZoom();
        } else if (row !== null) {
            this.waterfall.toggle(row);
        }
    }

    wheel(event) {
        const { waterfall } = this;
        if (waterfall.picture === null) {
            return;
        }
        if (event.ctrlKey || event.metaKey) {
            event.preventDefault();
            const { x } = this.at(event);
            waterfall.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.01), Math.min(waterfall.scale.width, Math.max(0, x)));
        } else if ((Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) && !waterfall.scale.isWhole) {
            event.preventDefault();
            waterfall.pan((event.deltaX !== 0 ? event.deltaX : event.deltaY) / waterfall.scale.width);
        }
        hideTip();
    }

    moved(event) {
        const { waterfall } = this;
        if (waterfall.picture === null || this.drag !== null || event.pointerType === 'touch') {
            return;
        }
        if (event.clientX === this.lastX && event.clientY === this.lastY) {
            return; // rows moved below the pointer, which did not
        }
        this.lastX = event.clientX;
        this.lastY = event.clientY;
        const { x, row } = this.at(event);
        waterfall.hover(row);
        if (x < 0 || row === null || !this.isOn(row, x)) {
            hideTip();
            return;
        }
        showTip(event.clientX, event.clientY, ...(isBandRow(row) ? this.bandTip(bandOf(row)) : this.spanTip(row, x)));
    }

    isOn(row, x) {
        const { picture, scale } = this.waterfall;
        const band = isBandRow(row) ? picture.bands[bandOf(row)] : null;
        const [from, to] = band === null ? [picture.start[row], picture.end[row]] : [band.start, band.end];
        return x >= scale.x(from) - near && x <= scale.x(to) + near;
    }

    bandTip(index) {
        const band = this.waterfall.picture.bands[index];
        return [h('strong', null, this.waterfall.picture.bandLabel(band)),
            this.tipFacts([['starts', `+${exactDuration(band.start)}`], ['takes', exactDuration(band.end - band.start)],
                ['spans', String(band.trace.span_count)], band.errors > 0 && ['errors', String(band.errors)]])];
    }

    spanTip(span, x) {
        const { picture, scale } = this.waterfall;
        const { text, note } = picture.label(span);
        const start = picture.view.start_ms + picture.start[span] / 1e6;
        const waits = { queue: 'in the queue', backoff: 'back-off', delay: 'schedule delay', sleep: 'asleep or waiting' };
        const events = picture.eventsAt(span, scale.ns(x - 3), scale.ns(x + 3)).slice(0, 4);
        const links = [picture.links[span] > 0 && counted(picture.links[span], 'link'), picture.backLinks[span] > 0 && `${picture.backLinks[span]} back`];
        return [h('strong', null, text), note !== '' && h('span', { class: 'soft' }, ` ${note}`),
            this.tipFacts([
                [picture.kind[span] === WORK ? 'took' : waits[kinds[picture.kind[span]]],
                    picture.isOpen(span) ? `${duration(picture.end[span] - picture.start[span])} so far` : exactDuration(picture.end[span] - picture.start[span])],
                ['from', `+${exactDuration(picture.start[span])}`], ['to', `+${exactDuration(picture.end[span])}`], ['at', clock(start, { withMs: true })],
                picture.serviceOf(span) !== null && ['service', picture.serviceOf(span)],
                links.some(Boolean) && ['links', links.filter(Boolean).join(', ')],
                ...events.map(({ name, offset }) => ['event', `${name} at +${exactDuration(offset)}`])])];
    }

    tipFacts(rows) {
        return h('dl', null, rows.filter(Boolean).map(([name, value]) => [h('dt', { class: 'soft' }, name), h('dd', { class: 'num' }, value)]));
    }

    left() {
        hideTip();
        if (this.waterfall.picture !== null) {
            this.waterfall.hover(null);
        }
    }

    // The line between names and bars

    splitPressed(event) {
        const { waterfall } = this;
        const start = event.clientX;
        const names = waterfall.namesWidth;
        const controller = new AbortController();
        const signal = AbortSignal.any([controller.signal, waterfall.signal]);
        event.preventDefault();
        window.addEventListener('pointermove', (move) => this.setNames(names + move.clientX - start), { signal });
        for (const name of ['pointerup', 'pointercancel']) {
            window.addEventListener(name, () => controller.abort(), { signal });
        }
    }

    splitKey(event) {
        const by = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
        if (by !== undefined) {
            event.preventDefault();
            event.stopPropagation();
            this.setNames(this.waterfall.namesWidth + by);
        }
    }

    setNames(width) {
        this.waterfall.names = Math.max(60, width);
        this.waterfall.measure();
    }
}
