'use strict';
// What the engine does not have yet is refused by name, and nothing of it is done by halves.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite } = require('./lib/server');

const limit = { timeout: 300000 };
suite('what is not there yet', () => {
    test('calls over HTTP say so', limit, async () => {
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
