'use strict';
// C decodes what the official SDK and exporter send and finds the spans that Node made.

const assert = require('node:assert');
const test = require('node:test');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { Random, makeSpan, plainSpan } = require('./lib/node_spans');
const plain = require('./lib/plain');
const programs = require('./lib/programs');

const spansPerSeed = 50;
const seeds = process.env.CLEAT_SEED ? [Number(process.env.CLEAT_SEED)]
                                     : Array.from({ length: 20 }, (_, index) => index + 1);

// Keeps what is exported, in plain form.
class Keeper {
    spans = [];
    onStart() {}
    onEnd(span) {
        this.spans.push(plainSpan(span));
    }
    async forceFlush() {}
    async shutdown() {}
}

const few = {
    attributeCountLimit: 3, eventCountLimit: 2, linkCountLimit: 2, attributePerEventCountLimit: 1,
    attributePerLinkCountLimit: 1, attributeValueLengthLimit: 10,
};

// What Node made and what C read of it.
async function exchange(seed, exporterOptions) {
    const sink = programs.start('sink', [exporterOptions.compression ?? 'none']);
    const url = `http://127.0.0.1:${await sink.firstLine()}/v1/traces`;
    const random = new Random(seed);
    const keeper = new Keeper();
    const exporter = new OTLPTraceExporter({ url, ...exporterOptions });
    const provider = new BasicTracerProvider({
        resource: resourceFromAttributes({ 'service.name': 'node 漢', list: ['a', 'ü'], whole: 7, part: 0.5, yes: true },
            { schemaUrl: 'https://opentelemetry.io/schemas/1.30.0' }),
        spanLimits: seed % 2 === 0 ? few : {},
        spanProcessors: [keeper, new BatchSpanProcessor(exporter, { maxQueueSize: 10000, maxExportBatchSize: 20 })],
    });
    const tracers = [provider.getTracer('plain'), provider.getTracer('full 漢', '1.2')];
    for (let i = 0; i < spansPerSeed; i++) {
        makeSpan(random, random.of(tracers));
    }
    await provider.forceFlush();
    await provider.shutdown();
    assert.deepStrictEqual(await sink.closeInput(), { code: 0, signal: null });
    return { made: keeper.spans, read: sink.lines.slice(1).map((line) => JSON.parse(line)) };
}

for (const compression of ['none', 'gzip']) {
    test(`OTLP/HTTP protobuf, compression ${compression}`, async () => {
        for (const seed of seeds) {
            const { made, read } = await exchange(seed, { compression });
            const sampled = made.filter((it) => (it.flags & 1) !== 0);
            try {
                assert.ok(sampled.length > spansPerSeed / 2);
                plain.assertSameSpans(read, sampled);
            } catch (error) {
                error.message = `seed ${seed} (again with CLEAT_SEED=${seed}): ${error.message}`;
                throw error;
            }
        }
    });
}

test('dropped attributes, events and links are among what was compared', async () => {
    const { read } = await exchange(2, {});
    for (const count of ['droppedAttributes', 'droppedEvents', 'droppedLinks']) {
        assert.ok(read.some((it) => it[count] > 0), count);
    }
    assert.ok(read.some((it) => it.events.some((event) => event.droppedAttributes > 0)));
});
