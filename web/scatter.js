// Traces as points: when they began, and how long they took on a logarithmic scale. A click opens the trace, a drag
// chooses the time.

import { h, s } from './dom.js';
import { count, counted, duration, fullTime } from './format.js';
import { brush, gridLine, linear, plot, timeAxis } from './plot.js';
import { href } from './router.js';
import { hideTip, showTip } from './tip.js';

const height = 190;
const margin = { left: 62, right: 12, top: 10, bottom: 20 };

export const traceName = (trace) => trace.task ?? trace.name;

// The decades that hold all durations; at least two, so that one point has a scale too.
export function decades(durations) {
    const logs = durations.map((ns) => Math.log10(Math.max(1, ns)));
    const low = Math.floor(Math.min(...logs));
    return [low, Math.max(low + 2, Math.ceil(Math.max(...logs) + 1e-9))];
}

function decadeText(at) {
    const unit = ['ns', 'µs', 'ms', 's'][Math.min(3, Math.floor(at / 3))];
    return `${count(10 ** (at - Math.min(9, 3 * Math.floor(at / 3))))} ${unit}`;
}

export function scatter({ signal, choose }) {
    let traces = [];
    let scale = null;
    const figure = plot({ height, label: 'Duration of traces over time', signal, draw });
    const bottom = height - margin.bottom;

    function point(trace, { x, y, isSmall }) {
        const isBad = trace.error_count > 0;
        const size = (isSmall ? 2 : 3) + Math.min(4, Math.log10(1 + trace.span_count));
        const place = { cx: x(trace.start_ms), cy: y(Math.log10(Math.max(1, trace.duration_ns))), r: size };
        return s('a', { href: href(`traces/${trace.id}`), tabindex: '-1', 'aria-label': traceName(trace), 'data-trace': trace.id },
            s('circle', { class: isBad ? 'point is-bad' : 'point', ...place }));
    }

    function draw(width) {
        const right = width - margin.right;
        if (traces.length === 0) {
            scale = null;
            return [s('line', { class: 'axis', x1: margin.left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 })];
        }
        const starts = traces.map((trace) => trace.start_ms);
        const from = Math.min(...starts);
        const to = Math.max(from + 1000, ...starts);
        const [low, high] = decades(traces.map((trace) => trace.duration_ns));
        const x = linear(from, to, margin.left + 8, right - 8);
        const y = linear(low, high, bottom - 4, margin.top);
        scale = { from, to, x, y, isSmall: width < 600 };
        const lines = Array.from({ length: high - low + 1 }, (_, index) => low + index);
        // Errors last, so that they lie on top.
        const ordered = [...traces].sort((a, b) => Math.sign(a.error_count) - Math.sign(b.error_count));
        return [
            lines.map((at) => gridLine(margin.left, right, y(at), decadeText(at))),
            timeAxis({ from, to, x, top: margin.top, bottom, width }),
            s('line', { class: 'axis', x1: margin.left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 }),
            ordered.map((trace) => point(trace, scale)),
        ];
    }

    figure.picture.addEventListener('pointermove', (event) => {
        const id = event.target.closest?.('[data-trace]')?.dataset.trace;
        const trace = id === undefined ? undefined : traces.find((one) => one.id === id);
        if (trace === undefined) {
            hideTip();
            return;
        }
        showTip(event.clientX, event.clientY, h('div', null, h('strong', null, traceName(trace))),
            h('div', { class: 'soft' }, fullTime(trace.start_ms)),
            h('div', null, `${duration(trace.duration_ns)}, ${counted(trace.span_count, 'span')}`,
                trace.error_count > 0 && h('span', { class: 'bad' }, `, ${counted(trace.error_count, 'error')}`)));
    }, { signal });
    figure.picture.addEventListener('pointerleave', hideTip, { signal });

    brush(figure.picture, {
        signal, bounds: () => ({ left: margin.left, right: figure.node.clientWidth - margin.right, top: margin.top, bottom }),
        done(from, to) {
            if (scale !== null && to > from) {
                const back = linear(scale.x(scale.from), scale.x(scale.to), scale.from, scale.to);
                choose(Math.floor(back(from)), Math.ceil(back(to)));
            }
        },
    });

    return {
        node: figure.node,
        update(rows) {
            traces = rows;
            figure.setLabel(`Duration of ${counted(rows.length, 'trace')} over time`);
            figure.redraw();
        },
    };
}
