'use strict';
// Tasks that are given several runs at a time.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

async function statusOf(client, ref) {
    return client.runs.get_status(await ref.getWorkflowRunId());
}

async function ends(client, ref, status) {
    await until(async () => await statusOf(client, ref) === status);
}

function each(tasks, output) {
    return Object.fromEntries(Object.entries(tasks).map(([id, input]) => [id, output(input)]));
}

suite('batches', () => {
    test('as many as there may be go together, and each has its own output', limit, async () => {
        const sizes = [];
        await withWorker((client) => ({
            upper: client.batchTask({
                name: 'upper', batch: { maxSize: 3, maxInterval: '1h' }, retries: 3,
                fn: async (tasks) => {
                    sizes.push(Object.keys(tasks).length);
                    return each(tasks, ({ text }) => ({ text: text.toUpperCase() }));
                },
            }),
        }), async ({ tasks }) => {
            const outputs = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((text) => tasks.upper.run({ text })));
            assert.deepStrictEqual(outputs.map(({ text }) => text), ['A', 'B', 'C', 'D', 'E', 'F']);
            assert.deepStrictEqual(sizes, [3, 3]);
        });
    });

    test('fewer go when their time is over, and each key by itself', limit, async () => {
        const batches = [];
        await withWorker((client) => ({
            keyed: client.batchTask({
                name: 'keyed', batch: { maxSize: 10, maxInterval: 300, groupKey: 'input.key' },
                fn: async (tasks, ctx) => {
                    const { batchId, batchKey, batchStartPayload } = ctx.action;
                    batches.push({ key: batchKey, size: Object.keys(tasks).length });
                    assert.match(batchId, /^[0-9a-f-]{36}$/);
                    assert.strictEqual(batchStartPayload.triggerReason, 'batch max interval 300ms elapsed');
                    assert.strictEqual(batchStartPayload.expectedSize, Object.keys(tasks).length);
                    return each(tasks, ({ key }) => ({ key }));
                },
            }),
        }), async ({ tasks }) => {
            const outputs = await tasks.keyed.run(['x', 'y', 'x', 'x', 'y'].map((key) => ({ key }))); // there at one time
            assert.deepStrictEqual(outputs.map(({ key }) => key), ['x', 'y', 'x', 'x', 'y']);
            batches.sort((a, b) => b.size - a.size);
            assert.deepStrictEqual(batches, [{ key: 'x', size: 3 }, { key: 'y', size: 2 }]);
        });
    });

    test('one output may be that of all, and what one throws is the failure of all', limit, async () => {
        await withWorker((client) => ({
            sum: client.batchTask({
                name: 'sum', batch: { maxSize: 2, maxInterval: '1h', broadcastOutput: true },
                fn: async (tasks) => ({ sum: Object.values(tasks).reduce((sum, { n }) => sum + n, 0) }),
            }),
            broken: client.batchTask({
                name: 'broken', batch: { maxSize: 2, maxInterval: '1h' }, retries: 3,
                fn: async () => { throw new Error('no stamps'); },
            }),
        }), async ({ tasks }) => {
            assert.deepStrictEqual(await Promise.all([tasks.sum.run({ n: 1 }), tasks.sum.run({ n: 2 })]), [{ sum: 3 }, { sum: 3 }]);
            const failed = await Promise.allSettled([tasks.broken.run({}), tasks.broken.run({})]);
            for (const { status, reason } of failed) {
                assert.strictEqual(status, 'rejected');
                assert.ok(String(reason.message ?? reason).includes('no stamps'), String(reason));
            }
        });
    });

    // The SDK sends what it can write, and the failure of what it cannot.
    test('one member fails, and the other does not', limit, async () => {
        await withWorker((client) => ({
            mixed: client.batchTask({
                name: 'mixed', batch: { maxSize: 2, maxInterval: '1h' },
                fn: async (tasks) => each(tasks, ({ bad }) => (bad ? { n: 1n } : { fine: true })),
            }),
        }), async ({ client, tasks }) => {
            const bad = await tasks.mixed.runNoWait({ bad: true });
            const good = await tasks.mixed.runNoWait({ bad: false });
            assert.deepStrictEqual(await good.output, { fine: true });
            await ends(client, bad, 'FAILED');
        });
    });

    test('a batch may cancel itself, and a run that waits for one can be cancelled', limit, async () => {
        const sizes = [];
        await withWorker((client) => ({
            doomed: client.batchTask({
                name: 'doomed', batch: { maxSize: 2, maxInterval: '1h', broadcastOutput: true },
                fn: async (tasks, ctx) => {
                    sizes.push(Object.keys(tasks).length);
                    await ctx.cancel();
                    return {};
                },
            }),
        }), async ({ client, tasks }) => {
            const early = await tasks.doomed.runNoWait({});
            await client.runs.cancel({ ids: [await early.getWorkflowRunId()] });
            await ends(client, early, 'CANCELLED');
            const refs = [await tasks.doomed.runNoWait({}), await tasks.doomed.runNoWait({})];
            for (const ref of refs) {
                await ends(client, ref, 'CANCELLED');
            }
            assert.deepStrictEqual(sizes, [2]);
        });
    });

    test('what has no key fails, and a batch may start other runs', limit, async () => {
        await withWorker((client) => {
            const child = client.task({ name: 'child', fn: async ({ n }) => ({ twice: 2 * n }) });
            return {
                child,
                parent: client.batchTask({
                    name: 'parent', batch: { maxSize: 2, maxInterval: '1h', groupKey: 'input.key' },
                    fn: async (tasks) => {
                        const out = {};
                        for (const [id, { n }] of Object.entries(tasks)) {
                            out[id] = await child.run({ n });
                        }
                        return out;
                    },
                }),
            };
        }, async ({ client, tasks }) => {
            const keyless = await tasks.parent.runNoWait({ n: 1 });
            await ends(client, keyless, 'FAILED');
            const outputs = await Promise.all([1, 2].map((n) => tasks.parent.run({ key: 'k', n })));
            assert.deepStrictEqual(outputs, [{ twice: 2 }, { twice: 4 }]);
        });
    });

    test('a task of a workflow of several tasks may be one', limit, async () => {
        const sizes = [];
        await withWorker((client) => {
            const letter = client.workflow({ name: 'letter' });
            const write = letter.task({ name: 'write', fn: async ({ to }) => ({ text: `dear ${to}` }) });
            letter.batchTask({
                name: 'post', parents: [write], batch: { maxSize: 2, maxInterval: '1h' },
                fn: async (tasks) => {
                    sizes.push(Object.keys(tasks).length);
                    return each(tasks, ({ to }) => ({ posted: to }));
                },
            });
            return { letter };
        }, async ({ tasks }) => {
            const outputs = await Promise.all(['ann', 'bob'].map((to) => tasks.letter.run({ to })));
            assert.deepStrictEqual(outputs, ['ann', 'bob'].map((to) => ({ write: { text: `dear ${to}` }, post: { posted: to } })));
            assert.deepStrictEqual(sizes, [2]);
        });
    });

    test('the API tells of the wait, and a replay waits again', limit, async () => {
        await withWorker((client) => ({
            told: client.batchTask({
                name: 'told', batch: { maxSize: 10, maxInterval: 200 },
                fn: async (tasks) => each(tasks, () => ({})),
            }),
        }), async ({ client, tasks }) => {
            const ref = await tasks.told.runNoWait({});
            const id = await ref.getWorkflowRunId();
            await ref.output;
            const types = async () => {
                const { data } = await client.api.v1TaskEventList(id, { limit: 50, offset: 0 });
                return data.rows.map(({ eventType }) => eventType);
            };
            const once = ['WAITING_FOR_BATCH', 'BATCH_FLUSHED', 'STARTED', 'FINISHED'];
            assert.deepStrictEqual((await types()).filter((type) => once.includes(type)), once);
            await client.runs.replay({ ids: [id] });
            await until(async () => (await types()).filter((type) => type === 'FINISHED').length === 2);
            assert.deepStrictEqual((await types()).filter((type) => once.includes(type)), [...once, ...once]);
        });
    });
});
