'use strict';
// Workflows that are paused, by the client's REST API.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

function counting(seen) {
    return (client) => ({
        count: client.task({ name: 'count', fn: async (input) => { seen.push(input.n); return { n: input.n }; } }),
        other: client.task({ name: 'other', fn: async () => ({}) }),
    });
}

const pause = {
    action: 'pause', pausedWorkflowCronRunQueueBehavior: 'DROP',
    pausedWorkflowScheduledRunQueueBehavior: 'QUEUE', pausedWorkflowQueueTTL: '1d7h30m',
};

suite('pauses', () => {
    test('runs of a paused workflow wait until it goes on', limit, async () => {
        const seen = [];
        await withWorker(counting(seen), async ({ client, tasks }) => {
            const id = (await client.workflows.get('count')).metadata.id;
            const { data: paused } = await client.api.workflowUpdate(id, { pause });
            assert.strictEqual(paused.isPaused, true);
            assert.strictEqual(paused.pausedWorkflowCronRunQueueBehavior, 'DROP');
            assert.strictEqual(paused.pausedWorkflowScheduledRunQueueBehavior, 'QUEUE');
            const run = await tasks.count.runNoWait({ n: 1 });
            await tasks.other.run({}); // others are not held up
            const runId = await run.getWorkflowRunId();
            assert.strictEqual(await client.runs.get_status(runId), 'QUEUED');
            assert.deepStrictEqual(seen, []);
            const { data: active } = await client.api.workflowUpdate(id, { pause: { action: 'unpause' } });
            assert.strictEqual(active.isPaused, false);
            assert.deepStrictEqual(await run.output, { n: 1 });
        });
    });

    test('a scheduled run waits under the pause where that is wanted', limit, async () => {
        const seen = [];
        await withWorker(counting(seen), async ({ client, tasks }) => {
            const id = (await client.workflows.get('count')).metadata.id;
            await client.api.workflowUpdate(id, { pause });
            const made = await client.schedules.create(tasks.count, { triggerAt: new Date(Date.now() + 200), input: { n: 2 } });
            await until(() => client.schedules.get(made).then(() => false, (error) => error.response.status === 404));
            assert.deepStrictEqual(seen, []);
            await client.api.workflowUpdate(id, { pause: { action: 'unpause' } });
            await until(() => seen.length === 1);
            assert.deepStrictEqual(seen, [2]);
        });
    });
});
