'use strict';
// Keys that keep a task from being run twice for the same thing.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

const errors = () => require('@hatchet-dev/typescript-sdk/v1');

async function collides(call, existing) {
    const { IdempotencyCollisionError } = errors();
    await assert.rejects(call, (error) => {
        assert.ok(error instanceof IdempotencyCollisionError, String(error));
        assert.strictEqual(error.existingRunExternalId, existing);
        return true;
    });
}

suite('idempotency', () => {
    test('one run has a key for its time, also when it has ended', limit, async () => {
        let count = 0;
        await withWorker((client) => ({
            pay: client.task({
                name: 'pay', idempotency: { strategy: 'ttl', expression: "'pay-' + input.id", ttlMs: 600000 },
                onEvents: ['pay:now'],
                fn: async ({ id }) => { count++; return { id }; },
            }),
        }), async ({ client, tasks: { pay } }) => {
            const first = await pay.runNoWait({ id: 'a' });
            assert.deepStrictEqual(await first.output, { id: 'a' });
            const id = await first.getWorkflowRunId();
            await collides(pay.runNoWait({ id: 'a' }), id);
            assert.deepStrictEqual(await pay.run({ id: 'b' }), { id: 'b' });
            await client.events.push('pay:now', { id: 'a' }); // starts nothing, and says nothing
            await client.events.push('pay:now', { id: 'c' });
            await until(() => count === 3);
            const { rows } = await client.runs.list({ onlyTasks: true });
            assert.strictEqual(rows.length, 3);
            assert.deepStrictEqual(rows.map((row) => row.idempotencyKey).sort(), ['pay-a', 'pay-b', 'pay-c']);
        });
    });

    test('a key of the status is free when its run has ended', limit, async () => {
        let release;
        const released = new Promise((done) => { release = done; });
        await withWorker((client) => ({
            hold: client.task({
                name: 'hold', idempotency: { strategy: 'status', expression: 'input.id', fallbackTtlMs: 600000 },
                fn: async () => { await released; return {}; },
            }),
        }), async ({ tasks: { hold } }) => {
            const first = await hold.runNoWait({ id: 'x' });
            await collides(hold.runNoWait({ id: 'x' }), await first.getWorkflowRunId());
            release();
            await first.output;
            const second = await hold.runNoWait({ id: 'x' });
            await second.output;
            assert.notStrictEqual(await first.getWorkflowRunId(), await second.getWorkflowRunId());
        });
    });

    test('of many the others run', limit, async () => {
        await withWorker((client) => ({
            many: client.task({
                name: 'many', idempotency: { strategy: 'ttl', expression: 'input.id', ttlMs: 600000 },
                fn: async ({ id }) => ({ id }),
            }),
        }), async ({ client, tasks: { many } }) => {
            const { BulkTriggerIdempotencyCollisionError } = errors();
            const first = await many.runNoWait({ id: '1' });
            const id = await first.getWorkflowRunId();
            await assert.rejects(many.runNoWait([{ id: '0' }, { id: '1' }, { id: '2' }, { id: '0' }]), (error) => {
                assert.ok(error instanceof BulkTriggerIdempotencyCollisionError, String(error));
                const [zero, two] = error.successfulWorkflowRunExternalIds;
                assert.notStrictEqual(two, undefined);
                assert.deepStrictEqual(error.collisions.map((one) => one.existingRunExternalId), [id, zero]);
                return true;
            });
            await until(async () => (await client.runs.list({ onlyTasks: true, statuses: ['COMPLETED'] })).rows.length === 3);
        });
    });

    test('a rule that is wrong is refused, and so is a run without a key', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        const fn = async () => ({});
        const wrong = client.task({ name: 'wrong', idempotency: { strategy: 'ttl', expression: 'input.', ttlMs: 1 }, fn });
        const refusal = assert.rejects(client.worker('worker', { workflows: [wrong] }), /idempotency/);
        const right = client.task({ name: 'right', idempotency: { strategy: 'ttl', expression: 'input.id', ttlMs: 1 }, fn });
        await client.worker('worker', { workflows: [right] });
        await assert.rejects(right.runNoWait({}), /idempotency key/);
        await refusal;
        await server.stop();
    });
});
