'use strict';
// A worker is killed in mid-task. What it held goes to another one when nothing was heard of it for 30 seconds,
// which this test waits for.

const assert = require('node:assert');
const test = require('node:test');
const { Server, suite, until } = require('./lib/server');
const { startWorkerProcess } = require('./lib/worker_process');

suite('a killed worker', () => {
    test('its task is started again on the next one, and is no failure', { timeout: 300000 }, async () => {
        const server = await new Server().start();
        const client = server.client();
        const killed = await startWorkerProcess(server, 'worker', { slots: 2 });
        const ref = await client.runNoWait('patient', {}, {});
        await until(() => killed.all('started').length === 1);
        assert.deepStrictEqual(await killed.end('SIGKILL'), { code: null, signal: 'SIGKILL' });
        const next = await startWorkerProcess(server, 'worker', { slots: 2 });
        next.open();
        assert.strictEqual((await client.run('shared', { n: 1 })).shared.by, 'worker');
        assert.deepStrictEqual((await ref.output).patient, { by: 'worker', retryCount: 1 });
        await until(() => next.all('started').length > 0);
        assert.deepStrictEqual(next.all('started'), [1]);
        const { taskEvents } = await client.runs.get(await ref.getWorkflowRunId());
        assert.ok(taskEvents.some(({ eventType }) => eventType === 'REASSIGNED'), JSON.stringify(taskEvents));
        assert.ok(!taskEvents.some(({ eventType }) => eventType === 'FAILED'));
        await next.end('SIGTERM');
        await server.stop();
    });
});
