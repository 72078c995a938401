'use strict';
// Programs with namespaces have tasks and events of their own.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until } = require('./lib/server');
const { startWorkerProcess } = require('./lib/worker_process');

const limit = { timeout: 300000 };

suite('namespaces', () => {
    test('two programs with namespaces do not meet', limit, async () => {
        const server = await new Server().start();
        const one = await startWorkerProcess(server, 'one', { namespace: 'First' });
        const two = await startWorkerProcess(server, 'two', { namespace: 'second' });
        const clients = ['First', 'second'].map((namespace) => server.client({ namespace }));
        const by = async (client) => Object.values(await client.run('shared', { n: 1 }))[0].by;
        assert.deepStrictEqual(await Promise.all([...clients, ...clients].map(by)), ['one', 'two', 'one', 'two']);
        await clients[0].events.push('order:paid', { of: 'first' });
        await clients[1].events.push('order:paid', { of: 'second' });
        await server.client().events.push('order:paid', { of: 'nobody' });
        await server.client().events.push('second_order:paid', { of: 'second, in full' });
        await until(() => one.all('heard').length === 1 && two.all('heard').length === 2);
        assert.deepStrictEqual(one.all('heard'), [{ of: 'first' }]);
        assert.deepStrictEqual(two.all('heard'), [{ of: 'second' }, { of: 'second, in full' }]);
        await Promise.all([one, two].map((worker) => worker.end('SIGTERM')));
        await server.stop();
    });
});
