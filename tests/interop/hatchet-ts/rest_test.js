'use strict';
// The SDK's feature clients, which speak REST.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };
const later = () => new Date(Date.now() + 24 * 3600 * 1000);

const staying = new Set(); // runs that hear when they are to stop
const makeTasks = (client) => ({
    hello: client.task({
        name: 'hello', onEvents: ['order:paid'],
        fn: async (input, ctx) => { await ctx.logger.info(`hello ${input.name}`); return { said: `hello ${input.name}` }; },
    }),
    fail: client.task({ name: 'fail', fn: async () => { throw new Error('no luck'); } }),
    stay: client.task({
        name: 'stay',
        fn: async (input, ctx) => new Promise((done) => {
            ctx.abortController.signal.addEventListener('abort', () => done({ was: 'cancelled' }));
            staying.add(ctx.workflowRunId());
        }),
    }),
});

const withClient = (check) => withWorker(makeTasks, check);

// What axios throws for an answer that is no success.
function answers(status, part) {
    return (error) => {
        const answer = error.response ?? error.cause?.response;
        assert.strictEqual(answer?.status, status, error.message);
        assert.ok(JSON.stringify(answer.data).includes(part), JSON.stringify(answer.data));
        return true;
    };
}

suite('the features of the SDK over REST', () => {
    test('runs are read, listed, cancelled and replayed', limit, () => withClient(async ({ client, tasks }) => {
        const ref = await tasks.hello.runNoWait({ name: 'ada' }, { additionalMetadata: { user: 'ada' } });
        assert.deepStrictEqual(await ref.output, { said: 'hello ada' });
        const id = await ref.getWorkflowRunId();
        const details = await client.runs.get(id);
        assert.strictEqual(details.run.status, 'COMPLETED');
        assert.deepStrictEqual(details.run.output, { said: 'hello ada' });
        assert.deepStrictEqual(details.tasks[0].input, { name: 'ada' });
        assert.strictEqual(await client.runs.get_status(ref), 'COMPLETED');
        assert.strictEqual(await client.runs.getTaskExternalId(id), id);

        await assert.rejects(tasks.fail.run({}));
        const failed = await client.runs.list({ onlyTasks: true, statuses: ['FAILED'], workflowNames: ['fail'] });
        assert.strictEqual(failed.rows.length, 1);
        assert.match(failed.rows[0].errorMessage, /no luck/);
        const mine = await client.runs.list({ additionalMetadata: { user: 'ada' }, includePayloads: true });
        assert.deepStrictEqual(mine.rows.map((row) => row.workflowRunExternalId), [id]);
        assert.deepStrictEqual(mine.rows[0].output, { said: 'hello ada' });
        const workers = await client.workers.list();
        const byWorker = await client.runs.list({ onlyTasks: true, workerId: workers.rows[0].metadata.id });
        assert.strictEqual(byWorker.rows.length, 2);

        const stayingId = await (await tasks.stay.runNoWait({})).getWorkflowRunId();
        await until(() => staying.has(stayingId));
        assert.strictEqual(await client.runs.get_status(stayingId), 'RUNNING');
        const { data: cancelled } = await client.runs.cancel({ ids: [stayingId] });
        assert.deepStrictEqual(cancelled.ids, [stayingId]);
        await until(async () => await client.runs.get_status(stayingId) === 'CANCELLED');

        const { data: replayed } = await client.runs.replay({ filters: { workflowNames: ['hello'] } });
        assert.deepStrictEqual(replayed.ids, [id]);
        await until(async () => {
            const again = await client.runs.get(id);
            return again.run.status === 'COMPLETED' && again.tasks[0].attempt === 2;
        });
    }));

    test('log lines are read', limit, () => withClient(async ({ client, tasks }) => {
        const ref = await tasks.hello.runNoWait({ name: 'bob' });
        await ref.output;
        const id = await ref.getWorkflowRunId();
        let lines;
        await until(async () => { lines = (await client.logs.list(id)).rows; return lines.length !== 0; });
        assert.match(lines[0].message, /hello bob/);
        assert.strictEqual(lines[0].level, 'INFO');
        assert.deepStrictEqual((await client.logs.list(id, { levels: ['ERROR'] })).rows, []);
    }));

    test('workers are listed, paused and go on', limit, () => withClient(async ({ client, worker, tasks }) => {
        const { rows } = await client.workers.list();
        assert.strictEqual(rows.length, 1);
        const { id } = rows[0].metadata;
        const one = await client.workers.get(id);
        assert.strictEqual(one.name, 'worker');
        assert.strictEqual(one.status, 'ACTIVE');
        assert.deepStrictEqual([...one.actions].sort(), ['fail:fail', 'hello:hello', 'stay:stay']);
        assert.strictEqual(one.slotConfig.default.limit, 10);
        assert.strictEqual(one.runtimeInfo.language, 'TYPESCRIPT');

        assert.strictEqual((await client.workers.pause(id)).status, 'PAUSED');
        assert.strictEqual(await client.workers.isPaused(id), true);
        const ref = await tasks.hello.runNoWait({ name: 'eve' });
        assert.strictEqual(await client.runs.get_status(await ref.getWorkflowRunId()), 'QUEUED');
        await client.workers.unpause(id);
        assert.strictEqual(await client.workers.isPaused(id), false);
        assert.deepStrictEqual(await ref.output, { said: 'hello eve' });

        await worker.stop(); // which pauses it first
        assert.strictEqual(await client.workers.isPaused(id), true);
    }));

    test('workflows are found, read and deleted', limit, () => withClient(async ({ client }) => {
        const hello = await client.workflows.get('hello');
        assert.strictEqual(hello.name, 'hello');
        assert.deepStrictEqual((await client.workflows.list()).rows.map(({ name }) => name), ['fail', 'hello', 'stay']);
        assert.strictEqual((await client.workflows.list({ limit: 1, offset: 2 })).rows[0].name, 'stay');
        const { data: version } = await client.api.workflowVersionGet(hello.metadata.id);
        assert.strictEqual(version.workflow.name, 'hello');
        assert.deepStrictEqual(version.triggers.events.map((event) => event.event_key), ['order:paid']);
        await client.workflows.delete('hello');
        await assert.rejects(client.workflows.get('hello'), /not found/);
        await assert.rejects(client.schedules.create('hello', { triggerAt: later() }), /workflow not found/);
    }));

    test('schedules are made, listed, moved and deleted', limit, () => withClient(async ({ client }) => {
        const at = later();
        const made = await client.schedules.create('hello', {
            triggerAt: at, input: { name: 'ada' }, additionalMetadata: { user: 'ada' }, priority: 3,
        });
        assert.strictEqual(new Date(made.triggerAt).getTime(), at.getTime());
        assert.deepStrictEqual(await client.schedules.get(made), made);
        const moved = await client.schedules.update(made, { triggerAt: new Date(at.getTime() + 1000) });
        assert.strictEqual(new Date(moved.triggerAt).getTime(), at.getTime() + 1000);
        const other = await client.schedules.create('fail', { triggerAt: at, input: {} });
        assert.strictEqual((await client.schedules.list({})).rows.length, 2);
        assert.deepStrictEqual((await client.schedules.list({ workflow: 'hello' })).rows.map((row) => row.metadata.id),
            [made.metadata.id]);
        assert.deepStrictEqual((await client.schedules.list({ additionalMetadata: ['user:ada'] })).rows
            .map((row) => row.input), [{ name: 'ada' }]);

        const updated = await client.schedules.bulkUpdate([{ scheduledRun: other, triggerAt: later() }]);
        assert.deepStrictEqual(updated, { updatedIds: [other.metadata.id], errors: [] });
        await client.schedules.delete(other);
        await assert.rejects(client.schedules.get(other), answers(404, 'not found'));
        const deleted = await client.schedules.bulkDelete({ scheduledRuns: [made, other] });
        assert.deepStrictEqual(deleted.deletedIds, [made.metadata.id]);
        assert.strictEqual(deleted.errors[0].id, other.metadata.id);
        assert.deepStrictEqual(await client.schedules.bulkDelete({ filter: {} }), { deletedIds: [], errors: [] });
        await assert.rejects(client.schedules.create('nobody', { triggerAt: at }), /workflow not found/);
    }));

    test('events are listed with what they started', limit, () => withClient(async ({ client }) => {
        const pushed = await client.events.push('order:paid', { name: 'ada' });
        let row;
        await until(async () => {
            const { data } = await client.api.v1EventList(client.tenantId, { keys: ['order:paid'] });
            [row] = data.rows;
            return row.workflowRunSummary.succeeded === 1;
        });
        assert.strictEqual(row.metadata.id, pushed.eventId);
        assert.deepStrictEqual(row.payload, { name: 'ada' });
        const runs = await client.runs.list({ triggeringEventExternalId: pushed.eventId });
        assert.deepStrictEqual(runs.rows.map((run) => run.workflowRunExternalId),
            row.triggeredRuns.map((run) => run.workflowRunId));
        const { data: made } = await client.api.eventCreate(client.tenantId, { key: 'order:paid', data: { name: 'bob' } });
        const { data: keys } = await client.api.v1EventKeyList(client.tenantId);
        assert.deepStrictEqual(keys.rows, ['order:paid']);
        const { data: event } = await client.api.v1EventGet(client.tenantId, made.metadata.id);
        assert.deepStrictEqual(event.payload, { name: 'bob' });
    }));

    test('numbers are told', limit, () => withClient(async ({ client, tasks }) => {
        await tasks.hello.run({ name: 'ada' });
        await assert.rejects(tasks.fail.run({}));
        const [worker] = (await client.workers.list()).rows;
        await client.workers.pause(worker.metadata.id);
        await tasks.hello.runNoWait({ name: 'bob' });
        const since = new Date(Date.now() - 3600 * 1000).toISOString();
        assert.deepStrictEqual(await client.metrics.getTaskStatusMetrics({ since }),
            { queued: 1, running: 0, completed: 1, cancelled: 0, failed: 1 });
        assert.deepStrictEqual(await client.metrics.getQueueMetrics(), { queues: { 'hello:hello': 1 } });
        const stats = await client.metrics.getTaskStats();
        assert.strictEqual(stats.hello.queued.total, 1);
        assert.match(await client.metrics.scrapePrometheusMetrics(), /queued_runs\{action="hello:hello",.*\} 1/);
    }));

    test('the tenant is told, and is the only one', limit, async () => {
        const server = await new Server().start();
        try {
            const client = server.client();
            const other = server.client({ token: server.token('other') });
            assert.strictEqual((await client.tenant.get()).version, 'V1');
            assert.notStrictEqual(client.tenantId, other.tenantId);
            await assert.rejects(client.api.workerList(other.tenantId), answers(403, 'valid credentials'));
        } finally {
            await server.stop();
        }
    });
});
