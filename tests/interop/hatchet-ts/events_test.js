'use strict';
// Events and schedules.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 60000 };

suite('events and schedules', () => {
    test('an event starts the workflows that wait for it', limit, async () => {
        const seen = [];
        await withWorker((client) => ({
            hear: client.task({
                name: 'hear', onEvents: ['order:paid'],
                fn: async (input, ctx) => { seen.push({ input, metadata: ctx.additionalMetadata() }); return {}; },
            }),
        }), async ({ client }) => {
            const event = await client.events.push('order:paid', { id: 7 }, { additionalMetadata: { mine: 'yes' } });
            assert.strictEqual(event.key, 'order:paid');
            await client.events.push('order:lost', { id: 8 });
            await until(() => seen.length === 1);
            assert.deepStrictEqual(seen[0].input, { id: 7 });
            assert.strictEqual(seen[0].metadata.mine, 'yes');
            assert.strictEqual(seen[0].metadata.hatchet__event_key, 'order:paid');
            await client.events.bulkPush('order:paid', [{ payload: { id: 9 } }, { payload: { id: 10 } }]);
            await until(() => seen.length === 3);
        });
    });

    test('a schedule fires once, at its time', limit, async () => {
        const times = [];
        await withWorker((client) => ({
            later: client.task({ name: 'later', fn: async () => { times.push(Date.now()); return {}; } }),
        }), async ({ client }) => {
            const at = new Date(Date.now() + 1500);
            await client.schedules.create('later', { triggerAt: at, input: {} });
            await until(() => times.length === 1);
            assert.ok(times[0] >= at.getTime() - 5, `${at.getTime() - times[0]} ms too early`);
        });
    });
});
