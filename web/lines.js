// A line over time with the area below it: the most of each stretch, which is told at the pointer.

import { h, s } from './dom.js';
import { time } from './format.js';
import { gridLine, linear, plot, roundUp, timeAxis } from './plot.js';
import { hideTip, showTip } from './tip.js';

const height = 120;
const margin = { left: 56, right: 8, top: 10, bottom: 20 };

// text(value) writes a value; top(greatest) is where the axis ends.
export function lines({ label, text, className, top = roundUp, signal }) {
    let points = [];
    let scale = null;
    const marker = s('line', { class: 'marker', y1: margin.top, y2: height - margin.bottom });
    const figure = plot({ height, label, signal, draw });
    const bottom = height - margin.bottom;

    function draw(width) {
        const right = width - margin.right;
        const axis = s('line', { class: 'axis', x1: margin.left, x2: right, y1: bottom + 0.5, y2: bottom + 0.5 });
        scale = null;
        if (points.length < 2) {
            return [axis];
        }
        const from = points[0].at;
        const to = points.at(-1).at;
        const end = top(Math.max(...points.map((point) => point.value)));
        const x = linear(from, to, margin.left, right);
        const y = linear(0, end, bottom, margin.top);
        scale = { x, from, to, right };
        const path = points.map((point, index) => `${index === 0 ? 'M' : 'L'}${x(point.at).toFixed(1)} ${y(point.value).toFixed(1)}`).join('');
        return [
            gridLine(margin.left, right, y(end), text(end)),
            end > 1 ? gridLine(margin.left, right, y(end / 2), text(end / 2)) : [],
            timeAxis({ from, to, x, top: margin.top, bottom, width }),
            s('path', { class: `area ${className}`, d: `${path}L${right} ${bottom}L${margin.left} ${bottom}Z` }),
            s('path', { class: `line ${className}`, d: path }), axis,
        ];
    }

    figure.picture.addEventListener('pointermove', (event) => {
        const left = event.clientX - figure.picture.getBoundingClientRect().left;
        if (scale === null || left < margin.left || left > scale.right) {
            marker.remove();
            hideTip();
            return;
        }
        const near = points.reduce((best, point) => (
            Math.abs(scale.x(point.at) - left) < Math.abs(scale.x(best.at) - left) ? point : best));
        const at = Math.round(scale.x(near.at)) + 0.5;
        marker.setAttribute('x1', at);
        marker.setAttribute('x2', at);
        figure.picture.append(marker);
        showTip(event.clientX, event.clientY, h('div', { class: 'soft' }, time(near.at)), h('div', null, 'at most ', h('strong', null, text(near.value))));
    }, { signal });
    figure.picture.addEventListener('pointerleave', () => {
        marker.remove();
        hideTip();
    }, { signal });

    return {
        node: figure.node,
        // rows: [{at, value}] in order of time
        update(rows) {
            points = rows;
            figure.setLabel(rows.length === 0 ? `${label}: nothing yet`
                : `${label}: at most ${text(Math.max(...rows.map((row) => row.value)))}`);
            figure.redraw();
        },
    };
}

// Where an axis of durations ends: a length that people say.
export function roundDuration(ms) {
    return [10, 50, 100, 500, 1e3, 2e3, 5e3, 10e3, 30e3, 60e3, 120e3, 300e3, 600e3, 1800e3, 3600e3, 7200e3, 21600e3,
        43200e3, 86400e3].find((top) => top >= ms) ?? Math.ceil(ms / 86400e3) * 86400e3;
}
