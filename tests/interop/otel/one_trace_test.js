'use strict';
// Services in Node and in C call each other: one trace, and what it carries arrives everywhere.

const assert = require('node:assert');
const test = require('node:test');
const {
    ROOT_CONTEXT, TraceFlags, baggageEntryMetadataFromString, context, propagation, trace,
} = require('@opentelemetry/api');
const {
    CompositePropagator, TraceState, W3CBaggagePropagator, W3CTraceContextPropagator,
} = require('@opentelemetry/core');
const { B3InjectEncoding, B3Propagator } = require('@opentelemetry/propagator-b3');
const { Collector } = require('./lib/collector');
const { NodeService } = require('./lib/node_service');
const programs = require('./lib/programs');

// Names as OTEL_PROPAGATORS has them, and the same of Node.
const formats = [
    ['tracecontext,baggage', new W3CTraceContextPropagator()],
    ['b3,baggage', new B3Propagator({ injectEncoding: B3InjectEncoding.SINGLE_HEADER })],
    ['b3multi,baggage', new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER })],
].map(([name, propagator]) => ({
    name,
    isW3c: name.startsWith('tracecontext'),
    propagator: new CompositePropagator({ propagators: [propagator, new W3CBaggagePropagator()] }),
}));

const traceState = 'vendor=1;a,other@sys=x y';
const remote = {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: TraceFlags.SAMPLED,
    isRemote: true, traceState: new TraceState(traceState),
};
// No empty value: Node does not read its own.
const entries = {
    user: { value: 'zoë, 100 %; "a=b" \\ 漢😀' },
    region: { value: 'eu-1', metadata: baggageEntryMetadataFromString('prop=1;flag') },
};

// A Node service, a relay in C, and a collector for its spans.
async function withServices(format, check) {
    const collector = await new Collector().start();
    const node = await new NodeService(format.propagator).start();
    const env = {
        OTEL_PROPAGATORS: format.name, OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_SERVICE_NAME: 'relay',
    };
    const relay = await programs.startRelay(env);
    try {
        // Spans are there when the relay has ended.
        await check({ node, relay, env, spans: async () => {
            await relay.terminate();
            return [...node.spans(), ...collector.spans()];
        } });
    } finally {
        await relay.terminate();
        node.stop();
        collector.stop();
    }
}

// The spans from the root to the leaf; fails when they are not one chain.
function chainOf(spans, rootParent) {
    const chain = [];
    for (let parent = rootParent; chain.length < spans.length; parent = chain.at(-1).spanId) {
        const children = spans.filter((it) => it.parentSpanId === parent);
        assert.strictEqual(children.length, 1, `children of ${parent}, span ${chain.length} of ${spans.length}`);
        chain.push(children[0]);
    }
    return chain;
}

const server = 2;
const client = 3;
const sampledHere = 0x101;
const sampledThere = 0x301; // the parent is of another process

function kindsAndFlags(chain) {
    return chain.map((it) => [it.kind, it.flags & ~2]); // Node does not know the random flag everywhere
}

function assertBaggage(node, expected) {
    for (const { path, baggage } of node.seen) {
        const actual = baggage.map(([key, { value, metadata }]) => [key, value, metadata?.toString() ?? '']);
        assert.deepStrictEqual(actual.sort(), expected.sort(), path);
    }
}

const nodeBaggage = () => Object.entries(entries).map(([key, { value, metadata }]) => [key, value, metadata?.toString() ?? '']);

function underRemote(spanContext, call) {
    const parent = trace.setSpanContext(ROOT_CONTEXT, spanContext);
    return context.with(propagation.setBaggage(parent, propagation.createBaggage(entries)), call);
}

for (const format of formats) {
    test(`Node calls C calls Node calls C calls Node: ${format.name}`, () => withServices(format,
        async ({ node, relay, spans }) => {
            const target = `${node.url}/middle?relay=${encodeURIComponent(relay.url)}`;
            const answer = await underRemote(remote, () => node.order(relay.url, target));
            assert.strictEqual(answer.status, 200);
            const chain = chainOf(await spans(), remote.spanId);
            assert.deepStrictEqual(kindsAndFlags(chain), [
                [client, sampledThere], [server, sampledThere], [client, sampledHere], [server, sampledThere],
                [client, sampledHere], [server, sampledThere], [client, sampledHere], [server, sampledThere],
            ]);
            const services = chain.map((it) => it.resource.attributes['service.name'].string === 'relay');
            assert.deepStrictEqual(services, [false, true, true, false, false, true, true, false]);
            for (const span of chain) {
                assert.strictEqual(span.traceId, remote.traceId);
            }
            for (const span of chain.slice(1)) {
                // B3 has nowhere to put it; the Node spans before the first hop have it anyway.
                assert.strictEqual(span.traceState, format.isW3c ? traceState : '');
            }
            assert.deepStrictEqual(node.seen.map((it) => it.path), ['/middle', '/leaf']);
            assertBaggage(node, nodeBaggage());
        }));

    test(`C begins the trace, through Node and C: ${format.name}`, () => withServices(format,
        async ({ node, relay, env, spans }) => {
            const url = `${node.url}/middle?relay=${encodeURIComponent(relay.url)}`;
            await programs.run('caller', [url, 'c=begin,vendor=2', 'user', 'zoë, 100 %; "a=b" \\ 漢😀', '',
                'region', 'eu-1', 'prop=1;flag'], { ...env, OTEL_SERVICE_NAME: 'caller' });
            const chain = chainOf(await spans(), '');
            assert.deepStrictEqual(chain.map((it) => it.kind), [1, client, server, client, server, client, server]);
            const { traceId } = chain[0];
            assert.match(traceId, /^[0-9a-f]{32}$/);
            for (const span of chain) {
                assert.strictEqual(span.traceId, traceId);
            }
            for (const { spanContext } of node.seen) {
                assert.strictEqual(spanContext.traceId, traceId);
                assert.strictEqual(spanContext.traceState?.serialize() ?? '', format.isW3c ? 'c=begin,vendor=2' : '');
            }
            assert.strictEqual(node.seen.length, 2);
            assertBaggage(node, nodeBaggage());
        }));

    test(`what Node does not sample C does not: ${format.name}`, () => withServices(format,
        async ({ node, relay, spans }) => {
            await underRemote({ ...remote, traceFlags: TraceFlags.NONE },
                () => node.order(relay.url, `${node.url}/leaf`));
            assert.deepStrictEqual(await spans(), []);
            assert.strictEqual(node.seen.length, 1);
            assert.strictEqual(node.seen[0].spanContext.traceId, remote.traceId);
            assert.strictEqual(node.seen[0].spanContext.traceFlags & 1, 0);
            assertBaggage(node, nodeBaggage());
        }));
}
