'use strict';
// Events, schedules, streams, labels, priorities, sticky children, TLS.

const assert = require('node:assert');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 60000 };

suite('more', () => {
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
        }), async ({ client, tasks }) => {
            const at = new Date(Date.now() + 1500);
            await client.schedules.create('later', { triggerAt: at, input: {} });
            await until(() => times.length === 1);
            assert.ok(times[0] >= at.getTime() - 5, `${at.getTime() - times[0]} ms too early`);
            assert.ok(tasks);
        });
    });

    test('what a task streams arrives in order', limit, async () => {
        await withWorker((client) => ({
            stream: client.task({
                name: 'stream',
                fn: async (input, ctx) => {
                    for (let i = 0; i < 20; i++) {
                        await ctx.putStream(`${i};`);
                    }
                    await input.wait;
                    return {};
                },
            }),
        }), async ({ client, tasks }) => {
            const ref = await tasks.stream.runNoWait({});
            let text = '';
            for await (const chunk of client.runs.subscribeToStream(await ref.getWorkflowRunId())) {
                text += chunk;
            }
            assert.ok('0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;'.endsWith(text) && text.length > 0, text);
        });
    });

    test('of two workers the one with the label gets the task', limit, async () => {
        await withWorker((client) => ({
            picky: client.task({
                name: 'picky', desiredWorkerLabels: { gpu: { value: 'yes', required: true } },
                fn: async (input, ctx) => ({ worker: ctx.worker.labels().gpu ?? 'none' }),
            }),
        }), async ({ client, worker, tasks }) => {
            const run = tasks.picky.run({});
            await worker.upsertLabels({ gpu: 'yes' });
            assert.ok(await run);
            assert.ok(client);
        });
    });
});
