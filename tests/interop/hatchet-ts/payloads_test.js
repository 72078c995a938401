'use strict';
// What runs carry and leave behind: inputs and outputs, metadata, log lines, children.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

async function idOf(ref) {
    return ref.getWorkflowRunId();
}

suite('what runs carry', () => {
    test('log lines are read back in their order, with level, metadata and attempt', limit, async () => {
        await withWorker((client) => ({
            chatty: client.task({
                name: 'chatty', retries: 1,
                fn: async (input, ctx) => {
                    await ctx.logger.info(`info ${ctx.retryCount()}`, { answer: 42 });
                    await ctx.logger.warn(`warn ${ctx.retryCount()}`);
                    if (ctx.retryCount() === 0) {
                        throw new Error('once more');
                    }
                    return {};
                },
            }),
        }), async ({ client, tasks }) => {
            const ref = await tasks.chatty.runNoWait({});
            await ref.output;
            const read = async (options) => (await client.logs.list(await idOf(ref), options)).rows;
            await until(async () => (await read()).length === 4);
            const rows = await read({ orderByDirection: 'ASC' });
            assert.deepStrictEqual(rows.map(({ message, level, attempt }) => [message, level, attempt]),
                [['info 0', 'INFO', 1], ['warn 0', 'WARN', 1], ['info 1', 'INFO', 2], ['warn 1', 'WARN', 2]]);
            assert.deepStrictEqual(rows[0].metadata, { answer: 42 });
            assert.deepStrictEqual((await read({ levels: ['WARN'], attempt: 2 })).map(({ message }) => message), ['warn 1']);
            assert.deepStrictEqual((await read({ search: 'info 1' })).map(({ message }) => message), ['info 1']);
        });
    });

    test('children know their parents, and one key is one child', limit, async () => {
        await withWorker((client) => {
            const child = client.task({
                name: 'child',
                fn: async ({ n }, ctx) => ({
                    n, parent: ctx.parentWorkflowRunId(), index: ctx.childIndex(), key: ctx.childKey() ?? '',
                }),
            });
            const parent = client.task({
                name: 'parent',
                fn: async (input, ctx) => {
                    const refs = [
                        await ctx.runNoWaitChild(child, { n: 0 }),
                        await ctx.runNoWaitChild(child, { n: 1 }, { key: 'one' }),
                        await ctx.runNoWaitChild(child, { n: 2 }, { key: 'one' }),
                        ...await ctx.bulkRunNoWaitChildren([{ workflow: child, input: { n: 3 } }]),
                    ];
                    const outputs = []; /* the SDK waits for one run once at a time */
                    for (const ref of refs) {
                        outputs.push(await ref.output);
                    }
                    return { ids: await Promise.all(refs.map(idOf)), outputs };
                },
            });
            return { child, parent };
        }, async ({ client, tasks }) => {
            const ref = await tasks.parent.runNoWait({});
            const { ids, outputs } = await ref.output;
            const parent = await idOf(ref);
            assert.strictEqual(ids[1], ids[2]);
            assert.strictEqual(new Set(ids).size, 3);
            assert.deepStrictEqual(outputs, [
                { n: 0, parent, index: 0, key: '' }, { n: 1, parent, index: 1, key: 'one' },
                { n: 1, parent, index: 1, key: 'one' }, { n: 3, parent, index: 3, key: '' },
            ]);
            const { rows } = await client.runs.list({ onlyTasks: true, parentTaskExternalId: parent });
            assert.deepStrictEqual(rows.map(({ metadata }) => metadata.id).sort(), [...new Set(ids)].sort());
        });
    });

    test('metadata goes from parents to children, whose own wins', limit, async () => {
        await withWorker((client) => {
            const child = client.task({ name: 'child', fn: async (input, ctx) => ctx.additionalMetadata() });
            const parent = client.task({
                name: 'parent',
                fn: async (input, ctx) => ({
                    own: ctx.additionalMetadata(),
                    child: await ctx.runChild(child, {}, { additionalMetadata: { who: 'child', more: 'yes' } }),
                }),
            });
            return { child, parent };
        }, async ({ client, tasks }) => {
            const ref = await tasks.parent.runNoWait({}, { additionalMetadata: { who: 'parent', customer: 'c1' } });
            const id = await idOf(ref);
            const { own, child } = await ref.output;
            assert.strictEqual(own.who, 'parent');
            const { traceparent, ...rest } = child; /* inherited too, since no span is active */
            assert.strictEqual(traceparent, own.traceparent);
            assert.deepStrictEqual(rest, {
                who: 'child', customer: 'c1', more: 'yes',
                hatchet__parent_workflow_run_id: id, hatchet__parent_step_run_id: id,
            });
            const { rows } = await client.runs.list({ onlyTasks: false, additionalMetadata: { who: 'parent' } });
            assert.deepStrictEqual(rows.map(({ metadata }) => metadata.id), [id]);
        });
    });

    test('a run is described with its input, output, error and attempts', limit, async () => {
        await withWorker((client) => ({
            half: client.task({
                name: 'half', retries: 1,
                fn: async ({ isGood }, ctx) => {
                    if (!isGood) {
                        throw new Error(`bad ${ctx.retryCount()}`);
                    }
                    return { good: true };
                },
            }),
        }), async ({ client, tasks }) => {
            const good = await tasks.half.runNoWait({ isGood: true }), bad = await tasks.half.runNoWait({ isGood: false });
            await good.output;
            await assert.rejects(bad.output, (errors) => errors.length === 1 && errors[0].includes('bad 1'));
            const details = await client.runs.getDetails(await idOf(good));
            assert.strictEqual(details.status, 'COMPLETED');
            assert.strictEqual(details.done, true);
            assert.deepStrictEqual(details.input, { isGood: true });
            assert.deepStrictEqual(details.taskRuns.half.output, { good: true });
            const { run, tasks: [task] } = await client.runs.get(await idOf(bad));
            assert.strictEqual(run.status, 'FAILED');
            assert.match(run.errorMessage, /bad 1/);
            assert.strictEqual(task.retryCount, 1);
            const failed = await client.runs.list({ onlyTasks: false, statuses: ['FAILED'], workflowNames: ['half'] });
            assert.deepStrictEqual(failed.rows.map(({ metadata }) => metadata.id), [await idOf(bad)]);
        });
    });

    test('large and odd inputs come back as they were', limit, async () => {
        await withWorker((client) => ({
            echo: client.task({ name: 'echo', fn: async (input) => ({ input }) }),
        }), async ({ server, tasks }) => {
            const odd = {
                text: 'zoë "quoted" \\ \n 漢😀', deep: [[[{ a: null }]]], number: 1e-7, big: 9007199254740991, '': { '__proto__x': [] },
            };
            assert.deepStrictEqual(await tasks.echo.run(odd), { input: odd });
            const large = { text: 'x'.repeat(1800000) };
            assert.deepStrictEqual(await tasks.echo.run(large), { input: large });
            const tooLarge = { text: 'x'.repeat(5000000) };
            await assert.rejects(server.client({ retrier: { maxAttempts: 1 } }).run('echo', tooLarge), /RESOURCE_EXHAUSTED/);
        });
    });

    test('many are started without waiting, each with its options', limit, async () => {
        await withWorker((client) => ({
            many: client.task({
                name: 'many', fn: async ({ n }, ctx) => ({ n, mine: ctx.additionalMetadata().mine }),
            }),
        }), async ({ tasks }) => {
            const refs = await tasks.many.runManyNoWait(Array.from({ length: 600 }, (_, n) =>
                ({ input: { n }, opts: { additionalMetadata: { mine: `m${n}` } } })));
            const outputs = await Promise.all(refs.map((ref) => ref.output));
            assert.deepStrictEqual(outputs, Array.from({ length: 600 }, (_, n) => ({ n, mine: `m${n}` })));
            const mixed = await tasks.many.run([{ n: 1 }, { n: 2 }], { returnExceptions: true });
            assert.deepStrictEqual(mixed.map(({ n }) => n), [1, 2]);
        }, { slots: 50 });
    });
});
