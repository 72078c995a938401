'use strict';
// Tasks in TypeScript start tasks in C and the other way round, with the instrumentors of both.

const assert = require('node:assert');
const test = require('node:test');
const { Spans, kinds, startTraced, startWorker, states } = require('./lib/traced');
const { startCWorker } = require('./lib/c_worker');
const { suite } = require('./lib/server');

const limit = { timeout: 300000 };
const RUN = 'hatchet.run_workflow', STEP = 'hatchet.start_step_run';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let server, client, tasks, worker, cWorker, spans;

async function start() {
    ({ server, client } = await startTraced());
    tasks = {
        leaf: client.task({ name: 'ts_leaf', fn: async (input, ctx) => ({ metadata: ctx.additionalMetadata() }) }),
        parent: client.task({
            name: 'ts_parent',
            fn: async ({ child, input = {}, metadata = {} }, ctx) => {
                const ref = await ctx.runNoWaitChild(child, input, { additionalMetadata: metadata });
                return { child: await ref.getWorkflowRunId(), output: await ref.output };
            },
        }),
    };
    worker = await startWorker(client, 'in-ts', tasks);
    cWorker = await startCWorker(server, ['c_other:c_other']);
    spans = new Spans(server);
}

function isOf(span, language) {
    return language === 'c' ? span.scope.name === 'cleat' && span.resource['service.name'] === 'in-c'
        : span.scope.name === '@hatchet-dev/typescript-sdk';
}

// The spans of these producers and consumers, each [name, language, workflow], when all are there.
async function take(...wanted) {
    const found = await spans.take(...wanted.map(([name]) => name));
    return wanted.map(([name, language, workflow]) => {
        const span = found.find((it) => it.name === name && isOf(it, language) &&
            it.attributes['hatchet.workflow_name'] === workflow);
        assert.ok(span, `${wanted} among ${JSON.stringify(found.map((it) => [it.name, it.scope.name, it.attributes['hatchet.workflow_name']]))}`);
        return span;
    });
}

function assertBelow(span, parent) {
    assert.strictEqual(span.traceId, parent.traceId, `trace of ${span.name}`);
    assert.strictEqual(span.parentSpanId, parent.spanId, `parent of ${span.name}`);
    assert.deepStrictEqual(span.links, []);
}

// A root of a trace of its own, with links to `causes`, { spawn, origin }.
function assertLinked(span, causes) {
    assert.strictEqual(span.parentSpanId ?? '', '');
    const links = Object.fromEntries(span.links.map(({ attributes, traceId, spanId }) =>
        [attributes['cleat.link.kind'], { traceId, spanId }]));
    const expected = Object.entries(causes).map(([kind, { traceId, spanId }]) => [kind, { traceId, spanId }]);
    assert.deepStrictEqual(links, Object.fromEntries(expected));
    assert.ok(Object.values(causes).every(({ traceId }) => traceId !== span.traceId));
}

const idOf = async (ref) => ref.getWorkflowRunId();

suite('two languages', () => {
    test('TypeScript starts C, by parent', limit, async () => {
        await start();
        const ref = await tasks.parent.runNoWait({ child: 'c_leaf' });
        const { child } = await ref.output;
        const [run, step, cRun, cStep] = await take([RUN, 'ts', 'ts_parent'], [STEP, 'ts', 'ts_parent'],
            [RUN, 'ts', 'c_leaf'], [STEP, 'c', 'c_leaf']);
        const [mine] = await spans.take('c span');
        assertBelow(step, run);
        assertBelow(cRun, step);
        assertBelow(cStep, cRun);
        assertBelow(mine, cStep);
        assert.strictEqual(cRun.kind, kinds.producer);
        assert.strictEqual(cStep.kind, kinds.consumer);
        assert.strictEqual(mine.kind, kinds.internal);
        assert.strictEqual(cStep.status.code, states.ok);
        const { attributes } = cStep;
        for (const key of ['tenant_id', 'worker_id', 'step_id', 'workflow_id', 'workflow_version_id']) {
            assert.match(attributes[`hatchet.${key}`] ?? '', uuid, key);
        }
        const expected = {
            'instrumentor': 'hatchet', 'hatchet.workflow_run_id': child, 'hatchet.step_run_id': child,
            'hatchet.action_name': 'c_leaf:c_leaf', 'hatchet.step_name': 'c_leaf', 'hatchet.retry_count': 0,
            'hatchet.parent_workflow_run_id': await idOf(ref), 'hatchet.child_workflow_index': 0,
            'cleat.trace.relation': 'parent',
        };
        for (const [key, value] of Object.entries(expected)) {
            assert.strictEqual(attributes[key], value, key);
        }
        assert.strictEqual(mine.attributes['hatchet.step_run_id'], child);
    });

    test('TypeScript starts C, by link: the C worker\'s choice', limit, async () => {
        await tasks.parent.run({ child: 'c_other' });
        const [run, step, cRun, cStep] = await take([RUN, 'ts', 'ts_parent'], [STEP, 'ts', 'ts_parent'],
            [RUN, 'ts', 'c_other'], [STEP, 'c', 'c_other']);
        const [mine] = await spans.take('c span');
        assertBelow(step, run);
        assertBelow(cRun, step);
        assertLinked(cStep, { spawn: cRun });
        assertBelow(mine, cStep);
        assert.strictEqual(cStep.attributes['cleat.trace.relation'], 'link');
        const { backlinks: [back] } = server.json('traces', 'show', run.traceId);
        assert.strictEqual(back.kind, 'spawn');
        assert.deepStrictEqual([back.from.trace_id, back.from.span_id], [cStep.traceId, cStep.spanId]);
        assert.deepStrictEqual([back.to.trace_id, back.to.span_id], [cRun.traceId, cRun.spanId]);
    });

    test('TypeScript starts C, by link: the TypeScript call\'s choice, and none at all', limit, async () => {
        for (const relation of ['link', 'none']) {
            await tasks.parent.run({ child: 'c_leaf', metadata: { cleat__trace: relation } });
            const [cRun, cStep] = await take([RUN, 'ts', 'c_leaf'], [STEP, 'c', 'c_leaf'], [STEP, 'ts', 'ts_parent'],
                [RUN, 'ts', 'ts_parent']);
            await spans.take('c span');
            assertLinked(cStep, relation === 'link' ? { spawn: cRun } : {});
            assert.strictEqual(cStep.attributes['cleat.trace.relation'], relation);
        }
    });

    test('C starts TypeScript, by parent', limit, async () => {
        const { c_parent: { child } } = await client.run('c_parent', { child: 'ts_leaf' });
        const [run, step, tsRun, tsStep] = await take([RUN, 'ts', 'c_parent'], [STEP, 'c', 'c_parent'],
            [RUN, 'c', 'ts_leaf'], [STEP, 'ts', 'ts_leaf']);
        assertBelow(step, run);
        assertBelow(tsRun, step);
        assertBelow(tsStep, tsRun);
        assert.strictEqual(tsRun.kind, kinds.producer);
        assert.strictEqual(tsRun.attributes['hatchet.step_name'], 'ts_leaf');
        assert.strictEqual(tsRun.attributes['hatchet.child_workflow_run_id'], child);
        assert.strictEqual(tsStep.kind, kinds.consumer);
        assert.strictEqual(tsStep.attributes['hatchet.workflow_run_id'], child);
        assert.strictEqual(tsStep.attributes['hatchet.parent_workflow_run_id'], step.attributes['hatchet.workflow_run_id']);
        assert.strictEqual(tsStep.attributes['hatchet.child_workflow_index'], 0);
    });

    test('C that has a linked trace starts TypeScript in it, and the origin goes along', limit, async () => {
        const { c_parent: { output } } = await client.run('c_parent', { child: 'ts_leaf' },
            { additionalMetadata: { cleat__trace: 'link' } });
        const [run, step, tsRun, tsStep] = await take([RUN, 'ts', 'c_parent'], [STEP, 'c', 'c_parent'],
            [RUN, 'c', 'ts_leaf'], [STEP, 'ts', 'ts_leaf']);
        assertLinked(step, { spawn: run });
        assertBelow(tsRun, step);
        assertBelow(tsStep, tsRun);
        const { metadata } = output.ts_leaf ?? output;
        assert.ok(metadata.traceparent.startsWith(`00-${tsRun.traceId}-${tsRun.spanId}-`), metadata.traceparent);
        assert.ok(metadata.cleat__origin_traceparent.startsWith(`00-${run.traceId}-${run.spanId}-`), metadata.cleat__origin_traceparent);
        assert.strictEqual(metadata.cleat__trace, undefined);
    });

    test('C starts TypeScript by link, which knows parents only; what that starts in C has no link', limit, async () => {
        await client.run('c_parent', { child: 'ts_parent', relation: 'link' });
        const [run, step, tsRun, tsStep, leafRun, leafStep] = await take([RUN, 'ts', 'c_parent'], [STEP, 'c', 'c_parent'],
            [RUN, 'c', 'ts_parent'], [STEP, 'ts', 'ts_parent'], [RUN, 'ts', 'c_leaf'], [STEP, 'c', 'c_leaf']);
        const [mine] = await spans.take('c span');
        [[step, run], [tsRun, step], [tsStep, tsRun], [leafRun, tsStep], [leafStep, leafRun], [mine, leafStep]]
            .forEach(([span, parent]) => assertBelow(span, parent));
    });

    test('links follow each other through both languages: the last one knows the first', limit, async () => {
        await tasks.parent.run({
            child: 'c_parent', input: { child: 'c_other' }, metadata: { cleat__trace: 'link' },
        });
        const [run, step, cRun, cStep, leafRun, leafStep] = await take([RUN, 'ts', 'ts_parent'], [STEP, 'ts', 'ts_parent'],
            [RUN, 'ts', 'c_parent'], [STEP, 'c', 'c_parent'], [RUN, 'c', 'c_other'], [STEP, 'c', 'c_other']);
        await spans.take('c span');
        assertBelow(step, run);
        assertBelow(cRun, step);
        assertLinked(cStep, { spawn: cRun });
        assertBelow(leafRun, cStep);
        assertLinked(leafStep, { spawn: leafRun, origin: cRun });
    });

    test('nothing else was made', limit, async () => {
        await worker.stop();
        assert.deepStrictEqual(await cWorker.stop(), { code: 0, signal: null });
        assert.deepStrictEqual(spans.rest().map(({ name }) => name), []);
        await server.stop();
    });
});
