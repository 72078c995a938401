'use strict';
// Node decodes what C exports and finds the spans that C made.

const assert = require('node:assert');
const fs = require('node:fs');
const test = require('node:test');
const { Collector } = require('./lib/collector');
const decoders = require('./lib/decoders');
const plain = require('./lib/plain');
const programs = require('./lib/programs');

const spansPerSeed = 50;
const seeds = process.env.CLEAT_SEED ? [Number(process.env.CLEAT_SEED)]
                                     : Array.from({ length: 20 }, (_, index) => index + 1);

function expectedSpans() {
    return fs.readFileSync('expected.json', 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
}

async function withCollector(check) {
    const collector = await new Collector().start();
    try {
        await check(collector);
    } finally {
        collector.stop();
    }
}

// Each seed through an exporter; `check` gets what came and what has to have come.
async function forEachSeed(exporter, env, check) {
    for (const seed of seeds) {
        await withCollector(async (collector) => {
            await programs.run('spans', [exporter, seed, spansPerSeed, 'expected.json'],
                { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env });
            try {
                check(collector, expectedSpans());
            } catch (error) {
                error.message = `seed ${seed} (again with CLEAT_SEED=${seed}): ${error.message}`;
                throw error;
            }
        });
    }
}

const gzip = { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' };

function isSentAs(collector, type, encoding) {
    for (const { path, headers } of collector.requests) {
        assert.strictEqual(path, '/v1/traces');
        assert.strictEqual(headers['content-type'], type);
        assert.strictEqual(headers['content-encoding'], encoding);
        assert.match(headers['user-agent'], /^OTel-OTLP-Exporter-C\/\d/);
    }
}

for (const [name, env] of [['', {}], [' with gzip', gzip]]) {
    const encoding = env === gzip ? 'gzip' : undefined;

    test(`OTLP/HTTP protobuf${name}`, () => forEachSeed('http/protobuf', env, (collector, expected) => {
        isSentAs(collector, 'application/x-protobuf', encoding);
        plain.assertSameSpans(collector.spans(decoders.official), expected);
        plain.assertSameSpans(collector.spans(decoders.ours), expected);
    }));

    test(`OTLP/HTTP JSON${name}`, () => forEachSeed('http/json', env, (collector, expected) => {
        isSentAs(collector, 'application/json', encoding);
        plain.assertSameSpans(collector.spans(), expected);
    }));
}

test('the file of OTLP JSON lines', () => forEachSeed('file:spans.jsonl', {}, (collector, expected) => {
    const lines = fs.readFileSync('spans.jsonl', 'utf8').trimEnd().split('\n');
    fs.rmSync('spans.jsonl');
    plain.assertSameSpans(lines.flatMap((line) => plain.fromJson(JSON.parse(line))), expected);
}));

test('the spans have everything that a span may have', async () => {
    const seen = new Set();
    for (const seed of seeds) {
        await programs.run('spans', ['file:spans.jsonl', seed, spansPerSeed, 'expected.json']);
        fs.rmSync('spans.jsonl');
        const text = fs.readFileSync('expected.json', 'utf8');
        for (const part of ['{"string":', '{"bool":', '{"int":', '{"double":', '{"array":[]', '{"array":[{"string"',
            '{"array":[{"bool"', '{"array":[{"int"', '{"array":[{"double"', '"NaN"', '"7ff0000000000000"',
            '"8000000000000000"', '-9223372036854775808', '9223372036854775807', 'ü', '漢', '😀', '\ufffd',
            '"code":1', '"code":2', '"flags":769', '"flags":259', '"kind":5', '"name":"exception"']) {
            if (text.includes(part)) {
                seen.add(part);
            }
        }
        for (const span of expectedSpans()) {
            const counts = {
                droppedAttributes: span.droppedAttributes, droppedEvents: span.droppedEvents,
                droppedLinks: span.droppedLinks, traceState: span.traceState.length,
                inEvent: span.events.some((it) => it.droppedAttributes > 0),
                inLink: span.links.some((it) => it.droppedAttributes > 0),
                linkState: span.links.some((it) => it.traceState !== ''),
                scope: Object.keys(span.scope.attributes).length,
            };
            Object.keys(counts).filter((name) => counts[name] > 0).forEach((name) => seen.add(name));
        }
    }
    if (seeds.length > 1) {
        assert.strictEqual(seen.size, 24 + 8, [...seen].join(' '));
    }
});
