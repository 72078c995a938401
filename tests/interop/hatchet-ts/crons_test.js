'use strict';
// Crons: declared with a workflow, and made by API.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

function ticking(seen, options) {
    return (client) => ({
        tick: client.task({
            name: 'tick', ...options,
            fn: async (input, ctx) => { seen.push({ input, metadata: ctx.additionalMetadata() }); return {}; },
        }),
    });
}

suite('crons', () => {
    test('a declared one fires at each of its times', limit, async () => {
        const seen = [];
        await withWorker(ticking(seen, { onCrons: ['* * * * * *', '0 0 1 1 *'] }), async ({ client }) => {
            await until(() => seen.length >= 2);
            const times = seen.map(({ metadata }) => metadata.hatchet__cron_scheduled_at);
            assert.strictEqual(new Set(times).size, times.length);
            assert.strictEqual(seen[0].metadata.hatchet__cron_expression, '* * * * * *');
            assert.strictEqual(seen[0].metadata.hatchet__cron_name, '');
            const { rows } = await client.crons.list({ workflow: 'tick' });
            assert.deepStrictEqual(rows.map(({ cron, method, enabled }) => `${cron} ${method} ${enabled}`).sort(),
                ['* * * * * * DEFAULT true', '0 0 1 1 * DEFAULT true']);
        });
    });

    test('one is made, fires with its input, is listed and deleted', limit, async () => {
        const seen = [];
        await withWorker(ticking(seen, {}), async ({ client, tasks }) => {
            const made = await client.crons.create(tasks.tick, {
                name: 'often', expression: '*/1 * * * * *', input: { n: 1 }, additionalMetadata: { mine: 'yes' }, priority: 2,
            });
            assert.strictEqual(made.cron, '*/1 * * * * *');
            assert.strictEqual(made.method, 'API');
            await until(() => seen.length >= 1);
            assert.deepStrictEqual(seen[0].input, { n: 1 });
            assert.strictEqual(seen[0].metadata.mine, 'yes');
            assert.strictEqual(seen[0].metadata.hatchet__cron_name, 'often');
            assert.strictEqual((await client.crons.get(made)).metadata.id, made.metadata.id);
            assert.strictEqual((await client.crons.list({ cronName: 'often' })).rows.length, 1);
            await client.crons.delete(made);
            await assert.rejects(client.crons.get(made), (error) => error.response.status === 404);
        });
    });

    test('a cron and a scheduled run are told to run now', limit, async () => {
        const seen = [];
        await withWorker(ticking(seen, {}), async ({ client, tasks }) => {
            const made = await client.crons.create(tasks.tick, { name: 'yearly', expression: '0 0 1 1 *', input: { n: 3 } });
            const { data: byCron } = await client.api.workflowCronTrigger(client.tenantId, made.metadata.id);
            await until(() => seen.length === 1);
            assert.deepStrictEqual(seen[0].input, { n: 3 });
            assert.strictEqual(seen[0].metadata.hatchet__cron_name, 'yearly');
            const plan = await client.schedules.create(tasks.tick, { triggerAt: new Date(Date.now() + 86400000), input: { n: 4 } });
            const { data: byPlan } = await client.api.workflowScheduledTrigger(client.tenantId, plan.metadata.id);
            await until(() => seen.length === 2);
            assert.deepStrictEqual(seen[1].input, { n: 4 });
            assert.notStrictEqual(byCron.externalId, byPlan.externalId);
            await assert.rejects(client.schedules.get(plan), (error) => error.response.status === 404);
        });
    });

    test('one over the task itself, and what is refused', limit, async () => {
        await withWorker(ticking([], {}), async ({ client, tasks }) => {
            const made = await tasks.tick.cron('nightly', '0 3 * * *', {});
            assert.strictEqual(made.name, 'nightly');
            await assert.rejects(client.crons.create('tick', { name: 'nightly', expression: '0 3 * * *' }), /error creating cron trigger/);
            await assert.rejects(client.crons.create('tick', { name: 'x', expression: 'nonsense' }), /error creating cron trigger/);
            await assert.rejects(client.crons.create('nobody', { name: 'x', expression: '0 3 * * *' }), /workflow not found/);
        });
    });
});
