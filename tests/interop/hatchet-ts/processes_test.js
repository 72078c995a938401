'use strict';
// Workers that are processes of their own.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until } = require('./lib/server');
const { startWorkerProcess } = require('./lib/worker_process');

const limit = { timeout: 300000 };

suite('worker processes', () => {
    test('two share a thousand tasks, each of which runs once', limit, async () => {
        const server = await new Server().start();
        const workers = await Promise.all(['a', 'b'].map((name) => startWorkerProcess(server, name, { slots: 20 })));
        const refs = await server.client().admin.runWorkflows(
            Array.from({ length: 1000 }, (_, n) => ({ workflowName: 'shared', input: { n } })));
        const results = await Promise.all(refs.map((ref) => ref.output));
        const did = () => workers.map((worker) => worker.all('did'));
        await until(() => did().flat().length >= 1000); // what a process tells comes beside its results
        const done = did();
        assert.deepStrictEqual(results.map(({ shared }) => shared.n), Array.from({ length: 1000 }, (_, n) => n));
        assert.deepStrictEqual(done.flat().sort((a, b) => a - b), Array.from({ length: 1000 }, (_, n) => n));
        assert.ok(done.every(({ length }) => length > 0), `${done.map(({ length }) => length)}`);
        assert.deepStrictEqual(await Promise.all(workers.map((worker) => worker.end('SIGTERM'))),
            [{ code: 0, signal: null }, { code: 0, signal: null }]);
        await server.stop();
    });

    test('a worker that is told to end finishes what it has and takes nothing more', limit, async () => {
        const server = await new Server().start();
        const client = server.client();
        const leaving = await startWorkerProcess(server, 'leaving');
        const ref = await client.runNoWait('patient', {}, {});
        await until(() => leaving.all('started').length === 1);
        leaving.child.kill('SIGTERM');
        const staying = await startWorkerProcess(server, 'staying');
        let inRow = 0; /* workers take turns, so it has left when only the other one is used */
        await until(async () => {
            const { by } = (await client.run('shared', { n: 1 })).shared;
            inRow = by === 'staying' ? inRow + 1 : 0;
            return inRow === 10;
        });
        leaving.open();
        assert.deepStrictEqual((await ref.output).patient, { by: 'leaving', retryCount: 0 });
        assert.deepStrictEqual(await leaving.ended, { code: 0, signal: null });
        await staying.end('SIGTERM');
        await server.stop();
    });
});
