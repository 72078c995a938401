// Runs over time, a column for each stretch, stacked by status. A drag chooses the time, a click one column.

import { h, s } from './dom.js';
import { clock, count, counted, fullTime, statusName, time } from './format.js';
import { brush, gridLine, linear, plot, roundUp, statusOrder, timeAxis } from './plot.js';
import { hideTip, showTip } from './tip.js';

const height = 112;
const margin = { left: 44, right: 8, top: 8, bottom: 20 };

// choose(since_ms, until_ms) hears of what was chosen.
export function histogram({ signal, choose }) {
    let data = null;
    let shown = statusOrder;
    let x = null;
    const figure = plot({ height, label: 'Runs over time', signal, draw });
    const right = () => figure.node.clientWidth - margin.right;
    const bottom = height - margin.bottom;

    const totalOf = (bucket) => shown.reduce((sum, status) => sum + (bucket.counts[status] ?? 0), 0);

    function column(bucket, y) {
        const left = x(bucket.at_ms) + 0.5;
        const width = Math.max(1, x(bucket.at_ms + data.width_ms) - left - 0.5);
        let low = bottom;
        return shown.filter((status) => bucket.counts[status] > 0).map((status) => {
            // What is there can be seen, however small beside the rest.
            const size = Math.max(2, bottom - y(bucket.counts[status]));
            low -= size;
            return s('rect', {
                class: `fill-${status.toLowerCase()}`, x: left, width, y: Math.max(margin.top - 4, low), height: size,
            });
        });
    }

    function draw(width) {
        if (data === null || data.buckets.length === 0) {
            return [s('line', { class: 'axis', x1: margin.left, x2: width - margin.right, y1: bottom, y2: bottom })];
        }
        const end = data.buckets.at(-1).at_ms + data.width_ms;
        const top = roundUp(Math.max(1, ...data.buckets.map(totalOf)));
        x = linear(data.from_ms, end, margin.left, width - margin.right);
        const y = linear(0, top, bottom, margin.top);
        return [
            gridLine(margin.left, width - margin.right, y(top), count(top)),
            top > 1 ? gridLine(margin.left, width - margin.right, y(top / 2), count(top / 2)) : [],
            timeAxis({ from: data.from_ms, to: end, x, top: margin.top, bottom, width }),
            data.buckets.map((bucket) => column(bucket, y)),
            s('line', { class: 'axis', x1: margin.left, x2: width - margin.right, y1: bottom + 0.5, y2: bottom + 0.5 }),
        ];
    }

    const bucketAt = (left) => data?.buckets.findLast((bucket) => x(bucket.at_ms) <= left);

    figure.picture.addEventListener('pointermove', (event) => {
        const left = event.clientX - figure.picture.getBoundingClientRect().left;
        const bucket = x === null || left < margin.left || left > right() ? undefined : bucketAt(left);
        if (bucket === undefined) {
            hideTip();
            return;
        }
        const until = bucket.at_ms + data.width_ms;
        const withMs = data.width_ms < 1000;
        showTip(event.clientX, event.clientY,
            h('div', { class: 'soft' }, `${time(bucket.at_ms, Date.now(), { withMs })} – ${clock(until, { withMs })}`),
            h('dl', null, shown.filter((status) => bucket.counts[status] > 0).reverse().map((status) => [
                h('dt', { class: `mark-${status.toLowerCase()}` }, statusName(status)),
                h('dd', null, count(bucket.counts[status]))])),
            totalOf(bucket) === 0 && h('div', null, 'no runs'));
    }, { signal });
    figure.picture.addEventListener('pointerleave', hideTip, { signal });

    brush(figure.picture, {
        signal, bounds: () => ({ left: margin.left, right: right(), top: margin.top, bottom }),
        done(from, to) {
            if (data === null || x === null || data.buckets.length === 0) {
                return;
            }
            hideTip();
            const last = bucketAt(to) ?? data.buckets[0];
            choose((bucketAt(from) ?? data.buckets[0]).at_ms, last.at_ms + data.width_ms);
        },
    });

    return {
        node: figure.node,
        // statuses: those to show, none means all.
        update(answer, statuses) {
            data = answer;
            shown = statusOrder.filter((status) => statuses.length === 0 || statuses.includes(status));
            const total = data.buckets.reduce((sum, bucket) => sum + totalOf(bucket), 0);
            figure.setLabel(data.buckets.length === 0 ? 'Runs over time: none'
                : `Runs over time: ${counted(total, 'run')} from ${fullTime(data.from_ms)} to ${fullTime(data.to_ms)}`);
            figure.redraw();
        },
    };
}
