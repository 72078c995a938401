// Filters, as the URL has them, and the controls that set them.

import { now } from './api.js';
import { h } from './dom.js';
import { clock, time } from './format.js';

const stretches = [['15m', 'Last 15 minutes', 900e3], ['1h', 'Last hour', 3600e3], ['24h', 'Last 24 hours', 86400e3],
    ['7d', 'Last 7 days', 604800e3]];

const latest = 9e12; // as far as the API goes, the year 2255

const number = (text) => (text !== null && /^\d+$/.test(text) && Number(text) <= latest ? Number(text) : null);

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

const isExact = (query) => query.get('last') === null && Object.values(rangeOf(query)).some((ms) => ms !== null);

// The time of the URL's `since` and `until`, to be taken away; false where there is none. set() as of timeFilter().
export const rangePill = (query, set) => isExact(query) && h('span', { class: 'pill' }, rangeText(rangeOf(query)), h('button', {
    type: 'button', class: 'pill-x', 'aria-label': 'Any time', onclick: () => set({ last: null, since: null, until: null }),
}, '×'));

// set({last, since, until}) hears of what was chosen. {node, update(query)}: the controls stay the same ones, as a change
// is heard of while a date is still typed.
export function timeFilter(set) {
    const select = h('select', { 'aria-label': 'Time', onchange: change },
        h('option', { value: '' }, 'Any time'),
        stretches.map(([name, text]) => h('option', { value: name }, text)),
        h('option', { value: 'exact' }, 'From … until …'));
    const field = (label) => h('input', { type: 'datetime-local', step: '1', 'aria-label': label, onchange: changeExact });
    const since = field('From');
    const until = field('Until');
    const exact = h('span', { class: 'exact', hidden: true }, since, '–', until);
    const node = h('span', { class: 'time-filter' }, select, exact);

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
        const times = [value(since), value(until)];
        if (times.every((ms) => ms === null || (ms >= 0 && ms <= latest))) { // years have four digits, one after the other
            set({ last: null, since: times[0], until: times[1] });
        }
    }

    function update(query) {
        if (exact.contains(document.activeElement)) {
            return;
        }
        const range = rangeOf(query);
        exact.hidden = !isExact(query);
        select.value = exact.hidden ? query.get('last') ?? '' : 'exact';
        if (select.selectedIndex < 0) {
            select.value = '';
        }
        since.value = exact.hidden ? '' : localText(range.since_ms);
        until.value = exact.hidden ? '' : localText(range.until_ms);
    }

    return { node, update };
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
