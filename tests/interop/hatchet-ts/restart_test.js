'use strict';
// The server goes away and comes back in the middle of work: nothing is lost.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until } = require('./lib/server');

const limit = { timeout: 120000 };

suite('restarts', () => {
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
