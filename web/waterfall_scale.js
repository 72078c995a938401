// The axis of time of a waterfall: what part of it is seen, where it lies, its ticks. Nanoseconds since the start
// of the picture.

const narrowest = 100; // ns that can be seen at least

export class Scale {
    constructor(duration, width = 1) {
        this.duration = duration;
        this.width = width;
        this.from = 0;
        this.to = duration;
    }

    get isWhole() {
        return this.from <= 0 && this.to >= this.duration;
    }

    get span() {
        return this.to - this.from;
    }

    x(ns) {
        return ((ns - this.from) / this.span) * this.width;
    }

    ns(x) {
        return this.from + (x / this.width) * this.span;
    }

    // What is to be seen, kept within the picture.
    set(from, to) {
        const span = Math.min(this.duration, Math.max(Math.min(narrowest, this.duration), to - from));
        const middle = (from + to) / 2;
        const start = to - from < span ? middle - span / 2 : from;
        this.from = Math.min(Math.max(0, start), this.duration - span);
        this.to = this.from + span;
    }

    reset() {
        this.from = 0;
        this.to = this.duration;
    }

    // factor < 1 shows less; what is at x stays there.
    zoom(factor, x = this.width / 2) {
        const at = this.ns(x);
        const span = this.span * factor;
        const start = at - (x / this.width) * span;
        this.set(start, start + span);
    }

    // By a share of what is seen.
    pan(share) {
        const by = this.span * share;
        const from = Math.min(Math.max(0, this.from + by), this.duration - this.span);
        this.set(from, from + this.span);
    }

    // Of a picture that grew: all stays in sight where all was, else what was in sight.
    resize(duration) {
        const wasWhole = this.isWhole;
        this.duration = duration;
        if (wasWhole) {
            this.reset();
        } else {
            this.set(this.from, this.to);
        }
    }

    // Moves so that from .. to is in sight, where it is not.
    show(from, to) {
        const room = this.span * 0.05;
        if (to >= this.from + room && from <= this.to - room && (to - from > this.span || to <= this.to)) {
            return false;
        }
        const middle = to - from > this.span ? from + this.span / 2 - room : (from + to) / 2;
        this.set(middle - this.span / 2, middle + this.span / 2);
        return true;
    }
}

const second = 1e9;
const long = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000];

function stepFor(span, most) {
    const least = span / most;
    if (least <= second) {
        const power = 10 ** Math.floor(Math.log10(least));
        return [1, 2, 5, 10].map((one) => one * power).find((step) => step >= least * 0.999999);
    }
    return (long.find((seconds) => seconds * second >= least) ?? Math.ceil(least / second / 864000) * 864000) * second;
}

const unitOf = (step) => (step >= second ? ['s', second] : step >= 1e6 ? ['ms', 1e6] : step >= 1e3 ? ['µs', 1e3] : ['ns', 1]);

// Seconds as 1 m 30 s, 2 h 05 m, 1 d 3 h.
function longText(seconds) {
    const two = (value) => String(value).padStart(2, '0');
    if (seconds < 60) {
        return `${seconds} s`;
    }
    if (seconds < 3600) {
        return seconds % 60 === 0 ? `${seconds / 60} m` : `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
    }
    if (seconds < 86400) {
        const minutes = Math.floor(seconds / 60) % 60;
        const rest = seconds % 60 === 0 ? '' : ` ${two(seconds % 60)} s`;
        return `${Math.floor(seconds / 3600)} h${minutes === 0 && rest === '' ? '' : ` ${two(minutes)} m`}${rest}`;
    }
    const hours = Math.floor(seconds / 3600) % 24;
    return `${Math.floor(seconds / 86400)} d${hours === 0 ? '' : ` ${hours} h`}`;
}

export function tickText(at, step) {
    if (at === 0) {
        return '0';
    }
    if (step >= second) {
        return longText(Math.round(at / second));
    }
    // In the unit that fits the value, with the digits that tell neighbours apart.
    const [unit, size] = at >= 60 * second ? ['s', second] : unitOf(at);
    const digits = Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9));
    return `${(at / size).toFixed(digits)} ${unit}`;
}

// At most `most` round times from .. to: [{at, text}].
export function axisTicks(from, to, most) {
    const step = stepFor(to - from, Math.max(1, most));
    const ticks = [];
    for (let index = Math.ceil(from / step - 1e-9); index * step <= to * (1 + 1e-12); index++) {
        ticks.push({ at: index * step, text: tickText(index * step, step) });
    }
    return ticks;
}

// All digits of it: 812 ns, 812.345 µs, 12.345678 ms, 1.234567891 s; with what it comes to where that is long.
export function exactDuration(ns) {
    const value = Math.round(ns);
    const [unit, size] = Math.abs(value) >= second ? ['s', second] : unitOf(Math.abs(value));
    const digits = Math.round(Math.log10(size));
    const number = (value / size).toFixed(digits);
    const text = `${digits > 0 ? number.replace(/\.?0+$/, '') : number} ${unit}`;
    return Math.abs(value) >= 60 * second ? `${longText(Math.floor(value / second))} (${text})` : text;
}
