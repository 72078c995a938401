// The drawing of the rows in sight: bars, ticks of events, connectors, the lines of the axis. One <svg> that is made
// anew for each window of rows; what is not in sight costs nothing.

import { h, replace, s } from './dom.js';
import { duration } from './format.js';
import { LinkPicture, outside } from './waterfall_links.js';
import { BACKOFF, bandOf, DELAY, isBandRow, kinds, QUEUE, SLEEP, WORK } from './waterfall_model.js';
import { axisTicks } from './waterfall_scale.js';

export const rowHeight = 24;
export const barHeight = 12;
const middle = rowHeight / 2;
const summaryHeight = 8;
const linksMany = 60;  // links in sight, above which they are drawn with less weight
const ticksMost = 400; // of the events in one row
let pictures = 0;

const bandClass = (colour) => `band-${colour + 1}`;

// Patterns by which waits differ from work for those who see no colours, too.
function patterns(id) {
    const hatch = (name, angle, gap) => s('pattern', {
        id: `${id}-${name}`, width: gap, height: gap, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${angle})`,
    }, s('rect', { class: `wf-pattern-${name}`, width: 1.4, height: gap }));
    return s('defs', null, hatch('queue', 45, 5), hatch('backoff', -45, 4),
        s('pattern', { id: `${id}-sleep`, width: 5, height: 5, patternUnits: 'userSpaceOnUse' },
            s('circle', { class: 'wf-pattern-sleep', cx: 2.5, cy: 2.5, r: 1.1 })));
}

const fills = { [QUEUE]: 'queue', [BACKOFF]: 'backoff', [SLEEP]: 'sleep' };

// A bar as a legend shows it, too.
export function barNode(id, kind, { x, y, width, height = barHeight }) {
    const attributes = { class: `wf-bar is-${kinds[kind]}`, x, y, width, height, rx: Math.min(2, width / 2) };
    if (kind === WORK) {
        return s('rect', attributes);
    }
    const inner = { ...attributes, x: x + 0.5, y: y + 0.5, width: Math.max(1, width - 1), height: height - 1 };
    return s('g', { class: `wf-wait is-${kinds[kind]}` }, s('rect', { ...inner, class: 'wf-outline' }),
        kind !== DELAY && s('rect', { ...inner, class: 'wf-fill', fill: `url(#${id}-${fills[kind]})` }));
}

// What a collapsed band did, to the pixel: {work, wait, error} as paths.
export function summary(picture, band, scale, y) {
    const columns = Math.max(1, Math.ceil(scale.width));
    const grid = new Uint8Array(columns);
    for (let span = band.first; span < band.first + band.count; span++) {
        const code = picture.kind[span] === WORK ? (picture.status[span] === 2 && picture.size[span] === 1 ? 3 : 2) : 1;
        const from = Math.max(0, Math.floor(scale.x(picture.start[span])));
        const to = Math.min(columns, Math.max(from + 1, Math.ceil(scale.x(picture.end[span]))));
        for (let x = from; x < to; x++) {
            grid[x] = Math.max(grid[x], code);
        }
    }
    const paths = ['', '', '', ''];
    for (let x = 0; x < columns;) {
        let end = x + 1;
        while (end < columns && grid[end] === grid[x]) {
            end++;
        }
        paths[grid[x]] += `M${x} ${y}h${end - x}v${summaryHeight}h${x - end}z`;
        x = end;
    }
    return { wait: paths[1], work: paths[2], error: paths[3] };
}

export class Drawing {
    constructor() {
        this.id = `wf${++pictures}`;
        this.grid = s('g', { class: 'wf-grid' });
        this.bars = s('g');
        this.nodes = new Map(); // what is drawn, by row
        this.links = s('g', { class: 'wf-links' });
        this.active = s('g', { class: 'wf-active' });
        this.svg = s('svg', { class: 'wf-picture', 'aria-hidden': 'true' }, patterns(this.id), this.grid, this.links, this.bars, this.active);
    }

    // from, to: rows. The svg covers them. What is drawn of a row stays while the window moves; isNew: nothing does.
    draw({ picture, rows, scale, from, to, isNew }) {
        this.window = { picture, rows, scale, from, to };
        const height = Math.max(0, to - from) * rowHeight;
        this.svg.setAttribute('width', scale.width + 8); // so that the end of what is last can be seen
        this.svg.setAttribute('height', height);
        this.svg.style.setProperty('transform', `translateY(${from * rowHeight}px)`);
        replace(this.grid, axisTicks(scale.from, scale.to, Math.max(2, Math.floor(scale.width / 96))).map(({ at }) => {
            const x = Math.round(scale.x(at)) + 0.5;
            return s('line', { x1: x, x2: x, y1: 0, y2: height });
        }));
        this.drawRows(isNew ? new Map() : this.nodes);
        this.connect(this.span ?? -1);
    }

    drawRows(known) {
        const { rows, from, to } = this.window;
        const nodes = new Map();
        const added = [];
        for (let index = from; index < to; index++) {
            const row = rows.at(index);
            const node = known.get(row) ?? (isBandRow(row) ? this.heading(bandOf(row), row) : this.bar(row));
            node.setAttribute('transform', `translate(0 ${(index - from) * rowHeight})`);
            nodes.set(row, node);
            if (!known.has(row)) {
                added.push(node);
            }
        }
        for (const [row, node] of this.nodes) {
            if (nodes.get(row) !== node) {
                node.remove();
            }
        }
        this.nodes = nodes;
        this.bars.append(...added);
    }

    heading(index, row) {
        const { picture, rows, scale } = this.window;
        const band = picture.bands[index];
        const x1 = Math.max(-2, scale.x(band.start));
        const x2 = Math.min(scale.width + 2, Math.max(scale.x(band.end), x1 + 1));
        if (x2 < 0 || x1 > scale.width) {
            return s('g', { class: bandClass(band.colour) }, this.arrow(x2 < 0));
        }
        if (rows.isCollapsed(row)) {
            const { wait, work, error } = summary(picture, band, scale, (rowHeight - summaryHeight) / 2);
            return s('g', { class: bandClass(band.colour) }, wait !== '' && s('path', { class: 'wf-sum is-wait', d: wait }),
                work !== '' && s('path', { class: 'wf-sum', d: work }), error !== '' && s('path', { class: 'wf-sum is-error', d: error }),
                this.lengthText(band.end - band.start, x1, x2));
        }
        const y = Math.round(middle) + 0.5;
        return s('g', { class: `wf-extent ${bandClass(band.colour)}` },
            s('path', { d: `M${x1.toFixed(1)} ${y - 4}v8m0 -4H${x2.toFixed(1)}m0 -4v8` }), this.lengthText(band.end - band.start, x1, x2));
    }

    // Where something lies that is out of sight: to the left or to the right.
    arrow(isLeft) {
        const x = isLeft ? 4 : this.window.scale.width - 4;
        return s('path', { class: 'wf-away', d: `M${x + (isLeft ? 4 : -4)} ${middle - 4}l${isLeft ? -4 : 4} 4 ${isLeft ? 4 : -4} 4` });
    }

    bar(span) {
        const { picture, scale } = this.window;
        const colour = bandClass(picture.bands[picture.band[span]].colour);
        const start = scale.x(picture.start[span]);
        const end = scale.x(picture.end[span]);
        if (end < -1 || start > scale.width + 1) {
            return s('g', { class: colour }, this.arrow(end < -1));
        }
        const x1 = Math.max(-4, start);
        const x2 = Math.min(scale.width + 4, Math.max(end, x1 + 2));
        const y = (rowHeight - barHeight) / 2;
        const isError = picture.status[span] === 2;
        return s('g', { class: `${colour}${picture.isOpen(span) ? ' is-open' : ''}` },
            picture.end[span] === picture.start[span] ? this.moment(x1, picture.kind[span])
                : barNode(this.id, picture.kind[span], { x: x1, y, width: x2 - x1 }),
            this.events(span, y), isError && s('path', { class: 'wf-error', d: `M${x2 + 1} ${y - 1}v${barHeight + 2}` }),
            this.outsideMarks(span, x1),
            this.lengthText(picture.end[span] - picture.start[span], x1, x2 + (isError ? 4 : 0), picture.kind[span] === WORK && !picture.isOpen(span))); // an open one fades
    }

    moment(x, kind) {
        return s('path', { class: `wf-moment is-${kinds[kind]}`, d: `M${x} ${middle - 5}l4 5-4 5-4-5z` });
    }

    events(span, y) {
        const { picture, scale } = this.window;
        const offsets = picture.eventsOf(span);
        if (offsets.length === 0) {
            return null;
        }
        let d = '';
        let last = -9;
        for (const at of offsets.subarray(0, ticksMost)) {
            const x = Math.round(scale.x(picture.start[span] + at));
            if (x - last >= 2 && x >= 0 && x <= scale.width) {
                d += `M${x + 0.5} ${y - 2.5}v${barHeight + 5}`;
                last = x;
            }
        }
        return s('path', { class: 'wf-ticks', d });
    }

    // Arrows for links that leave the picture, and that come from outside.
    outsideMarks(span, x1) {
        const { out, back } = outside(this.window.picture, span);
        return [
            out > 0 && s('path', { class: 'wf-out', d: `M${x1 - 3} ${middle + 3}l-5 -5m0 4v-4h4` }),
            back > 0 && s('path', { class: 'wf-out', d: `M${x1 - 9} ${middle - 6}l5 5m0 -4v4h-4` }),
        ];
    }

    // How long it took: behind the bar, or before it where there is no room.
    lengthText(ns, x1, x2, isSolid = false) {
        const text = duration(ns);
        const room = text.length * 6.2 + 8;
        const { width } = this.window.scale;
        if (x2 + room < width) {
            return s('text', { x: x2 + 6, y: middle + 4 }, text);
        }
        if (x1 - room > 0) {
            return s('text', { x: x1 - 12, y: middle + 4, 'text-anchor': 'end' }, text);
        }
        return s('text', { class: isSolid ? 'is-on-bar' : 'is-inside', x: Math.min(x2, width) - 6, y: middle + 4, 'text-anchor': 'end' }, text);
    }

    // Draws the connectors, those of `span` (-1: none) in front and in full.
    connect(span) {
        this.span = span;
        if (this.window === undefined) {
            return;
        }
        const { picture, rows, scale, from, to } = this.window;
        const isThere = span >= 0 && span < picture.count;
        const all = new LinkPicture(picture, rows, scale, { rowHeight, barHeight });
        const except = isThere ? span : -1;
        const drawn = all.inWindow(from, to, except);
        const isMany = drawn.count > linksMany;
        const { paths } = isMany ? all.inWindow(from, to, except, false) : drawn;
        this.links.classList.toggle('is-many', isMany);
        replace(this.links, paths.map(({ colour, isOrigin, leaves, d }) => s('path', {
            class: `${bandClass(colour)}${isOrigin ? ' is-origin' : ''}${leaves ? ' is-leaving' : ''}`, d,
        })));
        const own = isThere ? all.ofSpan(span, from) : [];
        this.active.classList.toggle('is-many', own.length > 12);
        replace(this.active, own.map(({ link, d, from: start, to: end }) => {
            const band = picture.bands[picture.band[picture.linkFrom[link]]];
            const up = end.y < start.y;
            const tip = end.y + (up ? barHeight / 2 : -barHeight / 2);
            return s('g', { class: bandClass(band.colour) }, s('path', { class: 'wf-halo', d }), s('path', { d }),
                s('path', { class: 'wf-tip', d: `M${end.x} ${tip}l-3.5 ${up ? 6 : -6}h7z` }), s('circle', { cx: start.x, cy: start.y, r: 3 }));
        }));
    }
}

// The axis above: offsets since the start of the picture.
export function axisNodes(scale, height) {
    return axisTicks(scale.from, scale.to, Math.max(2, Math.floor(scale.width / 96))).map(({ at, text }) => {
        const x = Math.round(scale.x(at)) + 0.5;
        return [s('line', { x1: x, x2: x, y1: height - 5, y2: height }),
            x + 4 + text.length * 6 < scale.width && s('text', { x: x + 4, y: height - 7 }, text)];
    });
}

// What bars mean.
export function legend(id) {
    const entry = (kind, text) => h('li', null, s('svg', { width: 26, height: barHeight, 'aria-hidden': 'true' },
        barNode(id, kind, { x: 0, y: 0, width: 26 })), text);
    return h('ul', { class: 'wf-legend band-1', 'aria-label': 'What bars mean' }, entry(WORK, 'work'), entry(QUEUE, 'in the queue'),
        entry(BACKOFF, 'back-off'), entry(DELAY, 'schedule delay'), entry(SLEEP, 'sleeps, waits'),
        h('li', null, s('svg', { width: 26, height: barHeight, class: 'wf-links is-sample', 'aria-hidden': 'true' },
            s('path', { d: 'M26 10C14 10 3 8 3 0' })), 'link'));
}
