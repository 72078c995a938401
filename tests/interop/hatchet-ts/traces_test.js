'use strict';
// What the SDK's instrumentor exports to cleat serve, as the collector has it.

const assert = require('node:assert');
const test = require('node:test');
const { context, propagation, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const { Server, suite, until } = require('./lib/server');

const CONSUMER = 5, INTERNAL = 1, PRODUCER = 4;

suite('traces', () => {
    test('runs of parents and children are one trace', { timeout: 300000 }, async () => {
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
        const flaky = client.task({
            name: 'flaky', retries: 1, backoff: { factor: 2, maxSeconds: 1 },
            fn: async (input, ctx) => {
                if (ctx.retryCount() === 0) {
                    throw new Error('no luck');
                }
                return {};
            },
        });
        const nap = client.durableTask({
            name: 'nap', executionTimeout: '1m',
            evictionPolicy: { ttl: '1s', allowCapacityEviction: true, priority: 0 },
            fn: async (input, ctx) => {
                await ctx.sleepFor('8s');
                return { invocation: ctx.invocationCount };
            },
        });
        const worker = await client.worker('worker', { workflows: [parent, child, flaky, nap], slots: 5 });
        const over = worker.start();
        await worker.waitUntilReady();
        const ref = await parent.runNoWait({ a: 1 });
        await ref.output;
        const id = await ref.getWorkflowRunId();
        const isSdk = ({ attributes }) => attributes.instrumentor === 'hatchet';
        const isQueued = ({ name }) => name === 'hatchet.engine.queued';
        let spans;
        await until(() => {
            spans = server.spans();
            return spans.filter((span) => isSdk(span) && span.name === 'hatchet.start_step_run').length === 2 &&
                spans.filter(isQueued).length >= 2;
        });
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

        // What the engine says of the wait: beside the execution, in its trace.
        for (const execution of [executed, childRun]) {
            const waits = spans.filter((span) => isQueued(span) &&
                span.attributes['hatchet.step_run_id'] === execution.attributes['hatchet.step_run_id']);
            assert.strictEqual(waits.length, 1);
            assert.strictEqual(waits[0].kind, INTERNAL);
            assert.strictEqual(waits[0].traceId, execution.traceId);
            assert.strictEqual(waits[0].parentSpanId, execution.parentSpanId);
            assert.strictEqual(waits[0].attributes['hatchet.span_source'], 'engine');
            assert.strictEqual(waits[0].attributes['hatchet.retry_count'], 0);
        }

        // A run that somebody schedules who does not trace, retried: one trace, which begins with the engine's span.
        const token = server.token();
        const { tenantId } = client;
        const answer = await fetch(`http://${server.http}/api/v1/tenants/${tenantId}/workflows/flaky/scheduled`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            body: JSON.stringify({ input: {}, additionalMetadata: {}, triggerAt: new Date(Date.now() + 2000).toISOString() }),
        });
        assert.strictEqual(answer.status, 200, await answer.text());
        const isOf = ({ attributes }) => attributes['hatchet.workflow_name'] === 'flaky';
        const executions = () => server.spans().filter((span) => isOf(span) && span.name === 'hatchet.start_step_run');
        await until(() => executions().length === 2);
        const untraced = executions()[0].attributes['hatchet.workflow_run_id'];
        let ofRun;
        await until(() => {
            ofRun = server.spans().filter(({ attributes }) => attributes['hatchet.workflow_run_id'] === untraced);
            return ofRun.length >= 7;
        });
        assert.deepStrictEqual(ofRun.map(({ name }) => name).sort(), ['hatchet.engine.queued', 'hatchet.engine.queued',
            'hatchet.engine.retry_backoff', 'hatchet.engine.schedule_delay', 'hatchet.engine.workflow_run',
            'hatchet.start_step_run', 'hatchet.start_step_run']);
        const root = ofRun.find(({ name }) => name === 'hatchet.engine.workflow_run');
        assert.ok(!root.parentSpanId);
        for (const span of ofRun.filter((span) => span !== root)) {
            assert.strictEqual(span.traceId, root.traceId);
            assert.strictEqual(span.parentSpanId, root.spanId);
        }

        // A durable run that is evicted while it sleeps: both invocations are in the trace, and between them the sleep.
        const { output: slept } = await nap.runNoWait({});
        assert.deepStrictEqual(await slept, { invocation: 2 });
        const naps = (name) => server.spans().filter((span) => span.name === name &&
            /\bnap$/.test(span.attributes['hatchet.action_name'] ?? span.attributes['hatchet.action_id'] ?? ''));
        await until(() => naps('hatchet.start_step_run').length === 2 && naps('hatchet.engine.durable_wait').length > 0 &&
            naps('hatchet.engine.queued').length >= 2);
        const sleeps = naps('hatchet.engine.durable_wait'), woken = naps('hatchet.start_step_run')[0];
        assert.strictEqual(sleeps.length, 1);
        assert.strictEqual(sleeps[0].traceId, woken.traceId);
        assert.strictEqual(sleeps[0].parentSpanId, woken.parentSpanId);
        assert.strictEqual(sleeps[0].attributes['cleat.wait.kind'], 'sleep');
        assert.strictEqual(sleeps[0].attributes['workflow.invocation'], 2);
        const took = (Number(sleeps[0].endTimeUnixNano) - Number(sleeps[0].startTimeUnixNano)) / 1e6;
        assert.ok(took > 100 && took < 8000, `${took} ms`);
        assert.strictEqual(naps('hatchet.engine.queued').length, 2);

        await worker.stop();
        await over;
        await server.stop();
    });
});
