'use strict';
// The server goes away and comes back in the middle of work: nothing is lost.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until } = require('./lib/server');

const limit = { timeout: 300000 };

suite('restarts', () => {
    test('the server is restarted in the middle of many runs', limit, async () => {
        const server = await new Server().start();
        const workers = [];
        const done = new Set();
        let client, task;
        for (const name of ['a', 'b']) {
            client = server.client();
            task = client.task({ name: 'shared', retries: 1, fn: async ({ n }) => { done.add(n); return { n }; } });
            const worker = await client.worker(name, { workflows: [task], slots: 5 });
            worker.start();
            await worker.waitUntilReady();
            workers.push(worker);
        }
        const inputs = Array.from({ length: 300 }, (_, n) => ({ n }));
        const results = task.run(inputs);
        await until(() => done.size > 50);
        assert.deepStrictEqual(await server.stop('SIGTERM'), { code: 0, signal: null });
        await server.start();
        assert.deepStrictEqual(await results, inputs);
        assert.strictEqual(done.size, 300);
        await server.stop();
    });

    test('the server is restarted in mid-task', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        let release;
        const released = new Promise((done) => { release = done; });
        let attempts = 0;
        const task = client.task({
            name: 'patient', executionTimeout: '10m',
            fn: async () => { attempts++; await released; return { attempts }; },
        });
        const worker = await client.worker('worker', { workflows: [task], slots: 2 });
        worker.start(); /* it ends with the process: stopped while it looks for its server, it never ends */
        await worker.waitUntilReady();
        const ref = await task.runNoWait({});
        const output = ref.output;
        await until(() => attempts === 1);
        await server.stop('SIGKILL');
        await server.start();
        release();
        assert.deepStrictEqual(await output, { attempts: 1 });
        await server.stop();
    });
});
