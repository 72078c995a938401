'use strict';
// What the SDK's instrumentor exports to cleat serve, as the collector has it.

const assert = require('node:assert');
const test = require('node:test');
const { context, propagation, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const { Server, suite, until } = require('./lib/server');

const CONSUMER = 5, PRODUCER = 4;

suite('traces', () => {
    test('runs of parents and children are one trace', { timeout: 60000 }, async () => {
        const server = await new Server().start();
        context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
        propagation.setGlobalPropagator(new W3CTraceContextPropagator());
        const { HatchetInstrumentor } = require('@hatchet-dev/typescript-sdk/opentelemetry');
        new HatchetInstrumentor({ clientConfig: server.config(), bspConfig: { scheduledDelayMillis: 50 } });

        const client = server.client();
        const child = client.task({ name: 'leaf', fn: async () => ({ done: true }) });
        const parent = client.task({
            name: 'root',
            fn: async (input, ctx) => trace.getTracer('mine').startActiveSpan('my span', async (span) => {
                const result = await ctx.runChild(child, {});
                span.end();
                return result;
            }),
        });
        const worker = await client.worker('worker', { workflows: [parent, child], slots: 5 });
        const over = worker.start();
        await worker.waitUntilReady();
        const ref = await parent.runNoWait({ a: 1 });
        await ref.output;
        const id = await ref.getWorkflowRunId();
        const isSdk = ({ attributes }) => attributes.instrumentor === 'hatchet';
        await until(() => server.spans().filter((span) => isSdk(span) && span.name === 'hatchet.start_step_run').length === 2);

        const spans = server.spans();
        const named = (name, workflow) => spans.find((span) => span.name === name && isSdk(span) &&
            (span.attributes['hatchet.workflow_name'] ?? span.attributes.workflow_name) === workflow);
        const triggered = named('hatchet.run_workflow', 'root'), executed = named('hatchet.start_step_run', 'root');
        const mine = spans.find(({ name }) => name === 'my span');
        const spawned = named('hatchet.run_workflow', 'leaf'), childRun = named('hatchet.start_step_run', 'leaf');
        assert.ok(triggered && executed && mine && spawned && childRun, JSON.stringify(spans.map(({ name }) => name)));

        assert.strictEqual(triggered.kind, PRODUCER);
        assert.strictEqual(executed.kind, CONSUMER);
        assert.strictEqual(executed.traceId, triggered.traceId);
        assert.strictEqual(executed.parentSpanId, triggered.spanId);
        assert.strictEqual(mine.parentSpanId, executed.spanId);
        assert.strictEqual(spawned.parentSpanId, mine.spanId);
        assert.strictEqual(childRun.parentSpanId, spawned.spanId);
        assert.strictEqual(childRun.traceId, triggered.traceId);
        assert.strictEqual(executed.attributes['hatchet.workflow_run_id'], id);
        assert.strictEqual(mine.attributes['hatchet.step_run_id'], executed.attributes['hatchet.step_run_id']);
        assert.strictEqual(executed.attributes['hatchet.retry_count'], 0);
        assert.strictEqual(executed.status.code, 1);

        await worker.stop();
        await over;
        await server.stop();
    });
});
