'use strict';
// Webhooks: made by the SDK, sent to by others, and what that starts.

const assert = require('node:assert');
const crypto = require('node:crypto');
const test = require('node:test');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

// A task that remembers what it was given.
function hearing(seen, key) {
    return (client) => ({
        hear: client.task({
            name: 'hear', onEvents: [key],
            fn: async (input, ctx) => { seen.push({ input, key: ctx.triggeringEventKey() }); return {}; },
        }),
    });
}

async function send(server, client, name, headers, body) {
    const answer = await fetch(`${server.url()}/api/v1/stable/tenants/${client.tenantId}/webhooks/${name}`,
        { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body });
    return { status: answer.status, body: await answer.json() };
}

function basic(user, password) {
    return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

const refused = (status) => (error) => error.response?.status === status || assert.fail(String(error));

suite('webhooks', () => {
    test('they are made, looked at, changed and deleted', limit, async () => {
        await withWorker(hearing([], 'any'), async ({ client }) => {
            const made = await client.webhooks.create({
                name: 'mine', sourceName: 'GENERIC', eventKeyExpression: "'a'",
                auth: { username: 'ada', password: 'secret' },
            });
            assert.strictEqual(made.name, 'mine');
            assert.strictEqual(made.authType, 'BASIC');
            assert.strictEqual(made.tenantId, client.tenantId);
            assert.ok(!JSON.stringify(made).includes('secret'));
            assert.deepStrictEqual(await client.webhooks.get('mine'), made);
            await client.webhooks.create({
                name: 'theirs', sourceName: 'GITHUB', eventKeyExpression: "'b'",
                auth: { headerName: 'x-key', apiKey: 'secret' },
            });
            const names = async (options) => (await client.webhooks.list(options)).rows.map(({ name }) => name);
            assert.deepStrictEqual(await names({}), ['theirs', 'mine']);
            assert.deepStrictEqual(await names({ sourceNames: ['GITHUB'] }), ['theirs']);
            assert.deepStrictEqual(await names({ webhookNames: ['mine'] }), ['mine']);
            assert.deepStrictEqual(await names({ limit: 1, offset: 1 }), ['mine']);
            const changed = await client.webhooks.update('mine', {
                scopeExpression: 'input.team', staticPayload: { from: 'me' },
            });
            assert.deepStrictEqual({ ...changed, metadata: null }, {
                ...made, scopeExpression: 'input.team', staticPayload: { from: 'me' }, metadata: null,
            });
            await assert.rejects(client.webhooks.update('mine', { eventKeyExpression: 'input.' }), refused(400));
            assert.strictEqual((await client.webhooks.delete('mine')).name, 'mine');
            await assert.rejects(client.webhooks.get('mine'), refused(404));
            assert.deepStrictEqual(await names({}), ['theirs']);
        });
    });

    test('what is sent starts runs, when it shows who it is from', limit, async () => {
        const seen = [];
        await withWorker(hearing(seen, 'shop:*'), async ({ client, server }) => {
            const common = {
                sourceName: 'GENERIC', eventKeyExpression: "'shop:' + input.type", staticPayload: { from: 'shop' },
            };
            await client.webhooks.create({ ...common, name: 'basic', auth: { username: 'ada', password: 'secret' } });
            await client.webhooks.create({ ...common, name: 'key', auth: { headerName: 'X-Key', apiKey: 'secret' } });
            const body = JSON.stringify({ type: 'paid', n: 1 });
            assert.strictEqual((await send(server, client, 'basic', basic('ada', 'wrong'), body)).status, 403);
            assert.strictEqual((await send(server, client, 'basic', {}, body)).status, 403);
            assert.strictEqual((await send(server, client, 'key', { 'X-Key': 'wrong' }, body)).status, 403);
            assert.strictEqual((await send(server, client, 'none', basic('ada', 'secret'), body)).status, 404);
            assert.strictEqual((await send(server, client, 'basic', basic('ada', 'secret'), '{}')).status, 400);
            assert.deepStrictEqual(await send(server, client, 'basic', basic('ada', 'secret'), body),
                { status: 200, body: { message: 'ok' } });
            assert.strictEqual((await send(server, client, 'key', { 'x-key': 'secret' }, body)).status, 200);
            await until(() => seen.length === 2);
            assert.deepStrictEqual(seen[0], { input: { type: 'paid', n: 1, from: 'shop' }, key: 'shop:paid' });
        });
    });

    test('signatures of all algorithms and encodings pass', limit, async () => {
        const seen = [];
        await withWorker(hearing(seen, 'push:*'), async ({ client, server }) => {
            const body = JSON.stringify({ team: 'red' });
            const algorithms = ['SHA1', 'SHA256', 'SHA512', 'MD5'], encodings = ['HEX', 'BASE64', 'BASE64URL'];
            for (const algorithm of algorithms) {
                for (const encoding of encodings) {
                    const name = `${algorithm}-${encoding}`;
                    await client.webhooks.create({
                        name, sourceName: 'GITHUB', returnEventAsResponsePayload: true,
                        eventKeyExpression: "'push:' + headers['x-event']", scopeExpression: 'input.team',
                        auth: { algorithm, encoding, signatureHeaderName: 'X-Signature', signingSecret: 'secret' },
                    });
                    const sign = (secret) => ({
                        'X-Event': name,
                        'X-Signature': crypto.createHmac(algorithm, secret).update(body).digest(encoding.toLowerCase()),
                    });
                    assert.strictEqual((await send(server, client, name, sign('other'), body)).status, 403);
                    const { status, body: answer } = await send(server, client, name, sign('secret'), body);
                    assert.strictEqual(status, 200);
                    assert.strictEqual(answer.event.key, `push:${name}`);
                    assert.strictEqual(answer.event.scope, 'red');
                    assert.strictEqual(answer.event.triggeringWebhookName, name);
                }
            }
            await until(() => seen.length === 12);
        });
    });
});
