// Filters, as the URL has them, and the controls that set them.

import { now } from './api.js';
import { h } from './dom.js';
import { clock, time } from './format.js';

const stretches = [['15m', 'Last 15 minutes', 900e3], ['1h', 'Last hour', 3600e3], ['24h', 'Last 24 hours', 86400e3],
    ['7d', 'Last 7 days', 604800e3]];

const number = (text) => (text !== null && /^\d+$/.test(text) ? Number(text) : null);

// {since_ms, until_ms} of the URL's `last`, or of `since` and `until`; null where they are open.
export function rangeOf(query, at = now()) {
    const stretch = stretches.find(([name]) => name === query.get('last'));
    return stretch !== undefined ? { since_ms: at - stretch[2], until_ms: null }
        : { since_ms: number(query.get('since')), until_ms: number(query.get('until')) };
}

export function rangeText({ since_ms: since, until_ms: until }) {
    const isSameDay = since !== null && until !== null && new Date(since).toDateString() === new Date(until).toDateString();
    return since === null ? `until ${time(until)}` : until === null ? `since ${time(since)}`
        : `${time(since)} – ${isSameDay ? clock(until) : time(until)}`;
}

// For <input type=datetime-local>, which knows local time only.
function localText(ms) {
    if (ms === null) {
        return '';
    }
    const zone = new Date(ms).getTimezoneOffset() * 60000;
    return new Date(ms - zone).toISOString().slice(0, 19);
}

// set({last, since, until}) hears of what was chosen.
export function timeFilter(query, set) {
    const range = rangeOf(query);
    const isExact = query.get('last') === null && (range.since_ms !== null || range.until_ms !== null);
    const chosen = isExact ? 'exact' : stretches.some(([name]) => name === query.get('last')) ? query.get('last') : '';
    const select = h('select', { 'aria-label': 'Time', onchange: change },
        h('option', { value: '' }, 'Any time'),
        stretches.map(([name, text]) => h('option', { value: name }, text)),
        h('option', { value: 'exact' }, 'From … until …'));
    select.value = chosen;
    const field = (label, ms) => h('input', {
        type: 'datetime-local', step: '1', 'aria-label': label, value: localText(ms), onchange: changeExact,
    });
    const since = field('From', range.since_ms);
    const until = field('Until', range.until_ms);
    const exact = h('span', { class: 'exact', hidden: !isExact }, since, '–', until);

    function change() {
        exact.hidden = select.value !== 'exact';
        if (select.value === 'exact') {
            since.focus();
        } else {
            set({ last: select.value, since: null, until: null });
        }
    }

    function changeExact() {
        const value = (input) => (input.value === '' ? null : new Date(input.value).getTime());
        set({ last: null, since: value(since), until: value(until) });
    }

    return h('span', { class: 'time-filter' }, select, exact);
}

// A field whose text holds once it was typed: 300 ms after the last key where it isWhole(text), else at Enter or when the
// field is left.
export function textFilter(attributes, set, isWhole = () => true) {
    let timer = null;
    let last = attributes.value;
    const take = () => {
        clearTimeout(timer);
        const text = input.value.trim();
        if (text !== last) {
            last = text;
            set(text);
        }
    };
    const input = h('input', {
        type: 'search', spellcheck: 'false', autocomplete: 'off', ...attributes,
        oninput: () => {
            clearTimeout(timer);
            if (isWhole(input.value.trim())) {
                timer = setTimeout(take, 300);
            }
        },
        onchange: take, onkeydown: (event) => event.key === 'Enter' && take(),
    });
    return input;
}

// Several values, each a tag that can be taken away, and a field for one more. isGood(text) says which are any.
export function manyFilter({ values, label, placeholder, isGood }, set) {
    const input = h('input', {
        type: 'text', 'aria-label': label, placeholder, spellcheck: 'false', autocomplete: 'off', class: 'mono',
        onkeydown: (event) => event.key === 'Enter' && add(event), onchange: add,
        oninput: () => input.removeAttribute('aria-invalid'),
    });

    function add(event) {
        const text = input.value.trim();
        if (text === '') {
            return;
        }
        event.preventDefault();
        if (!isGood(text)) {
            input.setAttribute('aria-invalid', 'true');
            return;
        }
        input.value = '';
        set([...values.filter((value) => value !== text), text]);
    }

    return h('span', { class: 'many' }, values.map((value) => h('span', { class: 'pill' }, h('span', { class: 'mono' }, value),
        h('button', {
            type: 'button', class: 'pill-x', 'aria-label': `Without ${value}`,
            onclick: () => set(values.filter((one) => one !== value)),
        }, '×'))), input);
}
