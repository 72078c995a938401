'use strict';
// Which events start runs: patterns of keys, scopes and filters, declared and made by API.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

// A task that remembers what it was given.
function hearing(seen, options) {
    return (client) => ({
        hear: client.task({
            name: 'hear', ...options,
            fn: async (input, ctx) => {
                seen.push({ key: ctx.triggeringEventKey(), n: input.n, filter: ctx.filterPayload() });
                return {};
            },
        }),
    });
}

suite('patterns and filters of events', () => {
    test('a pattern stands for many keys', limit, async () => {
        const seen = [];
        await withWorker(hearing(seen, { onEvents: ['order:*', 'user_made'] }), async ({ client }) => {
            for (const key of ['order:paid', 'Order:paid', 'user:made', 'user:mades', 'order:sent']) {
                await client.events.push(key, { n: 1 });
            }
            await until(() => seen.length === 3);
            assert.deepStrictEqual(seen.map(({ key }) => key).sort(), ['order:paid', 'order:sent', 'user:made']);
        });
    });

    test('declared filters let an event of their scope through, with their payload', limit, async () => {
        const seen = [];
        await withWorker(hearing(seen, {
            onEvents: ['order:paid'],
            defaultFilters: [
                { scope: 'eu', expression: 'input.n > payload.least', payload: { least: 1, to: 'ada' } },
                { scope: 'us', expression: "additional_metadata.shop == 'north'", payload: {} },
            ],
        }), async ({ client }) => {
            await client.events.push('order:paid', { n: 2 }, { scope: 'eu' });
            await client.events.push('order:paid', { n: 1 }, { scope: 'eu' });
            await client.events.push('order:paid', { n: 3 }, { scope: 'us', additionalMetadata: { shop: 'north' } });
            await client.events.push('order:paid', { n: 4 }, { scope: 'us', additionalMetadata: { shop: 'south' } });
            await client.events.push('order:paid', { n: 5 });
            await client.events.bulkPush('order:paid', [{ payload: { n: 6 }, scope: 'eu' }, { payload: { n: 0 }, scope: 'eu' }]);
            await until(() => seen.length === 3);
            assert.deepStrictEqual(seen.map(({ n }) => n).sort(), [2, 3, 6]);
            assert.deepStrictEqual(seen.find(({ n }) => n === 2).filter, { least: 1, to: 'ada' });
            const { rows } = await client.filters.list({ scopes: ['eu'] });
            assert.strictEqual(rows.length, 1);
            assert.strictEqual(rows[0].isDeclarative, true);
        });
    });

    test('filters are made, looked at, changed and deleted', limit, async () => {
        const seen = [];
        await withWorker(hearing(seen, { onEvents: ['order:paid'] }), async ({ client }) => {
            const { rows: [{ metadata: { id: workflowId } }] } = await client.workflows.list();
            const made = await client.filters.create({
                workflowId, scope: 'eu', expression: 'input.n == 1', payload: { v: 1 },
            });
            assert.strictEqual(made.isDeclarative, false);
            assert.deepStrictEqual(await client.filters.get(made.metadata.id), made);
            await client.events.push('order:paid', { n: 1 }, { scope: 'eu' });
            await until(() => seen.length === 1);
            assert.deepStrictEqual(seen[0].filter, { v: 1 });
            const changed = await client.filters.update(made.metadata.id, { expression: 'input.n == 2', payload: { v: 2 } });
            assert.strictEqual(changed.scope, 'eu');
            await client.events.push('order:paid', { n: 1 }, { scope: 'eu' });
            await client.events.push('order:paid', { n: 2 }, { scope: 'eu' });
            await until(() => seen.length === 2);
            assert.deepStrictEqual(seen[1].filter, { v: 2 });
            await client.filters.delete(made.metadata.id);
            assert.deepStrictEqual((await client.filters.list({ workflowIds: [workflowId] })).rows, []);
            await assert.rejects(client.filters.get(made.metadata.id), (error) => error.response.status === 404);
            await assert.rejects(client.filters.create({ workflowId, scope: 'eu', expression: 'input.' }),
                (error) => error.response.status === 400 && JSON.stringify(error.response.data).includes('character'));
        });
    });

    test('expressions are tried out', limit, async () => {
        await withWorker(hearing([], {}), async ({ client }) => {
            const same = await client.cel.debug({ expression: 'input.n == payload.n', input: { n: 1 }, filterPayload: { n: 1 } });
            assert.deepStrictEqual(same, { status: 'SUCCESS', output: true });
            const wrong = await client.cel.debug({ expression: 'input.none', input: {} });
            assert.strictEqual(wrong.status, 'ERROR');
        });
    });
});
