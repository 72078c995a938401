'use strict';
// The instrumentor exports over TLS.

const assert = require('node:assert');
const test = require('node:test');
const { Spans, kinds, startTraced, startWorker } = require('./lib/traced');
const { suite } = require('./lib/server');

suite('traces over TLS', () => {
    test('a parent and its child are one trace', { timeout: 300000 }, async () => {
        const { server, client } = await startTraced({}, { security: 'tls' });
        const child = client.task({ name: 'child', fn: async () => ({}) });
        const parent = client.task({ name: 'parent', fn: async (input, ctx) => ctx.runChild(child, {}) });
        const worker = await startWorker(client, 'worker', { child, parent });
        const spans = new Spans(server);
        await parent.run({});
        const found = await spans.take('hatchet.run_workflow', 'hatchet.run_workflow', 'hatchet.start_step_run', 'hatchet.start_step_run');
        const chain = [found.find(({ parentSpanId }) => (parentSpanId ?? '') === '')];
        while (chain.length < 4) {
            const next = found.find(({ parentSpanId }) => parentSpanId === chain.at(-1).spanId);
            assert.ok(next, `below ${chain.at(-1).name}`);
            chain.push(next);
        }
        assert.deepStrictEqual(chain.map(({ kind }) => kind), [kinds.producer, kinds.consumer, kinds.producer, kinds.consumer]);
        assert.strictEqual(new Set(chain.map(({ traceId }) => traceId)).size, 1);
        await worker.stop();
        await server.stop();
    });
});
