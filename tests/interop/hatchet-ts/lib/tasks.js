'use strict';
// Tasks of the TypeScript SDK on cleat serve, without a changed line: what holds with TLS and without.

const assert = require('node:assert');
const test = require('node:test');
const { NonRetryableError } = require('@hatchet-dev/typescript-sdk/v1');
const { until, withWorker } = require('./server');

const limit = { timeout: 300000 };

function defineTasks(security) {
    const withTasks = (makeTasks, check, options = {}) => withWorker(makeTasks, check, { security, ...options });

    test('a task is run and its output awaited', limit, async () => {
        await withTasks((client) => ({
            greet: client.task({ name: 'Greet', fn: async (input) => ({ text: `hello ${input.name}` }) }),
        }), async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.greet.run({ name: 'Ada' }), { text: 'hello Ada' });
        });
    });

    test('a run that nobody awaits is finished and can be asked for', limit, async () => {
        await withTasks((client) => ({
            add: client.task({ name: 'add', fn: async ({ a, b }) => ({ sum: a + b }) }),
        }), async ({ client, tasks }) => {
            const ref = await tasks.add.runNoWait({ a: 1, b: 2 });
            const id = await ref.getWorkflowRunId();
            assert.deepStrictEqual(await ref.output, { sum: 3 });
            assert.strictEqual(await client.runs.get_status(id), 'COMPLETED');
            const details = await client.runs.get(id);
            assert.strictEqual(details.run.metadata.id, id);
            assert.strictEqual(details.tasks.length, 1);
        });
    });

    test('many runs in one call keep their order', limit, async () => {
        await withTasks((client) => ({
            square: client.task({ name: 'square', fn: async ({ n }) => ({ n2: n * n }) }),
        }), async ({ tasks }) => {
            const inputs = Array.from({ length: 100 }, (_, n) => ({ n }));
            const results = await tasks.square.run(inputs);
            assert.deepStrictEqual(results.map(({ n2 }) => n2), inputs.map(({ n }) => n * n));
        });
    });

    test('children are spawned, awaited, and not spawned twice', limit, async () => {
        let spawned = 0;
        await withTasks((client) => {
            const child = client.task({ name: 'child', fn: async ({ n }) => { spawned++; return { n }; } });
            const parent = client.task({
                name: 'parent', retries: 1,
                fn: async (input, ctx) => {
                    const results = await ctx.bulkRunChildren([0, 1, 2].map((n) => ({ workflow: child, input: { n } })));
                    if (ctx.retryCount() === 0) {
                        throw new Error('the first attempt fails behind its children');
                    }
                    return { sum: results.reduce((sum, { n }) => sum + n, 0) };
                },
            });
            return { child, parent };
        }, async ({ tasks }) => {
            assert.deepStrictEqual(await tasks.parent.run({}), { sum: 3 });
            assert.strictEqual(spawned, 3);
        });
    });

    test('a failure is retried after the back-off, and then told', limit, async () => {
        const attempts = [];
        await withTasks((client) => ({
            flaky: client.task({
                name: 'flaky', retries: 2, backoff: { factor: 1, maxSeconds: 1 },
                fn: async (input, ctx) => {
                    attempts.push({ count: ctx.retryCount(), at: Date.now() });
                    throw new Error(`attempt ${ctx.retryCount()}`);
                },
            }),
        }), async ({ tasks }) => {
            await assert.rejects(tasks.flaky.run({}), (error) => JSON.stringify(error).includes('attempt 2') ||
                String(error).includes('attempt 2'));
            assert.deepStrictEqual(attempts.map(({ count }) => count), [0, 1, 2]);
            assert.ok(attempts[1].at - attempts[0].at >= 950, 'the first back-off is a second');
        });
    });

    test('what is not to be retried is not', limit, async () => {
        let attempts = 0;
        await withTasks((client) => ({
            never: client.task({
                name: 'never', retries: 5,
                fn: async () => { attempts++; throw new NonRetryableError('no use'); },
            }),
        }), async ({ tasks }) => {
            await assert.rejects(tasks.never.run({}));
            assert.strictEqual(attempts, 1);
        });
    });

    test('an attempt that takes too long is told so and fails', limit, async () => {
        let aborted = false;
        await withTasks((client) => ({
            slow: client.task({
                name: 'slow', executionTimeout: '1s',
                fn: async (input, ctx) => new Promise((done) => {
                    ctx.abortController.signal.addEventListener('abort', () => { aborted = true; done({}); });
                }),
            }),
        }), async ({ tasks }) => {
            await assert.rejects(tasks.slow.run({}), (error) => /exceeded timeout/.test(String(error) + JSON.stringify(error)));
            await until(() => aborted);
        });
    });

    test('a run is cancelled', limit, async () => {
        let aborted = false;
        let started = false;
        await withTasks((client) => ({
            endless: client.task({
                name: 'endless', executionTimeout: '10m',
                fn: async (input, ctx) => new Promise((done) => {
                    started = true;
                    ctx.abortController.signal.addEventListener('abort', () => { aborted = true; done({}); });
                }),
            }),
        }), async ({ client, tasks }) => {
            const ref = await tasks.endless.runNoWait({});
            await until(() => started);
            await client.runs.cancel({ ids: [await ref.getWorkflowRunId()] });
            await until(() => aborted);
            assert.strictEqual(await client.runs.get_status(await ref.getWorkflowRunId()), 'CANCELLED');
        });
    });

    test('log lines are kept with the run', limit, async () => {
        await withTasks((client) => ({
            chatty: client.task({
                name: 'chatty', fn: async (input, ctx) => { await ctx.logger.info('a line'); return {}; },
            }),
        }), async ({ server, tasks }) => {
            const ref = await tasks.chatty.runNoWait({});
            await ref.output;
            const id = await ref.getWorkflowRunId();
            await until(() => server.cli('runs', 'show', id).includes('a line'));
        });
    });

    test('names of two namespaces do not meet', limit, async () => {
        await withTasks((client) => ({
            who: client.task({ name: 'who', fn: async () => ({ namespace: 'one' }) }),
        }), async ({ server, tasks }) => {
            assert.deepStrictEqual(await tasks.who.run({}), { namespace: 'one' });
            await assert.rejects(server.client({ namespace: 'two', retrier: { maxAttempts: 1 } }).run('who', {}));
        }, { config: { namespace: 'one' } });
    });
}

module.exports = { defineTasks };
