// Numbers and times as people read them. Nothing here touches the page.

const units = [['d', 86400e9], ['h', 3600e9], ['m', 60e9], ['s', 1e9], ['ms', 1e6], ['µs', 1e3], ['ns', 1]];

function three(value) {
    const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return value.toFixed(digits);
}

// 1.23 s, 45.6 ms, 2 m 05 s, 3 h 10 m, 2 d 4 h; a dash for null.
export function duration(ns) {
    if (ns === null || ns === undefined || !Number.isFinite(Number(ns))) {
        return '–';
    }
    const value = Math.max(0, Number(ns));
    if (value < 1e3) {
        return value === 0 ? '0' : `${Math.round(value)} ns`;
    }
    for (const [name, size] of [['µs', 1e3], ['ms', 1e6], ['s', 1e9]]) {
        const limit = name === 's' ? 59.95e9 : 999.5 * size;
        if (value < limit) {
            return `${three(value / size)} ${name}`;
        }
    }
    const seconds = Math.round(value / 1e9);
    if (seconds < 3600) {
        return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, '0')} s`;
    }
    const minutes = Math.floor(seconds / 60);
    if (minutes < 24 * 60) {
        return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
    }
    const hours = Math.floor(minutes / 60);
    const days = Math.floor(hours / 24);
    return days < 100 ? `${days} d ${hours % 24} h` : `${count(days)} d`;
}

// Of what was measured in milliseconds: 38 ms, not 38.0 ms.
export function durationMs(ms) {
    return Number.isInteger(ms) && ms > 0 && ms < 1000 ? `${ms} ms` : duration(ms === null || ms === undefined ? null : ms * 1e6);
}

// The same of how long something took: times are in whole milliseconds, so that nothing takes none.
export const spent = (ms) => (ms === 0 ? '<1 ms' : durationMs(ms));

// What people type: "250ms", "1.5 s", "2m", "3h"; a bare number is milliseconds. Null where it is none.
export function parseDuration(text) {
    const match = /^\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|m|min|h|d)?\s*$/.exec(text);
    if (match === null) {
        return null;
    }
    const name = { us: 'µs', min: 'm' }[match[2]] ?? match[2] ?? 'ms';
    return Math.round(Number(match[1]) * units.find(([unit]) => unit === name)[1]);
}

const two = (value) => String(value).padStart(2, '0');

// 14:03:07, 14:03:07.250
export function clock(ms, { withMs = false } = {}) {
    const date = new Date(ms);
    const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    return withMs ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

// 14:03:07 of today, 3 Nov 14:03:07 of this year, 3 Nov 2025 14:03:07 else. Local time.
export function time(ms, now = Date.now(), options = {}) {
    if (ms === null || ms === undefined) {
        return '–';
    }
    const date = new Date(ms);
    const today = new Date(now);
    const text = clock(ms, options);
    if (date.toDateString() === today.toDateString()) {
        return text;
    }
    const year = date.getFullYear() === today.getFullYear() ? '' : ` ${date.getFullYear()}`;
    return `${date.getDate()} ${months[date.getMonth()]}${year} ${text}`;
}

// The whole of it, for titles: 2026-11-26 14:03:07.250 +01:00.
export function fullTime(ms) {
    if (ms === null || ms === undefined) {
        return '';
    }
    const date = new Date(ms);
    const zone = -date.getTimezoneOffset();
    const sign = zone < 0 ? '-' : '+';
    const offset = `${sign}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`;
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
        `${clock(ms, { withMs: true })} ${offset}`;
}

// now, 12 s ago, 5 m ago, 3 h ago, 2 d ago; "in 5 m" of what comes.
export function ago(ms, now = Date.now()) {
    if (ms === null || ms === undefined) {
        return '–';
    }
    const seconds = Math.round(Math.abs(now - ms) / 1000);
    if (seconds < 2) {
        return 'now';
    }
    const [size, unit] = seconds < 60 ? [1, 's'] : seconds < 3600 ? [60, 'm']
        : seconds < 86400 ? [3600, 'h'] : [86400, 'd'];
    const text = `${count(Math.floor(seconds / size))} ${unit}`;
    return ms > now ? `in ${text}` : `${text} ago`;
}

// 1,234,567
export function count(value) {
    return value === null || value === undefined ? '–' : String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

// "1 span", "12 spans"
export const counted = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

// 812 B, 12.3 KiB, 4.1 MiB
export function bytes(value) {
    if (value < 1024) {
        return `${value} B`;
    }
    const steps = ['KiB', 'MiB', 'GiB', 'TiB'];
    let size = value / 1024;
    let step = 0;
    while (size >= 1023.5 && step + 1 < steps.length) {
        size /= 1024;
        step++;
    }
    return `${size >= 99.95 ? size.toFixed(0) : size.toFixed(1)} ${steps[step]}`;
}

// The end of an id is what tells ids apart that were made at nearly the same time.
export const shortId = (id) => (id.length > 12 ? `…${id.slice(-8)}` : id);

export const statuses = ['QUEUED', 'RUNNING', 'EVICTED', 'COMPLETED', 'FAILED', 'CANCELLED'];

const statusNames = {
    QUEUED: 'Queued', RUNNING: 'Running', EVICTED: 'Waiting', COMPLETED: 'Completed', FAILED: 'Failed',
    CANCELLED: 'Cancelled', SKIPPED: 'Skipped',
};

export const statusName = (status) => statusNames[status] ?? status;

// What is shown as the status of a run or a task: one that had nothing to do has completed, but says so.
export const shownStatus = ({ status, outcome }) => (outcome === 'SKIPPED' ? 'SKIPPED' : status);

export const priorityName = (priority) => ({ 1: 'low', 2: 'medium', 3: 'high' })[priority] ?? String(priority);

export const hasEnded = (status) => ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status);

// How long a run has been there, and of that how long it waited for its worker and how long it has been at work, in
// ms. wait and work are null where only the last of several attempts or invocations is known.
export function runTimes(run, now) {
    const end = run.finished_at_ms ?? now;
    const total = Math.max(0, end - run.created_at_ms);
    if (run.attempt > 1 || run.is_durable) {
        return { wait: null, work: null, total };
    }
    const start = run.started_at_ms ?? end;
    return { wait: Math.max(0, start - run.created_at_ms), work: run.started_at_ms === null ? null : Math.max(0, end - start), total };
}

// A workflow and its task, where that says more: {workflow, task}.
export function runNames({ workflow, task }) {
    const isSame = task === null || task === workflow || workflow?.endsWith(`.${task}`);
    return { workflow: workflow ?? task ?? '', task: isSame || workflow === null ? null : task };
}

// Metadata without what travels with it for traces, which nobody wrote.
export function ownMetadata(metadata) {
    return Object.entries(metadata ?? {}).filter(([key]) => !/^(traceparent|tracestate|baggage|cleat__.*|hatchet__.*)$/.test(key));
}

// Up to `most` round times between two, for the ticks of an axis: [{at, text}].
export function timeTicks(from, to, most) {
    const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3,
        600e3, 900e3, 1800e3, 3600e3, 7200e3, 14400e3, 21600e3, 43200e3, 86400e3, 172800e3, 604800e3,
        1209600e3, 2592000e3, 7776000e3, 31536000e3];
    const step = steps.find((size) => (to - from) / size <= most) ?? steps.at(-1);
    const zone = new Date(from).getTimezoneOffset() * 60000;
    const ticks = [];
    for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) {
        ticks.push({ at, text: tickText(at, step) });
    }
    return ticks;
}

function tickText(at, step) {
    const date = new Date(at);
    if (step >= 86400e3 || (step >= 3600e3 && date.getHours() === 0)) {
        return `${date.getDate()} ${months[date.getMonth()]}`;
    }
    const text = `${two(date.getHours())}:${two(date.getMinutes())}`;
    return step >= 60e3 ? text : clock(at, { withMs: step < 1000 });
}
