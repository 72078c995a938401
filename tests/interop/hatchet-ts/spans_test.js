'use strict';
// Each span that the SDK's instrumentor makes, as the collector has it.

const assert = require('node:assert');
const test = require('node:test');
const { trace } = require('@opentelemetry/api');
const { Spans, kinds, startTraced, startWorker, states } = require('./lib/traced');
const { suite, until } = require('./lib/server');

const limit = { timeout: 300000 };
const sdk = '@hatchet-dev/typescript-sdk';

const staying = new Set(); // runs that hear when they are to stop
let server, instrumentor, client, tasks, worker, spans;

async function start() {
    ({ server, instrumentor, client } = await startTraced());
    tasks = {
        plain: client.task({ name: 'plain', onEvents: ['order:paid'], fn: async () => ({ done: true }) }),
        failing: client.task({ name: 'failing', retries: 1, fn: async () => { throw new TypeError('no luck'); } }),
        endless: client.task({
            name: 'endless',
            fn: async (input, ctx) => new Promise((done) => {
                ctx.abortController.signal.addEventListener('abort', () => done({}));
                staying.add(ctx.workflowRunId());
            }),
        }),
        custom: client.task({
            name: 'custom',
            fn: async (input) => trace.getTracer('mine', '2.0').startActiveSpan('my span', {
                attributes: { words: ['a', 'b'], part: 0.5, yes: true }, links: [{ context: input.link, attributes: { why: 'so' } }],
            }, async (span) => {
                span.addEvent('half way', { percent: 50 });
                span.end();
                return {};
            }),
        }),
    };
    worker = await startWorker(client, 'worker', tasks);
    spans = new Spans(server);
}

// With other options for this once.
async function withConfig(config, check) {
    instrumentor.setConfig(config);
    try {
        await check();
    } finally {
        instrumentor.setConfig({});
    }
}

function assertBelow(span, parent) {
    assert.strictEqual(span.traceId, parent.traceId, `trace of ${span.name}`);
    assert.strictEqual(span.parentSpanId, parent.spanId, `parent of ${span.name}`);
    assert.deepStrictEqual(span.links, []);
}

function assertRoot(span) {
    assert.strictEqual(span.parentSpanId ?? '', '');
    assert.deepStrictEqual(span.links, []);
}

suite('spans', () => {
    test('a run: hatchet.run_workflow and hatchet.start_step_run', limit, async () => {
        await start();
        const ref = await tasks.plain.runNoWait({ a: 1 }, { additionalMetadata: { mine: 'yes' }, priority: 2 });
        await ref.output;
        const id = await ref.getWorkflowRunId();
        const [run, step] = await spans.take('hatchet.run_workflow', 'hatchet.start_step_run');

        assert.strictEqual(run.kind, kinds.producer);
        assert.strictEqual(run.status?.code ?? states.unset, states.unset);
        assert.deepStrictEqual(run.scope, { name: sdk, version: '1.33.2' });
        assert.deepStrictEqual(run.attributes, {
            instrumentor: 'hatchet', 'hatchet.workflow_name': 'plain', 'hatchet.payload': '{"a":1}',
            'hatchet.additional_metadata': '{"mine":"yes"}', 'hatchet.priority': 2,
        });
        assertRoot(run);

        assert.strictEqual(step.kind, kinds.consumer);
        assert.strictEqual(step.status.code, states.ok);
        assertBelow(step, run);
        const { 'hatchet.payload': payload, 'hatchet.worker_id': workerId, ...attributes } = step.attributes;
        assert.deepStrictEqual(JSON.parse(payload).input, { a: 1 });
        assert.match(workerId, /^[0-9a-f-]{36}$/);
        for (const key of ['tenant_id', 'workflow_id', 'workflow_version_id', 'step_id']) {
            assert.match(attributes[`hatchet.${key}`] ?? '', /^[0-9a-f-]{36}$/, key);
        }
        const expected = {
            workflow_run_id: id, step_run_id: id, retry_count: 0, workflow_name: 'plain', action_name: 'plain:plain',
            step_name: 'plain', instrumentor: 'hatchet',
        };
        for (const [key, value] of Object.entries(expected)) {
            assert.strictEqual(attributes[key], value, key);
            assert.strictEqual(attributes[`hatchet.${key}`], value, `hatchet.${key}`);
        }
        assert.strictEqual(attributes['hatchet.parent_workflow_run_id'], undefined);
    });

    test('attempts that fail: each a span with its error', limit, async () => {
        await assert.rejects(tasks.failing.run({}));
        const [run, first, second] = await spans.take('hatchet.run_workflow', 'hatchet.start_step_run', 'hatchet.start_step_run');
        const attempts = [first, second].sort((a, b) => a.attributes.retry_count - b.attributes.retry_count);
        attempts.forEach((step, retryCount) => {
            assertBelow(step, run);
            assert.strictEqual(step.attributes['hatchet.retry_count'], retryCount);
            assert.deepStrictEqual(step.status, { code: states.error, message: 'no luck' });
            assert.strictEqual(step.events.length, 1);
            assert.strictEqual(step.events[0].name, 'exception');
            assert.strictEqual(step.events[0].attributes['exception.type'], 'TypeError');
            assert.strictEqual(step.events[0].attributes['exception.message'], 'no luck');
            assert.match(step.events[0].attributes['exception.stacktrace'], /spans_test/);
        });
    });

    test('a trigger that fails: an error with the server\'s words', limit, async () => {
        const hasty = server.client({ retrier: { maxAttempts: 1 } });
        await assert.rejects(hasty.runNoWait('nobody', {}, {}).then((ref) => ref.getWorkflowRunId()));
        const [run] = await spans.take('hatchet.run_workflow');
        assert.strictEqual(run.status.code, states.error);
        assert.match(run.status.message, /nobody/);
        assert.strictEqual(run.events[0].name, 'exception');
        assert.strictEqual(run.attributes['hatchet.workflow_name'], 'nobody');
    });

    test('many runs: one producer, or one more each', limit, async () => {
        const inputs = [{ n: 0 }, { n: 1 }];
        await tasks.plain.run(inputs);
        const [batch, ...steps] = await spans.take('hatchet.run_workflows', 'hatchet.start_step_run', 'hatchet.start_step_run');
        assert.strictEqual(batch.kind, kinds.producer);
        assert.strictEqual(batch.attributes['hatchet.workflow_name'], '["plain","plain"]');
        assert.deepStrictEqual(JSON.parse(batch.attributes['hatchet.payload']).map(({ input }) => input), inputs);
        assertRoot(batch);
        steps.forEach((step) => assertBelow(step, batch));

        await withConfig({ individualRunSpansForBulkRun: true }, async () => {
            await tasks.plain.run(inputs);
            const [outer, ...rest] = await spans.take('hatchet.run_workflows', 'hatchet.run_workflow', 'hatchet.run_workflow',
                'hatchet.start_step_run', 'hatchet.start_step_run');
            const [items, executions] = [rest.slice(0, 2), rest.slice(2)];
            items.forEach((item) => assertBelow(item, outer));
            assert.deepStrictEqual(new Set(executions.map((step) => step.parentSpanId)), new Set(items.map(({ spanId }) => spanId)));
            assert.ok(executions.every(({ traceId }) => traceId === outer.traceId));
        });
    });

    test('events: hatchet.push_event and hatchet.bulk_push_event', limit, async () => {
        await client.events.push('order:paid', { id: 1 }, { additionalMetadata: { mine: 'yes' }, priority: 3 });
        const [push, step] = await spans.take('hatchet.push_event', 'hatchet.start_step_run');
        assert.strictEqual(push.kind, kinds.producer);
        assert.deepStrictEqual(push.attributes, {
            instrumentor: 'hatchet', 'hatchet.event_key': 'order:paid', 'hatchet.payload': '{"id":1}',
            'hatchet.additional_metadata': '{"mine":"yes"}', 'hatchet.priority': 3,
        });
        assertRoot(push);
        assertBelow(step, push);

        await client.events.bulkPush('order:paid', [{ payload: { id: 2 } }, { payload: { id: 3 } }]);
        const [bulk, ...steps] = await spans.take('hatchet.bulk_push_event', 'hatchet.start_step_run', 'hatchet.start_step_run');
        assert.strictEqual(bulk.kind, kinds.producer);
        assert.strictEqual(bulk.attributes['hatchet.event_key'], 'order:paid');
        steps.forEach((it) => assertBelow(it, bulk));
    });

    test('a schedule: hatchet.schedule_workflow', limit, async () => {
        const at = new Date(Date.now() + 300);
        await client.schedules.create('plain', { triggerAt: at, input: { later: true } });
        const [schedule, step] = await spans.take('hatchet.schedule_workflow', 'hatchet.start_step_run');
        assert.strictEqual(schedule.kind, kinds.producer);
        assert.strictEqual(schedule.attributes['hatchet.workflow_name'], 'plain');
        assert.deepStrictEqual(JSON.parse(schedule.attributes['hatchet.run_at_timestamps']), [at.toISOString()]);
        assert.strictEqual(schedule.attributes['hatchet.payload'], '{"later":true}');
        assertBelow(step, schedule);
    });

    test('a cancellation: hatchet.cancel_step_run', limit, async () => {
        const ref = await tasks.endless.runNoWait({});
        const id = await ref.getWorkflowRunId();
        await until(() => staying.has(id));
        await client.runs.cancel({ ids: [id] });
        const [run, step, cancel] = await spans.take('hatchet.run_workflow', 'hatchet.start_step_run', 'hatchet.cancel_step_run');
        assertBelow(step, run);
        assert.strictEqual(step.status.code, states.ok);
        assert.strictEqual(cancel.kind, kinds.consumer);
        assert.strictEqual(cancel.attributes['hatchet.step_run_id'], id);
        assertRoot(cancel);
    });

    test('options: the task\'s name in the span\'s, attributes left out', limit, async () => {
        await withConfig({ includeTaskNameInSpanName: true, excludedAttributes: ['payload', 'step_name'] }, async () => {
            await tasks.plain.run({ secret: 1 });
            const [run, step] = await spans.take('hatchet.run_workflow', 'hatchet.start_step_run.plain:plain');
            assertBelow(step, run);
            for (const key of ['payload', 'hatchet.payload', 'step_name', 'hatchet.step_name']) {
                assert.strictEqual(step.attributes[key] ?? run.attributes[key], undefined, key);
            }
        });
    });

    test('a program\'s own span: attributes, event, link, and the task\'s attributes', limit, async () => {
        const link = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', traceFlags: 1 };
        await tasks.custom.run({ link });
        const [step, mine] = await spans.take('hatchet.start_step_run', 'my span', 'hatchet.run_workflow');
        assert.strictEqual(mine.kind, kinds.internal);
        assert.deepStrictEqual(mine.scope, { name: 'mine', version: '2.0' });
        assert.deepStrictEqual([mine.attributes.words, mine.attributes.part, mine.attributes.yes], [['a', 'b'], 0.5, true]);
        assert.strictEqual(mine.attributes['hatchet.step_run_id'], step.attributes['hatchet.step_run_id']);
        assert.strictEqual(mine.parentSpanId, step.spanId);
        assert.deepStrictEqual(mine.links.map(({ traceId, spanId, attributes }) => ({ traceId, spanId, attributes })),
            [{ traceId: link.traceId, spanId: link.spanId, attributes: { why: 'so' } }]);
        assert.deepStrictEqual(mine.events.map(({ name, attributes }) => ({ name, attributes })),
            [{ name: 'half way', attributes: { percent: 50 } }]);
    });

    test('nothing else was made', limit, async () => {
        await worker.stop();
        assert.deepStrictEqual(spans.rest().map(({ name }) => name), []);
        await server.stop();
    });
});
