'use strict';
// Which of several workers gets a run: labels, weights, stickiness.

const assert = require('node:assert');
const test = require('node:test');
const { Server, startWorker, suite, until } = require('./lib/server');

const limit = { timeout: 300000 };

// A server, and a worker for each of `all` ({ name, slots, labels }) with the tasks of `makeTasks(name, client)`.
async function withWorkers(all, makeTasks, check) {
    const server = await new Server().start();
    const workers = {};
    let tasks, client;
    for (const { name, ...options } of all) {
        client = server.client();
        tasks = makeTasks(name, client);
        workers[name] = await startWorker(client, name, tasks, options);
    }
    try {
        await check({ server, client, workers, tasks });
        await Promise.all(Object.values(workers).map(({ stop }) => stop()));
    } finally {
        await server.stop();
    }
}

function range(count) {
    return Array.from({ length: count }, (_, n) => ({ n }));
}

async function namesOf(task, count, options) {
    const outputs = await task.run(range(count), options);
    return [...new Set(outputs.map(({ by }) => by))].sort();
}

suite('workers', () => {
    const labelled = [
        { name: 'small', labels: { kind: 'cpu', memory: 8 } }, { name: 'large', labels: { kind: 'gpu', memory: 64 } },
    ];
    const desiring = (desiredWorkerLabels) => (name, client) => ({
        picky: client.task({ name: 'picky', desiredWorkerLabels, fn: async () => ({ by: name }) }),
    });

    test('a required label decides', limit, async () => {
        await withWorkers(labelled, desiring({ kind: { value: 'gpu', required: true } }), async ({ tasks }) => {
            assert.deepStrictEqual(await namesOf(tasks.picky, 20), ['large']);
        });
    });

    test('numbers are compared', limit, async () => {
        const { WorkerLabelComparator } = require('@hatchet-dev/typescript-sdk/v1');
        const comparator = WorkerLabelComparator.LESS_THAN;
        await withWorkers(labelled, desiring({ memory: { value: 64, required: true, comparator } }), async ({ tasks }) => {
            assert.deepStrictEqual(await namesOf(tasks.picky, 20), ['small']);
        });
    });

    test('the greater weight is preferred, and no more than that', limit, async () => {
        const one = labelled.map((worker) => ({ ...worker, slots: 1 }));
        await withWorkers(one, (name, client) => {
            const desiredWorkerLabels = { kind: { value: 'cpu', weight: 10 }, memory: { value: 64, weight: 20 } };
            return { picky: client.task({ name: 'picky', desiredWorkerLabels, fn: async ({ wait }, ctx) => {
                if (wait) {
                    await until(() => ctx.cancelled);
                }
                return { by: name };
            } }) };
        }, async ({ client, tasks }) => {
            for (const { n } of range(5)) {
                assert.deepStrictEqual(await tasks.picky.run({ n }), { by: 'large' });
            }
            const busy = await tasks.picky.runNoWait({ wait: true });
            await until(async () => await client.runs.get_status(await busy.getWorkflowRunId()) === 'RUNNING');
            assert.deepStrictEqual(await tasks.picky.run({}), { by: 'small' });
            await client.runs.cancel({ ids: [await busy.getWorkflowRunId()] });
        });
    });

    test('a run has desires of its own', limit, async () => {
        await withWorkers(labelled, desiring({ kind: { value: 'gpu', required: true } }), async ({ tasks }) => {
            const desiredWorkerLabels = { kind: { value: 'cpu', required: true } };
            assert.deepStrictEqual(await namesOf(tasks.picky, 20, { desiredWorkerLabels }), ['small']);
            assert.deepStrictEqual(await namesOf(tasks.picky, 20), ['large']);
        });
    });

    test('a run waits for a label that nobody has, until somebody has it', limit, async () => {
        await withWorkers(labelled, desiring({ city: { value: 'Oslo', required: true } }), async ({ client, workers, tasks }) => {
            const ref = await tasks.picky.runNoWait({});
            await workers.large.worker.upsertLabels({ city: 'Rome' });
            assert.strictEqual(await client.runs.get_status(await ref.getWorkflowRunId()), 'QUEUED');
            await workers.small.worker.upsertLabels({ city: 'Oslo' });
            assert.deepStrictEqual(await ref.output, { by: 'small' });
        });
    });

    test('a paused worker gets nothing until it goes on', limit, async () => {
        await withWorkers(labelled, desiring({}), async ({ client, workers, tasks }) => {
            const id = (await client.workers.list()).rows.find(({ name }) => name === 'large').metadata.id;
            await client.workers.pause(id);
            assert.strictEqual(await client.workers.isPaused(id), true);
            assert.deepStrictEqual(await namesOf(tasks.picky, 20), ['small']);
            await client.workers.unpause(id);
            assert.strictEqual(await client.workers.isPaused(id), false);
            assert.deepStrictEqual(await namesOf(tasks.picky, 20), ['large', 'small']);
        });
    });

    // A parent on worker a starts a child there while it holds the only slot, and one more of another workflow.
    const pair = [{ name: 'a', slots: 1, labels: { name: 'a' } }, { name: 'b', slots: 1, labels: { name: 'b' } }];
    const families = (sticky, gate) => (name, client) => {
        const child = client.task({ name: 'child', sticky, fn: async () => ({ by: name }) });
        const parent = client.task({
            name: 'parent', desiredWorkerLabels: { name: { value: 'a', required: true } },
            fn: async (input, ctx) => {
                const ref = await ctx.runNoWaitChild(child, {}, { sticky: true });
                gate.child = ref;
                await gate.opened;
                return { child: await ref.getWorkflowRunId(), by: name };
            },
        });
        return { child, parent };
    };
    function makeGate() {
        const gate = {};
        gate.opened = new Promise((done) => { gate.open = done; });
        return gate;
    }

    test('a hard sticky child waits for its parent\'s worker', limit, async () => {
        const gate = makeGate();
        await withWorkers(pair, families('hard', gate), async ({ client, tasks }) => {
            const parent = tasks.parent.run({});
            await until(() => gate.child !== undefined);
            const id = await gate.child.getWorkflowRunId();
            assert.deepStrictEqual(await tasks.child.run({}), { by: 'b' }); /* b is free, and takes what it may */
            assert.strictEqual(await client.runs.get_status(id), 'QUEUED');
            gate.open();
            assert.strictEqual((await parent).by, 'a');
            const { child } = await client.runs.runRef(id).output;
            assert.deepStrictEqual(child, { by: 'a' });
        });
    });

    test('a soft sticky child goes elsewhere when its parent\'s worker is busy', limit, async () => {
        const gate = makeGate();
        await withWorkers(pair, families('soft', gate), async ({ client, tasks }) => {
            const parent = tasks.parent.run({});
            await until(() => gate.child !== undefined);
            const { child } = await client.runs.runRef(await gate.child.getWorkflowRunId()).output;
            assert.deepStrictEqual(child, { by: 'b' });
            gate.open();
            assert.strictEqual((await parent).by, 'a');
        });
    });

    test('a soft sticky child stays with its parent\'s worker when that has room', limit, async () => {
        const roomy = pair.map((worker) => ({ ...worker, slots: 50 }));
        await withWorkers(roomy, (name, client) => {
            const child = client.task({ name: 'child', sticky: 'soft', fn: async () => ({ by: name }) });
            const parent = client.task({
                name: 'parent',
                fn: async (input, ctx) => {
                    const children = range(10).map(({ n }) => ({ workflow: child, input: { n }, options: { sticky: true } }));
                    return { by: name, children: (await ctx.bulkRunChildren(children)).map(({ by }) => by) };
                },
            });
            return { child, parent };
        }, async ({ tasks }) => {
            const outputs = await tasks.parent.run(range(4));
            assert.deepStrictEqual([...new Set(outputs.map(({ by }) => by))].sort(), ['a', 'b']);
            for (const { by, children } of outputs) {
                assert.deepStrictEqual(new Set(children), new Set([by]));
            }
        });
    });
});
