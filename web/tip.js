// The small panel beside the pointer, one for the page.

import { h, replace } from './dom.js';

let node = null;

// x and y are of the window, as events have them.
export function showTip(x, y, ...children) {
    if (node === null) {
        node = h('div', { class: 'tip', role: 'tooltip' });
        document.body.append(node);
    }
    replace(node, ...children);
    node.hidden = false;
    const { width, height } = node.getBoundingClientRect();
    const left = x + 14 + width > window.innerWidth - 8 ? x - 14 - width : x + 14;
    const top = Math.min(y + 14, window.innerHeight - height - 8);
    node.style.setProperty('left', `${Math.max(8, left)}px`);
    node.style.setProperty('top', `${Math.max(8, top)}px`);
}

export function hideTip() {
    if (node !== null) {
        node.hidden = true;
    }
}
