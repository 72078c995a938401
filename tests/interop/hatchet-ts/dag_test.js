'use strict';
// Workflows of several tasks of the TypeScript SDK: what follows what, what is skipped and cancelled, and what is told.

const assert = require('node:assert');
const test = require('node:test');
const { Or, SleepCondition, UserEventCondition } = require('@hatchet-dev/typescript-sdk/v1');
const { Server, startWorker, suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

// A workflow that `fill` adds tasks to.
function make(name, fill) {
    return (client) => {
        const workflow = client.workflow({ name });
        fill(workflow);
        return { workflow };
    };
}

async function start(workflow, input = {}) {
    const ref = await workflow.runNoWait(input);
    return { id: await ref.getWorkflowRunId(), output: ref.output };
}

// "first=COMPLETED second=RUNNING", in the order of the declaration.
async function statuses(client, id) {
    const { tasks } = await client.runs.get(id);
    return tasks.map(({ actionId, status }) => `${actionId.split(':').pop()}=${status}`).join(' ');
}

suite('workflows of several tasks', () => {
    test('a task gets the input and what its parents made', limit, async () => {
        await withWorker(make('diamond', (workflow) => {
            const a = workflow.task({ name: 'a', fn: async ({ n }) => ({ n: n + 1 }) });
            const half = (name) => workflow.task({
                name, parents: [a], fn: async (input, ctx) => ({ [name]: (await ctx.parentOutput(a)).n * 2 }),
            });
            const b = half('b'), c = half('c');
            workflow.task({
                name: 'd', parents: [b, c],
                fn: async (input, ctx) => ({ input, ...await ctx.parentOutput(b), ...await ctx.parentOutput(c) }),
            });
        }), async ({ client, tasks }) => {
            const { id, output } = await start(tasks.workflow, { n: 1 });
            assert.deepStrictEqual(await output, {
                a: { n: 2 }, b: { b: 4 }, c: { c: 4 }, d: { input: { n: 1 }, b: 4, c: 4 },
            });
            assert.strictEqual(await statuses(client, id), 'a=COMPLETED b=COMPLETED c=COMPLETED d=COMPLETED');
            const { run, shape } = await client.runs.get(id);
            assert.strictEqual(run.status, 'COMPLETED');
            assert.deepStrictEqual(run.input, { n: 1 });
            assert.deepStrictEqual(run.output, { input: { n: 1 }, b: 4, c: 4 }); // of the last one
            const steps = Object.fromEntries(shape.map(({ stepId, taskName }) => [stepId, taskName]));
            const after = Object.fromEntries(shape.map(({ taskName, childrenStepIds }) =>
                [taskName, childrenStepIds.map((step) => steps[step]).join(' ')]));
            assert.deepStrictEqual(after, { a: 'b c', b: 'd', c: 'd', d: '' });
            // As many at once as one likes.
            const many = await tasks.workflow.run(Array.from({ length: 20 }, (_, n) => ({ n })));
            assert.deepStrictEqual(many.map(({ d }) => d.b), Array.from({ length: 20 }, (_, n) => 2 * n + 2));
        });
    });

    test('the run is one in lists, its tasks are found where tasks are asked for', limit, async () => {
        await withWorker(make('listed', (workflow) => {
            const a = workflow.task({ name: 'a', fn: async () => ({}) });
            workflow.task({ name: 'b', parents: [a], fn: async () => ({}) });
        }), async ({ client, tasks }) => {
            const { id, output } = await start(tasks.workflow);
            await output;
            const runs = await client.runs.list({ onlyTasks: false });
            assert.deepStrictEqual(runs.rows.map(({ metadata, type }) => [metadata.id, type]), [[id, 'DAG']]);
            assert.deepStrictEqual(runs.rows[0].children.map(({ actionId, type, status }) => `${actionId} ${type} ${status}`),
                ['listed:a TASK COMPLETED', 'listed:b TASK COMPLETED']);
            const rows = (await client.runs.list({ onlyTasks: true })).rows;
            assert.deepStrictEqual(rows.map(({ actionId }) => actionId).sort(), ['listed:a', 'listed:b']);
            assert.ok(rows.every(({ workflowRunExternalId }) => workflowRunExternalId === id));
            const [listed] = (await client.workflows.list()).rows;
            assert.strictEqual(listed.name, 'listed');
        });
    });

    test('a failure cancels what is behind it, and whoever is to hear of it does', limit, async () => {
        const heard = [];
        await withWorker(make('failing', (workflow) => {
            let attempts = 0;
            const bad = workflow.task({
                name: 'bad', retries: 1, fn: async () => { throw new Error(`broken ${++attempts}`); },
            });
            workflow.task({ name: 'behind', parents: [bad], fn: async () => ({}) });
            workflow.task({ name: 'beside', fn: async () => ({}) });
            workflow.onFailure({ name: 'mend', fn: async (input, ctx) => { heard.push(ctx.errors()); return {}; } });
        }), async ({ client, tasks }) => {
            const { id, output } = await start(tasks.workflow);
            await assert.rejects(output, (error) => JSON.stringify(error).includes('broken 2') || `${error}`.includes('broken 2') ||
                assert.fail(JSON.stringify(error)));
            await until(async () => (await client.runs.get(id)).run.status === 'FAILED');
            await until(async () => await statuses(client, id) ===
                'bad=FAILED behind=CANCELLED beside=COMPLETED on-failure-task=COMPLETED');
            assert.strictEqual(heard.length, 1);
            assert.match(JSON.stringify(heard[0]), /broken 2/);
        });
    });

    test('without a failure that is skipped, and who runs on success does', limit, async () => {
        await withWorker(make('good', (workflow) => {
            const a = workflow.task({ name: 'a', fn: async () => ({ n: 1 }) });
            workflow.task({ name: 'b', parents: [a], fn: async () => ({ n: 2 }) });
            workflow.onFailure({ name: 'mend', fn: async () => ({}) });
            workflow.onSuccess({ name: 'praise', fn: async () => ({ well: 'done' }) });
        }), async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.workflow.run({}), {
                a: { n: 1 }, b: { n: 2 }, 'on-success-task': { well: 'done' }, 'on-failure-task': { skipped: true },
            });
        });
    });

    test('parents decide whether a task is skipped, cancelled or run', limit, async () => {
        await withWorker(make('deciding', (workflow) => {
            const dice = workflow.task({ name: 'dice', fn: async ({ n }) => ({ n }) });
            const is = (expression) => [{ parent: dice, expression }];
            const low = workflow.task({ name: 'low', parents: [dice], skipIf: is('output.n > 3'), fn: async () => ({ was: 'low' }) });
            const high = workflow.task({ name: 'high', parents: [dice], skipIf: is('output.n <= 3'), fn: async () => ({ was: 'high' }) });
            workflow.task({ name: 'stopped', parents: [dice], cancelIf: is('output.n == 6'), fn: async () => ({}) });
            workflow.task({ name: 'behind', parents: [low], fn: async () => ({}) });
            workflow.task({
                name: 'sum', parents: [low, high],
                fn: async (input, ctx) => ({ low: await ctx.parentOutput(low), high: await ctx.parentOutput(high) }),
            });
        }), async ({ client, tasks }) => {
            const skipped = { skipped: true };
            assert.deepStrictEqual(await tasks.workflow.run({ n: 5 }), {
                dice: { n: 5 }, low: skipped, high: { was: 'high' }, stopped: {}, behind: skipped,
                sum: { low: skipped, high: { was: 'high' } },
            });
            const { id, output } = await start(tasks.workflow, { n: 6 });
            await output.catch(() => {}); // the SDK makes no error of a task that was cancelled
            assert.match(await statuses(client, id), /stopped=CANCELLED/);
            assert.strictEqual((await client.runs.get(id)).run.status, 'CANCELLED');
        });
    });

    test('a task waits for a time and for events, of which the first may be enough', limit, async () => {
        const triggers = {};
        const note = (name) => async (input, ctx) => { triggers[name] = ctx.triggers(); return {}; };
        await withWorker(make('waiting', (workflow) => {
            workflow.task({ name: 'sleeper', waitFor: [new SleepCondition('1s', 'nap')], fn: note('sleeper') });
            workflow.task({
                name: 'either', waitFor: [Or(new SleepCondition('60s', 'nap'), new UserEventCondition('go', 'input.n > 1', 'word'))],
                fn: note('either'),
            });
            const first = workflow.task({ name: 'first', fn: async () => ({}) });
            workflow.task({
                name: 'late', parents: [first], waitFor: [new UserEventCondition('go', 'true', 'word'), new UserEventCondition('on', '', 'more')],
                fn: note('late'),
            });
            workflow.task({
                name: 'unwanted', waitFor: [new SleepCondition('60s', 'nap')], skipIf: [new UserEventCondition('go', 'true', 'word')],
                fn: note('unwanted'),
            });
        }), async ({ client, tasks }) => {
            const { id, output } = await start(tasks.workflow);
            await until(async () => (await statuses(client, id)).includes('first=COMPLETED'));
            await client.events.push('go', { n: 1 });
            await client.events.push('go', { n: 2 });
            assert.ok((await statuses(client, id)).includes('late=QUEUED'));
            await client.events.push('on', { m: 3 });
            const { unwanted } = await output;
            assert.deepStrictEqual(unwanted, { skipped: true });
            assert.deepStrictEqual(triggers.sleeper.nap, { sleep_duration: '1s' });
            assert.deepStrictEqual(triggers.either.word, { n: 2 });
            assert.strictEqual(triggers.either.nap, undefined);
            assert.deepStrictEqual(triggers.late, { filter_payload: null, word: { n: 1 }, more: { m: 3 } });
            assert.strictEqual(triggers.unwanted, undefined);
        });
    });

    test('a durable task sleeps and waits between others', limit, async () => {
        await withWorker(make('lasting', (workflow) => {
            const a = workflow.task({ name: 'a', fn: async ({ n }) => ({ n }) });
            const b = workflow.durableTask({
                name: 'b', parents: [a], executionTimeout: '1m',
                fn: async (input, ctx) => {
                    await ctx.sleepFor('1s');
                    const { by } = await ctx.waitForEvent('lasting:go');
                    return { by, n: (await ctx.parentOutput(a)).n + 1 };
                },
            });
            workflow.task({ name: 'c', parents: [b], fn: async (input, ctx) => ctx.parentOutput(b) });
        }), async ({ client, tasks }) => {
            const { id, output } = await start(tasks.workflow, { n: 1 });
            let ended = false;
            const made = output.finally(() => { ended = true; });
            await until(async () => {
                await client.events.push('lasting:go', { by: 'ada' });
                return ended;
            });
            assert.deepStrictEqual(await made, { a: { n: 1 }, b: { by: 'ada', n: 2 }, c: { by: 'ada', n: 2 } });
            assert.strictEqual((await statuses(client, id)).split(' ').sort().join(' '), 'a=COMPLETED b=COMPLETED c=COMPLETED');
        });
    });

    test('a child run of several tasks is awaited by its parent', limit, async () => {
        await withWorker((client) => {
            const child = client.workflow({ name: 'child' });
            const a = child.task({ name: 'a', fn: async ({ n }) => ({ n }) });
            child.task({ name: 'b', parents: [a], fn: async (input, ctx) => ({ n: (await ctx.parentOutput(a)).n + 1 }) });
            const parent = client.workflow({ name: 'parent' });
            parent.task({ name: 'only', fn: async (input, ctx) => ({ child: await ctx.runChild(child, { n: 1 }) }) });
            parent.task({ name: 'beside', fn: async () => ({}) });
            const durable = client.durableTask({
                name: 'durable', executionTimeout: '1m', fn: async (input, ctx) => ({ child: await child.run({ n: 5 }) }),
            });
            return { child, parent, durable };
        }, async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.parent.run({}), { only: { child: { a: { n: 1 }, b: { n: 2 } } }, beside: {} });
            assert.deepStrictEqual(await tasks.durable.run({}), { child: { a: { n: 5 }, b: { n: 6 } } });
        });
    });

    test('a run is cancelled with its tasks, and replayed with them', limit, async () => {
        let isStuck = true, calls = 0;
        await withWorker(make('stuck', (workflow) => {
            const a = workflow.task({ name: 'a', fn: async () => { calls++; return { calls }; } });
            const b = workflow.task({
                name: 'b', parents: [a], executionTimeout: '2m',
                fn: async (input, { abortController }) => {
                    while (isStuck && !abortController.signal.aborted) {
                        await new Promise((done) => { setTimeout(done, 20); });
                    }
                    return { calls };
                },
            });
            workflow.task({ name: 'c', parents: [b], fn: async (input, ctx) => ({ b: await ctx.parentOutput(b) }) });
        }), async ({ client, tasks }) => {
            const { id, output } = await start(tasks.workflow);
            output.catch(() => {});
            await until(async () => await statuses(client, id) === 'a=COMPLETED b=RUNNING c=QUEUED');
            await client.runs.cancel({ ids: [id] });
            await until(async () => await statuses(client, id) === 'a=COMPLETED b=CANCELLED c=CANCELLED');
            isStuck = false;
            const [, b] = (await client.runs.get(id)).tasks;
            await client.runs.replay({ ids: [b.metadata.id] });
            await until(async () => (await client.runs.get(id)).run.status === 'COMPLETED');
            assert.strictEqual(calls, 1); // what is before it keeps its result
            await client.runs.replay({ ids: [id] });
            await until(async () => calls === 2 && (await client.runs.get(id)).run.status === 'COMPLETED');
            assert.deepStrictEqual(await client.runRef(id).output, { a: { calls: 2 }, b: { calls: 2 }, c: { b: { calls: 2 } } });
        });
    });

    test('the server is restarted in the middle', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        const workflow = client.workflow({ name: 'patient' });
        let release, attempts = 0;
        const released = new Promise((done) => { release = done; });
        const a = workflow.task({ name: 'a', fn: async () => ({ n: 1 }) });
        const b = workflow.task({
            name: 'b', parents: [a], executionTimeout: '10m', fn: async () => { attempts++; await released; return { n: 2 }; },
        });
        const held = workflow.task({ name: 'held', parents: [a], waitFor: [new UserEventCondition('go', '', 'word')], fn: async () => ({}) });
        workflow.task({
            name: 'sum', parents: [a, b, held], fn: async (input, ctx) => ({ n: (await ctx.parentOutput(a)).n + (await ctx.parentOutput(b)).n }),
        });
        await startWorker(client, 'worker', { workflow }); // it ends with the process
        const { id, output } = await start(workflow);
        await until(() => attempts === 1);
        await server.stop('SIGKILL');
        await server.start();
        release();
        await until(async () => (await statuses(client, id)).startsWith('a=COMPLETED b=COMPLETED'));
        await client.events.push('go', {});
        assert.deepStrictEqual(await output, { a: { n: 1 }, b: { n: 2 }, held: {}, sum: { n: 3 } });
        assert.strictEqual(attempts, 1);
        await server.stop();
    });

    test('what cannot be a workflow is refused', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        const workflow = client.workflow({ name: 'wrong' });
        workflow.task({ name: 'a', fn: async () => ({}), parents: [{ name: 'nobody' }] });
        await assert.rejects(client.worker('worker', { workflows: [workflow] }),
            (error) => error.message.includes('its parent "nobody" is no task of the workflow') || assert.fail(error.message));
        await server.stop();
    });
});
