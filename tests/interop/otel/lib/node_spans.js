'use strict';
// Random spans of the official SDK, and the plain form of what it holds when they have ended.

const { ROOT_CONTEXT, SpanKind, TraceFlags, trace } = require('@opentelemetry/api');
const { TraceState } = require('@opentelemetry/core');
const { doubleBits } = require('./plain');

// mulberry32: a seed, and always the same numbers.
class Random {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    }

    below(bound) {
        return Math.floor(this.next() * bound);
    }

    chance(times) {
        return this.below(times) === 0;
    }

    of(list) {
        return list[this.below(list.length)];
    }

    list(most, make) {
        return Array.from({ length: this.below(most + 1) }, () => make(this));
    }
}

const pieces = ['a', 'Z', '0', ' ', '"', '\\', '\n', '\u0001', '\u007f', 'ä', 'Ω', '€', '漢', '😀', '\ufffd', '\u2028'];
const text = (random) => random.list(random.chance(5) ? 300 : 20, () => random.of(pieces)).join('');
const integer = (random) => random.of([0, 1, -1, 127, 128, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
const real = (random) => random.of([0.5, -0.1, NaN, Infinity, -Infinity, 5e-324, Math.PI]);
const boolean = (random) => random.chance(2);

function value(random) {
    const make = random.of([text, integer, real, boolean]);
    return random.chance(3) ? random.list(5, make) : make(random);
}

function attributes(random, most) {
    return Object.fromEntries(random.list(most, () => [random.of(['a', 'b', 'http.route', 'schlüssel', `k${text(random)}`]),
        value(random)]));
}

const hex = (random, digits) => Array.from({ length: digits }, () => random.below(16).toString(16)).join('')
    .replace(/^0/, '1');
const time = (random) => [1700000000 + random.below(1000), random.below(1000000000)];

function spanContext(random) {
    return {
        traceId: hex(random, 32),
        spanId: hex(random, 16),
        traceFlags: random.chance(3) ? TraceFlags.NONE : TraceFlags.SAMPLED,
        isRemote: random.chance(2),
        traceState: random.chance(2) ? undefined : new TraceState('vendor=1,other@sys=x y'),
    };
}

const link = (random) => ({ context: spanContext(random), attributes: attributes(random, 4) });

// Makes and ends a span.
function makeSpan(random, tracer) {
    const parent = random.chance(3) ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContext(random));
    const begin = time(random);
    const span = tracer.startSpan(text(random), {
        kind: random.of([SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]),
        attributes: attributes(random, 12),
        links: random.list(4, link),
        startTime: begin,
    }, parent);
    for (let i = random.below(10); i > 0; i--) {
        random.of([
            () => span.setAttributes(attributes(random, 5)),
            () => span.addEvent(text(random), attributes(random, 6), time(random)),
            () => span.addLink(link(random)),
            () => span.setStatus({ code: random.below(3), message: random.chance(2) ? text(random) : undefined }),
            () => span.updateName(text(random)),
            () => span.recordException(new TypeError(text(random)), time(random)),
        ])();
    }
    span.end([begin[0] + random.below(3), begin[1] === 999999999 ? begin[1] : begin[1] + 1]);
}

// ---- The plain form, without the transformer's help ----

const nanos = ([seconds, rest]) => (BigInt(seconds) * 1000000000n + BigInt(rest)).toString();

// The SDK may cut between the halves of a character outside the BMP; UTF-8 cannot say that.
const wellFormed = (string) => Buffer.from(string, 'utf8').toString('utf8');

function plainScalar(it) {
    switch (typeof it) {
    case 'string': return { string: wellFormed(it) };
    case 'boolean': return { bool: it };
    default: return Number.isInteger(it) ? { int: BigInt(it).toString() } : { double: doubleBits(it) };
    }
}

function plainAttributes(object) {
    return Object.fromEntries(Object.entries(object ?? {}).map(([key, it]) =>
        [key, Array.isArray(it) ? { array: it.map(plainScalar) } : plainScalar(it)]));
}

const flags = (traceFlags, isRemote) => traceFlags | 0x100 | (isRemote ? 0x200 : 0);

function plainLink(it) {
    return {
        traceId: it.context.traceId,
        spanId: it.context.spanId,
        traceState: it.context.traceState?.serialize() ?? '',
        flags: flags(it.context.traceFlags, it.context.isRemote),
        attributes: plainAttributes(it.attributes),
        droppedAttributes: it.droppedAttributesCount ?? 0,
    };
}

// Of a ReadableSpan.
function plainSpan(span) {
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    return {
        traceId,
        spanId,
        parentSpanId: span.parentSpanContext?.spanId ?? '',
        traceState: traceState?.serialize() ?? '',
        flags: flags(traceFlags, span.parentSpanContext?.isRemote),
        name: span.name,
        kind: span.kind + 1,
        startTime: nanos(span.startTime),
        endTime: nanos(span.endTime),
        attributes: plainAttributes(span.attributes),
        droppedAttributes: span.droppedAttributesCount,
        events: span.events.map((it) => ({
            time: nanos(it.time),
            name: it.name,
            attributes: plainAttributes(it.attributes),
            droppedAttributes: it.droppedAttributesCount ?? 0,
        })),
        droppedEvents: span.droppedEventsCount,
        links: span.links.map(plainLink),
        droppedLinks: span.droppedLinksCount,
        status: { code: span.status.code, message: span.status.message ?? '' },
        resource: {
            schemaUrl: span.resource.schemaUrl ?? '',
            attributes: plainAttributes(span.resource.attributes),
            droppedAttributes: 0,
        },
        scope: {
            schemaUrl: span.instrumentationScope.schemaUrl ?? '',
            name: span.instrumentationScope.name,
            version: span.instrumentationScope.version ?? '',
            attributes: plainAttributes(span.instrumentationScope.attributes),
            droppedAttributes: 0,
        },
    };
}

module.exports = { Random, makeSpan, plainSpan };
