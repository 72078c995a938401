'use strict';
// Certificates on both sides, and what comes without the right ones.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until, withWorker } = require('./lib/server');
const { Certificates } = require('./lib/certificates');

const limit = { timeout: 300000 };

// A client that gives up soon, since it has no chance.
const hasty = { retrier: { maxAttempts: 1 } };

async function assertRefused(server, tlsConfig) {
    const client = server.client({ ...hasty, tls_config: tlsConfig });
    await assert.rejects(client.run('hear', {}), /UNAVAILABLE/);
}

suite('certificates', () => {
    test('tasks, events and HTTP work with a certificate on both sides', limit, async () => {
        const seen = [];
        await withWorker((client) => ({
            hear: client.task({
                name: 'hear', onEvents: ['order:paid'],
                fn: async (input, ctx) => { seen.push(input); await ctx.logger.info('heard'); return { heard: input }; },
            }),
        }), async ({ server, client, tasks }) => {
            assert.deepStrictEqual(await tasks.hear.run({ id: 1 }), { heard: { id: 1 } });
            await client.events.push('order:paid', { id: 2 });
            await until(() => seen.length === 2);
            assert.deepStrictEqual(seen[1], { id: 2 });
            const ref = await tasks.hear.runNoWait({ id: 3 });
            await ref.output;
            const id = await ref.getWorkflowRunId();
            assert.strictEqual(await client.runs.get_status(id), 'COMPLETED');
            await until(async () => (await client.logs.list(id)).rows.length === 1);
            await client.schedules.create('hear', { triggerAt: new Date(), input: { id: 4 } });
            await until(() => seen.length === 4);
            /* HTTP without the client's certificate */
            await assert.rejects(fetch(`${server.url()}/live`), TypeError);
        }, { security: 'mtls' });
    });

    test('a client without a certificate, or with one of another authority, is refused', limit, async () => {
        const server = await new Server({ security: 'mtls' }).start();
        const { ca_file } = server.security.tls;
        const foreign = new Certificates();
        await assertRefused(server, { tls_strategy: 'tls', ca_file, server_name: 'localhost' });
        await assertRefused(server, {
            tls_strategy: 'mtls', ca_file, server_name: 'localhost',
            cert_file: foreign.client.certificate, key_file: foreign.client.key,
        });
        await assertRefused(server, { tls_strategy: 'none' });
        await server.stop();
    });

    test('a server of another authority is not spoken to', limit, async () => {
        const server = await new Server({ security: 'tls' }).start();
        await assertRefused(server, {
            tls_strategy: 'tls', ca_file: new Certificates().authority.certificate, server_name: 'localhost',
        });
        await server.stop();
    });
});
