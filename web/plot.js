// What charts have in common: a drawing as wide as its place, axes of time and of numbers, and the brush.

import { h, replace, s } from './dom.js';
import { timeTicks } from './format.js';
import { hideTip } from './tip.js';

export const statusOrder = ['COMPLETED', 'CANCELLED', 'EVICTED', 'RUNNING', 'QUEUED', 'FAILED']; // upwards

// A figure that is drawn anew when its width changes: draw(width) gives the children of the <svg>.
export function plot({ height, label, signal, draw }) {
    const picture = s('svg', { class: 'chart', height, role: 'img', 'aria-label': label });
    const node = h('figure', { class: 'plot' }, picture);
    let width = 0;
    const redraw = () => {
        if (width > 0) {
            picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
            replace(picture, ...draw(width));
        }
    };
    const observer = new ResizeObserver(([entry]) => {
        const now = Math.floor(entry.contentRect.width);
        if (now !== width) {
            width = now;
            redraw();
        }
    });
    observer.observe(node);
    signal.addEventListener('abort', () => {
        observer.disconnect();
        hideTip();
    });
    return {
        node, picture, redraw, setLabel: (text) => picture.setAttribute('aria-label', text),
    };
}

// A round number that is not below the value, and whose half is one too: 1, 2, 4, 6, 8, 10, 20 ...
export function roundUp(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((top) => top >= value);
}

export const linear = (from, to, low, high) => (value) =>
    low + (to === from ? 0 : ((value - from) / (to - from)) * (high - low));

export function timeAxis({ from, to, x, top, bottom, width }) {
    return timeTicks(from, to, Math.max(2, Math.floor(width / (to - from < 8000 ? 150 : 110)))).map(({ at, text }) => {
        const left = Math.round(x(at)) + 0.5;
        const isLast = left + 4 + 6.6 * text.length > width; // no room on that side
        return [s('line', { class: 'grid', x1: left, x2: left, y1: top, y2: bottom + 4 }),
            s('text', { x: isLast ? left - 4 : left + 4, y: bottom + 14, 'text-anchor': isLast ? 'end' : 'start' }, text)];
    });
}

export function gridLine(left, right, y, text) {
    const at = Math.round(y) + 0.5;
    return [s('line', { class: 'grid', x1: left, x2: right, y1: at, y2: at }),
        s('text', { x: left - 6, y: at + 4, 'text-anchor': 'end' }, text)];
}

// Choosing a stretch of a chart by drag. bounds() tells {left, right, top, bottom} in pixels of the picture; done(x0, x1)
// hears of what was chosen, x0 = x1 of a click. Escape gives up.
export function brush(picture, { bounds, done, signal }) {
    let from = null;
    let band = null;
    const at = (event) => {
        const { left, right } = bounds();
        return Math.min(right, Math.max(left, event.clientX - picture.getBoundingClientRect().left));
    };
    const end = () => {
        band?.remove();
        band = null;
        from = null;
    };
    picture.addEventListener('pointerdown', (event) => {
        if (event.button === 0 && event.target.closest('a') === null) {
            from = at(event);
            picture.setPointerCapture(event.pointerId);
            event.preventDefault();
        }
    }, { signal });
    picture.addEventListener('pointermove', (event) => {
        if (from === null) {
            return;
        }
        const { top, bottom } = bounds();
        const now = at(event);
        band ??= s('rect', { class: 'brush', y: top, height: bottom - top });
        if (band.parentNode !== picture) {
            picture.append(band); // also after a drawing that came meanwhile
        }
        band.setAttribute('x', Math.min(from, now));
        band.setAttribute('width', Math.abs(now - from));
    }, { signal });
    picture.addEventListener('pointerup', (event) => {
        if (from !== null) {
            const start = from;
            const now = at(event);
            end();
            done(...(Math.abs(now - start) < 4 ? [now, now] : [Math.min(start, now), Math.max(start, now)]));
        }
    }, { signal });
    picture.addEventListener('pointercancel', end, { signal });
    document.addEventListener('keydown', (event) => event.key === 'Escape' && end(), { signal });
}
