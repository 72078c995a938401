'use strict';
// Workers and the server go away and come back in the middle of work: nothing is lost.

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

    test('two workers share a thousand tasks', limit, async () => {
        const server = await new Server().start();
        const done = { a: new Set(), b: new Set() };
        const workers = [];
        let run;
        for (const name of ['a', 'b']) {
            const client = server.client();
            const task = client.task({
                name: 'shared', fn: async ({ n }) => { done[name].add(n); return { n }; },
            });
            const worker = await client.worker(name, { workflows: [task], slots: 20 });
            workers.push({ worker, over: worker.start() });
            await worker.waitUntilReady();
            run = (inputs) => task.run(inputs);
        }
        const results = await run(Array.from({ length: 1000 }, (_, n) => ({ n })));
        assert.strictEqual(results.length, 1000);
        assert.strictEqual(done.a.size + done.b.size, 1000);
        assert.ok(done.a.size > 100 && done.b.size > 100, `${done.a.size} and ${done.b.size}`);
        for (const { worker, over } of workers) {
            await worker.stop();
            await over;
        }
        await server.stop();
    });
});
