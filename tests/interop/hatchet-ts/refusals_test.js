'use strict';
// What the engine does not have yet is refused by name, and nothing of it is done by halves. The SDK declares eight
// times before it says so.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite } = require('./lib/server');

const limit = { timeout: 300000 };
const fn = async () => ({});

// [the name that the refusal has, what makes such a workflow]
const features = {
    batch: (client, name) => client.batchTask({ name, batch: { maxSize: 2 }, fn }),
};

suite('what is not there yet', () => {
    test('declarations are refused by the name of what they need', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        await Promise.all(Object.entries(features).map(async ([feature, make], index) => {
            const name = `needy-${index}`;
            await assert.rejects(client.worker('worker', { workflows: [make(client, name)] }),
                (error) => error.message.includes(`workflow "${name}" needs features that are not supported yet: ${feature}`) ||
                    assert.fail(`${feature}: ${error.message}`));
        }));
        assert.deepStrictEqual((await client.workflows.list()).rows, []);
        await server.stop();
    });

    test('calls over HTTP too', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        const refused = async (call, name) => assert.rejects(call, (error) => {
            const text = error.response !== undefined ? `${error.response.status} ${JSON.stringify(error.response.data)}` : error.message;
            return (text.includes('not supported yet') && text.includes(name)) || assert.fail(text);
        });
        await refused(client.webhooks.list({}), 'webhooks');
        await server.stop();
    });
});
