// JSON as people read it: indented, each object and array to be folded. Text that is no JSON is shown as it is.

import { h } from './dom.js';
import { bytes, counted } from './format.js';
import { copyButton } from './parts.js';

const openDepth = 3;
const openMost = 60; // members of what is open from the start
const partSize = 500; // members made at once

// A number that is more exact, or written otherwise, than the page's own numbers can tell.
class Exact {
    constructor(source) {
        this.source = source;
    }
}

// As JSON.parse(), but that numbers stay as they are written, where the browser tells how.
export function parseExact(text) {
    return JSON.parse(text, (key, value, context) => (
        typeof value === 'number' && context?.source !== undefined && context.source !== String(value)
            ? new Exact(context.source) : value));
}

// A text of JSON in which characters that turn the direction of what follows, or cannot be seen, are escapes.
export function quote(text) {
    return JSON.stringify(text).replace(/[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
        (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function scalar(value) {
    const [kind, text] = value instanceof Exact ? ['number', value.source]
        : typeof value === 'string' ? ['string', quote(value)] : [value === null ? 'null' : typeof value, JSON.stringify(value)];
    return h('span', { class: `json-${kind}` }, text);
}

function member(key, value, depth, isLast) {
    const name = key === null ? null : [h('span', { class: 'json-key' }, quote(key)), ': '];
    const comma = isLast ? '' : ',';
    if (value === null || typeof value !== 'object' || value instanceof Exact) {
        return h('div', { class: 'json-line' }, name, scalar(value), comma);
    }
    const isList = Array.isArray(value);
    const entries = isList ? value.map((one) => [null, one]) : Object.entries(value);
    const [start, end] = isList ? ['[', ']'] : ['{', '}'];
    if (entries.length === 0) {
        return h('div', { class: 'json-line' }, name, start, end, comma);
    }
    return fold({ name, start, end: `${end}${comma}`, entries, depth });
}

// Members are made when they are seen, and not all at once where there are many.
function fold({ name, start, end, entries, depth }) {
    const inside = h('div', { class: 'json-inside' });
    const isOpen = depth < openDepth && entries.length <= openMost;
    const node = h('details', { class: 'json-fold', open: isOpen },
        h('summary', null, name, start, h('span', { class: 'json-count' }, ` ${counted(entries.length, 'item')} `, end)), inside,
        h('div', { class: 'json-end' }, end));
    let made = 0;
    const more = () => {
        const next = entries.slice(made, made + partSize);
        inside.append(...next.map(([key, value], index) => member(key, value, depth + 1, made + index === entries.length - 1)));
        made += next.length;
        if (made < entries.length) {
            const button = h('button', { type: 'button', class: 'button button-quiet' }, `${counted(entries.length - made, 'more item')} …`);
            button.addEventListener('click', () => {
                button.remove();
                more();
            });
            inside.append(button);
        }
    };
    const fill = () => node.open && made === 0 && more();
    node.addEventListener('toggle', fill);
    fill();
    return node;
}

// text: a payload as the API has it; size: of all of it, where text is only its beginning.
export function jsonView(title, text, size) {
    const isCut = size !== null && size !== undefined && size > new TextEncoder().encode(text).length;
    let body;
    try {
        body = h('div', { class: 'json mono' }, member(null, parseExact(text), 0, true));
    } catch {
        body = h('pre', { class: 'text' }, text);
    }
    return h('section', { class: 'panel payload', 'aria-label': title },
        h('details', { open: true }, h('summary', { class: 'panel-head' }, h('h2', null, title),
            h('span', { class: 'soft num' }, isCut ? `the first 64 KiB of ${bytes(size)}` : bytes(size ?? text.length)), copyButton(text, isCut ? 'Copy these' : 'Copy')),
        h('div', { class: 'panel-body' }, body)));
}

export function noPayload(title, why) {
    return h('section', { class: 'panel payload', 'aria-label': title },
        h('div', { class: 'panel-head' }, h('h2', null, title)), h('p', { class: 'panel-body soft' }, why));
}
