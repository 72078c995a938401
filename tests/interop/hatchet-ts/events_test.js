'use strict';
// Events and schedules.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

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

    test('a task says which event started it, and events say which task pushed them', limit, async () => {
        const seen = [];
        await withWorker((client) => ({
            first: client.task({
                name: 'first', onEvents: ['begin'],
                fn: async (input, ctx) => {
                    await client.events.push('go:on', { n: 2 });
                    return { id: ctx.triggeringEventId(), key: ctx.triggeringEventKey(), run: ctx.workflowRunId() };
                },
            }),
            second: client.task({
                name: 'second', onEvents: ['go:on'],
                fn: async (input, ctx) => {
                    seen.push({ key: ctx.triggeringEventKey(), metadata: ctx.additionalMetadata() });
                    return {};
                },
            }),
        }), async ({ client }) => {
            const { eventId } = await client.events.push('begin', { n: 1 });
            await until(() => seen.length === 1);
            const { rows } = await client.runs.list({ onlyTasks: true, triggeringEventExternalId: eventId });
            assert.strictEqual(rows.length, 1);
            const id = rows[0].metadata.id;
            const { first } = await client.runs.runRef(id).output;
            assert.deepStrictEqual(first, { id: eventId, key: 'begin', run: id });
            assert.strictEqual(seen[0].key, 'go:on');
            assert.strictEqual(seen[0].metadata.hatchet__source_workflow_run_id, id);
            assert.strictEqual(seen[0].metadata.hatchet__source_step_run_id, id);
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
