'use strict';
// Decoded OTLP, of protobuf or JSON, in the plain form that plain_json.h describes.

const assert = require('node:assert');

function doubleBits(number) {
    if (Number.isNaN(number)) {
        return 'NaN';
    }
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, number);
    return view.getBigUint64(0).toString(16).padStart(16, '0');
}

// The members of an object that have a value; others than these must not be there.
function members(object, names) {
    for (const name of Object.keys(object)) {
        assert.ok(names.includes(name), `a member that OTLP does not have: ${name}`);
    }
    return object;
}

// How the two encodings write what they write differently.
const protobuf = {
    id: (bytes) => Buffer.from(bytes ?? []).toString('hex'),
    number64: (value) => (value ?? 0).toString(),
    double: (value) => value,
    caseOf: (any) => any.value,
    members: (object) => object,
};

const json = {
    id(text) {
        assert.match(text ?? '', /^([0-9a-f]{16}|[0-9a-f]{32})?$/);
        return text ?? '';
    },
    number64(value) {
        assert.ok(value === undefined || typeof value === 'string', '64-bit numbers are strings');
        return value ?? '0';
    },
    double(value) {
        assert.ok(typeof value === 'number' || ['NaN', 'Infinity', '-Infinity'].includes(value), `${value}`);
        return Number(value);
    },
    caseOf(any) {
        assert.ok(Object.keys(any).length <= 1, 'a oneof has one member');
        return Object.keys(any)[0];
    },
    members,
};

function value(any, form) {
    switch (form.caseOf(any)) {
    case 'stringValue':
        return { string: any.stringValue };
    case 'boolValue':
        return { bool: any.boolValue };
    case 'intValue':
        return { int: form.number64(any.intValue) };
    case 'doubleValue':
        return { double: doubleBits(form.double(any.doubleValue)) };
    case 'arrayValue':
        return { array: (form.members(any.arrayValue, ['values']).values ?? []).map((it) => value(it, form)) };
    default:
        return { foreign: any };
    }
}

function attributes(list, form) {
    const object = {};
    for (const attribute of list ?? []) {
        form.members(attribute, ['key', 'value']);
        assert.ok(!Object.hasOwn(object, attribute.key), `key twice: ${attribute.key}`);
        Object.defineProperty(object, attribute.key, {
            value: value(attribute.value, form), enumerable: true, configurable: true, writable: true,
        });
    }
    return object;
}

function event(from, form) {
    form.members(from, ['timeUnixNano', 'name', 'attributes', 'droppedAttributesCount']);
    return {
        time: form.number64(from.timeUnixNano),
        name: from.name ?? '',
        attributes: attributes(from.attributes, form),
        droppedAttributes: from.droppedAttributesCount ?? 0,
    };
}

function link(from, form) {
    form.members(from, ['traceId', 'spanId', 'traceState', 'attributes', 'droppedAttributesCount', 'flags']);
    return {
        traceId: form.id(from.traceId),
        spanId: form.id(from.spanId),
        traceState: from.traceState ?? '',
        flags: from.flags ?? 0,
        attributes: attributes(from.attributes, form),
        droppedAttributes: from.droppedAttributesCount ?? 0,
    };
}

function span(from, form, resource, scope) {
    form.members(from, ['traceId', 'spanId', 'traceState', 'parentSpanId', 'name', 'kind', 'flags',
        'startTimeUnixNano', 'endTimeUnixNano', 'attributes', 'droppedAttributesCount', 'events',
        'droppedEventsCount', 'links', 'droppedLinksCount', 'status']);
    const status = form.members(from.status ?? {}, ['code', 'message']);
    return {
        traceId: form.id(from.traceId),
        spanId: form.id(from.spanId),
        parentSpanId: form.id(from.parentSpanId),
        traceState: from.traceState ?? '',
        flags: from.flags ?? 0,
        name: from.name ?? '',
        kind: from.kind ?? 0,
        startTime: form.number64(from.startTimeUnixNano),
        endTime: form.number64(from.endTimeUnixNano),
        attributes: attributes(from.attributes, form),
        droppedAttributes: from.droppedAttributesCount ?? 0,
        events: (from.events ?? []).map((it) => event(it, form)),
        droppedEvents: from.droppedEventsCount ?? 0,
        links: (from.links ?? []).map((it) => link(it, form)),
        droppedLinks: from.droppedLinksCount ?? 0,
        status: { code: status.code ?? 0, message: status.message ?? '' },
        resource,
        scope,
    };
}

function request(message, form) {
    const spans = [];
    form.members(message, ['resourceSpans']);
    for (const ofResource of message.resourceSpans ?? []) {
        form.members(ofResource, ['resource', 'scopeSpans', 'schemaUrl']);
        const resource = {
            schemaUrl: ofResource.schemaUrl ?? '',
            attributes: attributes(ofResource.resource?.attributes, form),
            droppedAttributes: ofResource.resource?.droppedAttributesCount ?? 0,
        };
        for (const ofScope of ofResource.scopeSpans ?? []) {
            form.members(ofScope, ['scope', 'spans', 'schemaUrl']);
            const scope = {
                schemaUrl: ofScope.schemaUrl ?? '',
                name: ofScope.scope?.name ?? '',
                version: ofScope.scope?.version ?? '',
                attributes: attributes(ofScope.scope?.attributes, form),
                droppedAttributes: ofScope.scope?.droppedAttributesCount ?? 0,
            };
            spans.push(...(ofScope.spans ?? []).map((it) => span(it, form, resource, scope)));
        }
    }
    return spans;
}

// Lists of spans that have to be the same, in any order of theirs.
function assertSameSpans(actual, expected) {
    const byId = new Map(actual.map((it) => [it.spanId, it]));
    assert.strictEqual(byId.size, actual.length, 'a span id twice');
    assert.strictEqual(actual.length, expected.length);
    for (const wanted of expected) {
        assert.deepStrictEqual(byId.get(wanted.spanId), wanted);
    }
}

module.exports = {
    doubleBits,
    fromMessage: (message) => request(message, protobuf),
    fromJson: (object) => request(object, json),
    assertSameSpans,
};
