// All of a picture in a strip: what every span did, as few rectangles of few colours. `cells` touches no page.

import { h, replace, s } from './dom.js';
import { colourCount, WORK } from './waterfall_model.js';

const waits = colourCount + 1;
const errors = colourCount + 2;
const cellWidth = 2;

// Paths by what they show, {code: d}: lanes of equal height, each of several spans where there are many.
// Errors hide work, and work hides waits.
export function cells(picture, scaleDuration, width, height) {
    const columns = Math.max(1, Math.floor(width / cellWidth));
    const lanes = Math.max(1, Math.min(Math.floor(height), picture.count));
    const grid = new Uint8Array(columns * lanes);
    const order = [(span) => picture.kind[span] !== WORK, (span) => picture.kind[span] === WORK && picture.status[span] !== 2,
        (span) => picture.kind[span] === WORK && picture.status[span] === 2];
    for (const [step, isMeant] of order.entries()) {
        for (let span = 0; span < picture.count; span++) {
            if (!isMeant(span)) {
                continue;
            }
            const row = Math.floor((span / picture.count) * lanes) * columns;
            const from = Math.min(columns - 1, Math.floor((picture.start[span] / scaleDuration) * columns));
            const to = Math.min(columns, Math.max(from + 1, Math.ceil((picture.end[span] / scaleDuration) * columns)));
            const code = step === 0 ? waits : step === 2 && picture.size[span] === 1 ? errors : picture.bands[picture.band[span]].colour + 1;
            grid.fill(code, row + from, row + to);
        }
    }
    return { paths: runs(grid, columns, lanes, height / lanes), lanes };
}

function runs(grid, columns, lanes, laneHeight) {
    const pieces = new Map();
    for (let lane = 0; lane < lanes; lane++) {
        const y = (lane * laneHeight).toFixed(1);
        const tall = Math.max(0.8, laneHeight > 3 ? laneHeight - 1 : laneHeight).toFixed(1);
        for (let column = 0; column < columns;) {
            const code = grid[lane * columns + column];
            let end = column + 1;
            while (end < columns && grid[lane * columns + end] === code) {
                end++;
            }
            if (code !== 0) {
                const width = (end - column) * cellWidth;
                const list = pieces.get(code) ?? pieces.set(code, []).get(code);
                list.push(`M${column * cellWidth} ${y}h${width}v${tall}h${-width}z`);
            }
            column = end;
        }
    }
    return new Map([...pieces].map(([code, list]) => [code, list.join('')]));
}

const classOf = (code) => (code === waits ? 'is-wait' : code === errors ? 'is-error' : `band-${code}`);

// The strip with a brush over it: drag to choose a stretch, drag the stretch or its edges to move them.
export class Minimap {
    constructor({ height, signal, change }) {
        this.height = height;
        this.change = change;
        this.cells = s('g');
        this.shade = [s('rect', { class: 'wf-shade', height }), s('rect', { class: 'wf-shade', height })];
        this.sight = s('rect', { class: 'wf-sight', x: 0 });
        this.window = s('rect', { class: 'wf-window', y: 0.5, height: height - 1 });
        this.grips = [s('rect', { class: 'wf-grip', width: 7, height }), s('rect', { class: 'wf-grip', width: 7, height })];
        this.svg = s('svg', { class: 'wf-minimap', height, 'aria-hidden': 'true' }, this.sight, this.cells, this.shade, this.window, this.grips);
        this.node = h('div', { class: 'wf-minimap-place' }, this.svg);
        this.drag = null;
        this.listen(signal);
    }

    draw(picture, scale) {
        this.scale = scale;
        const { paths } = cells(picture, scale.duration, scale.width, this.height);
        replace(this.cells, [...paths].sort(([a], [b]) => a - b).map(([code, d]) => s('path', { class: classOf(code), d })));
        this.place(scale);
    }

    // The rows in sight, as shares of all spans.
    showSight(from, to) {
        this.sight.classList.toggle('is-all', from <= 0 && to >= 1);
        this.sight.setAttribute('y', from * this.height);
        this.sight.setAttribute('height', Math.max(3, (to - from) * this.height));
        this.sight.setAttribute('width', this.scale.width);
    }

    place(scale) {
        this.scale = scale;
        const share = scale.width / scale.duration;
        const left = scale.from * share;
        const right = scale.to * share;
        const set = (node, x, width) => {
            node.setAttribute('x', x);
            node.setAttribute('width', Math.max(0, width));
        };
        set(this.shade[0], 0, left);
        set(this.shade[1], right, scale.width - right);
        set(this.window, left + 0.5, right - left - 1);
        set(this.grips[0], left - 3, 7);
        set(this.grips[1], right - 4, 7);
        this.svg.classList.toggle('is-whole', scale.isWhole);
    }

    listen(signal) {
        const at = (event) => {
            const { left } = this.svg.getBoundingClientRect();
            return ((event.clientX - left) / this.scale.width) * this.scale.duration;
        };
        this.svg.addEventListener('pointerdown', (event) => {
            if (event.button !== 0 || this.scale === undefined) {
                return;
            }
            const grip = this.grips.indexOf(event.target);
            const isMove = event.target === this.window && !this.scale.isWhole;
            const { from, to } = this.scale;
            this.drag = { start: at(event), from, to, mode: grip === 0 ? 'left' : grip === 1 ? 'right' : isMove ? 'move' : 'new' };
            this.svg.setPointerCapture(event.pointerId);
            event.preventDefault();
        }, { signal });
        this.svg.addEventListener('pointermove', (event) => this.drag !== null && this.moved(at(event)), { signal });
        for (const name of ['pointerup', 'pointercancel']) {
            this.svg.addEventListener(name, () => { this.drag = null; }, { signal });
        }
        this.svg.addEventListener('dblclick', () => this.change(0, this.scale.duration), { signal });
    }

    moved(now) {
        const { mode, start, from, to } = this.drag;
        const by = now - start;
        if (mode === 'move') {
            const shift = Math.min(Math.max(by, -from), this.scale.duration - to);
            this.change(from + shift, to + shift);
        } else if (mode === 'left') {
            this.change(Math.min(now, to), to);
        } else if (mode === 'right') {
            this.change(from, Math.max(now, from));
        } else if (Math.abs(by) * this.scale.width > 3 * this.scale.duration) {
            this.change(Math.min(start, now), Math.max(start, now));
        }
    }
}
