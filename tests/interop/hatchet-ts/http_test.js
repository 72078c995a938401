'use strict';
// What the SDK asks over HTTP about workers, workflows, numbers and schedules.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };
const in2099 = new Date('2099-01-01T00:00:00Z');

const plain = (client) => ({ plain: client.task({ name: 'plain', fn: async (input) => ({ input }) }) });

suite('over HTTP', () => {
    test('the tenant, its workers and its workflows', limit, async () => {
        await withWorker(plain, async ({ client, tasks }) => {
            assert.strictEqual((await client.tenant.get()).version, 'V1');
            const { rows: [worker] } = await client.workers.list();
            assert.strictEqual(worker.name, 'worker');
            assert.strictEqual(worker.status, 'ACTIVE');
            assert.deepStrictEqual(await client.workers.get(worker.metadata.id).then(({ name }) => name), 'worker');
            assert.deepStrictEqual((await client.workflows.list()).rows.map(({ name }) => name), ['plain']);
            const workflow = await client.workflows.get(tasks.plain);
            assert.strictEqual(workflow.name, 'plain');
        });
    });

    test('a deleted workflow is gone, until it is declared again', limit, async () => {
        await withWorker(plain, async ({ server, client, tasks }) => {
            await client.workflows.delete(tasks.plain);
            assert.deepStrictEqual((await client.workflows.list()).rows, []);
            await assert.rejects(server.client({ retrier: { maxAttempts: 1 } }).run('plain', {}));
            await client.worker('another', { workflows: [tasks.plain] });
            assert.deepStrictEqual(await tasks.plain.run({ n: 1 }), { input: { n: 1 } });
        });
    });

    test('how many runs have which status', limit, async () => {
        await withWorker((client) => ({
            ...plain(client), bad: client.task({ name: 'bad', fn: async () => { throw new Error('no'); } }),
        }), async ({ client, tasks }) => {
            await tasks.plain.run([{}, {}, {}]);
            await assert.rejects(tasks.bad.run({}));
            const since = new Date(Date.now() - 60000).toISOString();
            const counts = await client.metrics.getTaskStatusMetrics({ since });
            assert.strictEqual(counts.completed, 3);
            assert.strictEqual(counts.failed, 1);
            assert.ok(await client.metrics.getQueueMetrics());
        });
    });

    test('schedules are listed, moved and taken back', limit, async () => {
        await withWorker(plain, async ({ client, tasks }) => {
            const made = await tasks.plain.schedule(in2099, { n: 1 }, { additionalMetadata: { mine: 'yes' }, priority: 3 });
            const id = made.metadata.id;
            const { rows } = await client.schedules.list({ workflow: 'plain' });
            assert.deepStrictEqual(rows.map(({ metadata }) => metadata.id), [id]);
            assert.strictEqual(new Date(rows[0].triggerAt).getTime(), in2099.getTime());
            await client.schedules.update(id, { triggerAt: new Date('2098-01-01T00:00:00Z') });
            assert.strictEqual((await client.schedules.get(id)).triggerAt.slice(0, 4), '2098');
            await client.schedules.delete(id);
            await assert.rejects(client.schedules.get(id));
            assert.deepStrictEqual((await client.schedules.list({})).rows ?? [], []);
        });
    });

    test('a delayed run gets its input, metadata and priority', limit, async () => {
        const seen = [];
        await withWorker((client) => ({
            later: client.task({
                name: 'later',
                fn: async (input, ctx) => {
                    seen.push({ input, mine: ctx.additionalMetadata().mine, priority: ctx.priority() });
                    return {};
                },
            }),
        }), async ({ tasks }) => {
            await tasks.later.delay(1, { n: 1 }, { additionalMetadata: { mine: 'yes' }, priority: 3 });
            await until(() => seen.length === 1);
            assert.deepStrictEqual(seen, [{ input: { n: 1 }, mine: 'yes', priority: 3 }]);
        });
    });
});
