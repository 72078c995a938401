// Small pieces that pages share.

import { ApiError, now } from './api.js';
import { h, s } from './dom.js';
import { ago, durationMs, fullTime, statusName, time } from './format.js';

// What is drawn in the circle of a status, so that no one has to tell colours apart.
const signs = {
    QUEUED: { d: 'M8 5v3.2l2 1.3' },
    RUNNING: { d: 'M6.6 5.4 10.6 8l-4 2.6z', isFilled: true },
    EVICTED: { d: 'M6.4 5.6v4.8M9.6 5.6v4.8' },
    COMPLETED: { d: 'm5.2 8.2 2 2 3.7-4.2' },
    FAILED: { d: 'm5.8 5.8 4.4 4.4m0-4.4-4.4 4.4' },
    CANCELLED: { d: 'M5.2 8h5.6' },
    SKIPPED: { d: 'm5 5.4 2.6 2.6L5 10.6M8.4 5.4 11 8l-2.6 2.6' },
};

// A mark of 16 px; its name is said where no text stands beside it.
export function statusMark(status, { isNamed = false } = {}) {
    const sign = signs[status] ?? { d: '' };
    return s('svg', {
        class: `mark mark-${status.toLowerCase()}`, viewBox: '0 0 16 16', width: 16, height: 16,
        ...(isNamed ? { role: 'img', 'aria-label': statusName(status) } : { 'aria-hidden': 'true' }),
    }, s('circle', { cx: 8, cy: 8, r: 7 }), s('path', { d: sign.d, class: sign.isFilled ? 'is-filled' : null }));
}

export function statusLabel(status) {
    return h('span', { class: `status status-${status.toLowerCase()}` }, statusMark(status),
        h('span', null, statusName(status)));
}

export function timeNode(ms, { relative = false } = {}) {
    return ms === null || ms === undefined ? h('span', { class: 'faint' }, '–')
        : h('time', { datetime: new Date(ms).toISOString(), title: fullTime(ms) },
            relative ? ago(ms, now()) : time(ms, now()));
}

// How long something has been going on, in ms since then: it grows with each showSince().
export const sinceNode = (ms) => h('span', { 'data-since': ms }, durationMs(Math.max(0, now() - ms)));

export function showSince(node) {
    for (const one of node.querySelectorAll('[data-since]')) {
        one.textContent = durationMs(Math.max(0, now() - Number(one.dataset.since)));
    }
}

// One word of metadata: key and value, cut by the style where it is long.
export function tag(key, value) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return h('span', { class: 'tag', title: `${key}: ${text}` }, h('span', { class: 'tag-key' }, key), text);
}

// A command or an id that can be taken along.
export function copyButton(text, label = 'Copy') {
    const button = h('button', { type: 'button', class: 'button button-quiet copy' }, label);
    button.addEventListener('click', async (event) => {
        event.stopPropagation();
        try {
            await navigator.clipboard.writeText(text);
            button.textContent = 'Copied';
        } catch {
            button.textContent = 'Not allowed'; // needs https or localhost
        }
        setTimeout(() => { button.textContent = label; }, 1500);
    });
    return button;
}

export const command = (text) => h('div', { class: 'command' }, h('code', null, text), copyButton(text));

// Nothing to show: what it means and what to do about it.
export function empty(title, ...children) {
    return h('div', { class: 'empty' }, h('h2', null, title), children);
}

// What went wrong, in the server's words, and a button if it may go better when it is asked once more.
export function problem(error, retry) {
    const isMissing = error instanceof ApiError && error.status === 404;
    return h('div', { class: 'empty problem', role: 'alert' },
        h('h2', null, isMissing ? 'There is no such thing here' : 'That did not work'),
        h('p', null, isMissing ? 'Either it was removed, since it is old, or the address is not whole.'
            : error instanceof ApiError ? error.message : `The page has a mistake: ${error.message}`),
        retry !== undefined && !isMissing && error.status !== 400 && h('button', { type: 'button', class: 'button', onclick: retry }, 'Try again'));
}

// The heading of a column.
export const head = (text, className = null) => h('th', { scope: 'col', class: className }, text);

export const spinner = (text) => h('p', { class: 'spinner', role: 'status' }, text);

export function panel(title, { aside = null, className = '' } = {}, ...children) {
    return h('section', { class: `panel ${className}` },
        h('header', { class: 'panel-head' }, h('h2', null, title), aside), children);
}
