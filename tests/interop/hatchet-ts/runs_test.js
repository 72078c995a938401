'use strict';
// What becomes of single runs: how they wait, end, are cancelled, and what they carry.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

// A promise and what resolves it.
function gate() {
    let open;
    const opened = new Promise((done) => { open = done; });
    return { open, opened };
}

async function idOf(ref) {
    return ref.getWorkflowRunId();
}

suite('runs', () => {
    test('with one slot the urgent go first, and equals in their order', limit, async () => {
        const order = [];
        const first = gate();
        await withWorker((client) => ({
            ordered: client.task({
                name: 'ordered',
                fn: async ({ name }, ctx) => {
                    if (name === 'first') {
                        await first.opened;
                    }
                    order.push(name);
                    return { priority: ctx.priority() ?? 0 };
                },
            }),
        }), async ({ tasks }) => {
            const refs = [await tasks.ordered.runNoWait({ name: 'first' })];
            for (const [name, priority] of [['low', 1], ['high', 3], ['medium', 2], ['low too', 1], ['high too', 3]]) {
                refs.push(await tasks.ordered.runNoWait({ name }, { priority }));
            }
            first.open();
            const outputs = await Promise.all(refs.map((ref) => ref.output));
            assert.deepStrictEqual(order, ['first', 'high', 'high too', 'medium', 'low', 'low too']);
            assert.deepStrictEqual(outputs.slice(1).map(({ priority }) => priority), [1, 3, 2, 1, 3]);
        }, { slots: 1 });
    });

    test('the priority of a declaration is that of its runs', limit, async () => {
        await withWorker((client) => ({
            urgent: client.task({
                name: 'urgent', defaultPriority: 3, fn: async (input, ctx) => ({ priority: ctx.priority() }),
            }),
        }), async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.urgent.run({}), { priority: 3 });
            assert.deepStrictEqual(await tasks.urgent.run({}, { priority: 2 }), { priority: 2 });
        });
    });

    test('a queued run is cancelled and never starts', limit, async () => {
        const first = gate();
        const started = [];
        await withWorker((client) => ({
            waiting: client.task({
                name: 'waiting', fn: async ({ n }) => { started.push(n); await first.opened; return {}; },
            }),
        }), async ({ client, tasks }) => {
            const running = await tasks.waiting.runNoWait({ n: 1 });
            await until(() => started.length === 1);
            const queued = await tasks.waiting.runNoWait({ n: 2 });
            assert.strictEqual(await client.runs.get_status(await idOf(queued)), 'QUEUED');
            const answer = await client.runs.cancel({ ids: [await idOf(queued)] });
            assert.deepStrictEqual(answer.data.ids, [await idOf(queued)]);
            await until(async () => await client.runs.get_status(await idOf(queued)) === 'CANCELLED');
            assert.deepStrictEqual(await queued.output, {}); /* what the SDK makes of a cancelled run */
            first.open();
            await running.output;
            await tasks.waiting.run({ n: 3 });
            assert.deepStrictEqual(started, [1, 3]);
        }, { slots: 1 });
    });

    test('a task cancels its own run', limit, async () => {
        let aborted = false;
        await withWorker((client) => ({
            quitter: client.task({
                name: 'quitter', retries: 3,
                fn: async (input, ctx) => {
                    ctx.abortController.signal.addEventListener('abort', () => { aborted = true; });
                    await ctx.cancel();
                    await until(() => ctx.cancelled);
                    return {};
                },
            }),
        }), async ({ client, tasks }) => {
            const ref = await tasks.quitter.runNoWait({});
            await until(() => aborted);
            assert.strictEqual(await client.runs.get_status(await idOf(ref)), 'CANCELLED');
        });
    });

    test('a run that no worker takes in time is given up', limit, async () => {
        const first = gate();
        let started = 0;
        await withWorker((client) => ({
            late: client.task({
                name: 'late', scheduleTimeout: '1s', retries: 2,
                fn: async () => { started++; await first.opened; return {}; },
            }),
        }), async ({ client, tasks }) => {
            const running = await tasks.late.runNoWait({});
            await until(() => started === 1);
            const queued = await tasks.late.runNoWait({});
            await until(async () => await client.runs.get_status(await idOf(queued)) !== 'QUEUED');
            const details = await client.runs.get(await idOf(queued));
            assert.ok(details.taskEvents.some(({ eventType }) => eventType === 'SCHEDULING_TIMED_OUT'),
                JSON.stringify(details.taskEvents));
            first.open();
            await running.output;
            assert.strictEqual(started, 1);
        }, { slots: 1 });
    });

    test('an attempt that asks for more time gets it', limit, async () => {
        await withWorker((client) => ({
            slow: client.task({
                name: 'slow', executionTimeout: '3s',
                fn: async (input, ctx) => {
                    const begin = Date.now();
                    await ctx.refreshTimeout('60s');
                    await until(() => Date.now() - begin > 3600);
                    return { isCancelled: ctx.cancelled };
                },
            }),
        }), async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.slow.run({}), { isCancelled: false });
        });
    });

    test('a timed-out attempt is tried again', limit, async () => {
        await withWorker((client) => ({
            second: client.task({
                name: 'second', executionTimeout: '1s', retries: 1,
                fn: async (input, ctx) => (ctx.retryCount() === 1
                    ? { attempt: 1 }
                    : new Promise((done) => { ctx.abortController.signal.addEventListener('abort', () => done({})); })),
            }),
        }), async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.second.run({}), { attempt: 1 });
        });
    });

    test('a slot that was released is another run\'s', limit, async () => {
        const released = gate();
        await withWorker((client) => ({
            generous: client.task({
                name: 'generous',
                fn: async ({ isFirst }, ctx) => {
                    if (isFirst) {
                        await ctx.releaseSlot();
                        await released.opened;
                    } else {
                        released.open();
                    }
                    return { isFirst };
                },
            }),
        }), async ({ tasks }) => {
            const first = tasks.generous.run({ isFirst: true });
            assert.deepStrictEqual(await tasks.generous.run({ isFirst: false }), { isFirst: false });
            assert.deepStrictEqual(await first, { isFirst: true });
        }, { slots: 1 });
    });

    test('an ended run is replayed: with its input, its retries, and its former children', limit, async () => {
        let isGood = false;
        const attempts = [];
        const children = new Set();
        await withWorker((client) => {
            const child = client.task({ name: 'child', fn: async (input, ctx) => { children.add(ctx.workflowRunId()); return {}; } });
            const again = client.task({
                name: 'again', retries: 1,
                fn: async ({ n }, ctx) => {
                    attempts.push(ctx.retryCount());
                    await ctx.runChild(child, {});
                    if (!isGood) {
                        throw new Error('not yet');
                    }
                    return { n };
                },
            });
            return { child, again };
        }, async ({ client, tasks }) => {
            const ref = await tasks.again.runNoWait({ n: 7 });
            const id = await idOf(ref);
            await assert.rejects(ref.output);
            assert.deepStrictEqual(attempts, [0, 1]);
            isGood = true;
            const { data } = await client.runs.replay({ ids: [id] });
            assert.deepStrictEqual(data.ids, [id]);
            assert.deepStrictEqual((await client.runs.runRef(id).output).again, { n: 7 });
            assert.strictEqual(await client.runs.get_status(id), 'COMPLETED');
            assert.deepStrictEqual(attempts, [0, 1, 2]);
            assert.strictEqual(children.size, 1);
        });
    });

    test('runs are cancelled and replayed by what they have in common', limit, async () => {
        const first = gate();
        await withWorker((client) => ({
            held: client.task({
                name: 'held', executionTimeout: '10m',
                fn: async (input, ctx) => Promise.race([first.opened, until(() => ctx.cancelled)]).then(() => ({ done: true })),
            }),
        }), async ({ client, tasks }) => {
            const run = async (batch) => idOf(await tasks.held.runNoWait({}, { additionalMetadata: { batch } }));
            const [mine, other] = [[await run('a'), await run('a')], await run('b')];
            const filters = { additionalMetadata: { batch: 'a' }, since: new Date(Date.now() - 60000) };
            await client.runs.cancel({ filters });
            const statuses = async (...ids) => Promise.all(ids.map((id) => client.runs.get_status(id)));
            await until(async () => (await statuses(...mine)).every((status) => status === 'CANCELLED'));
            assert.notStrictEqual(await client.runs.get_status(other), 'CANCELLED');
            first.open();
            await client.runs.replay({ filters });
            await until(async () => (await statuses(...mine, other)).every((status) => status === 'COMPLETED'));
        });
    });
});
