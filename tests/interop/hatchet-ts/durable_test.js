'use strict';
// Durable tasks of the TypeScript SDK: what they wait for, what they remember, and where they are meanwhile.

const assert = require('node:assert');
const test = require('node:test');
const { Or, SleepCondition, UserEventCondition } = require('@hatchet-dev/typescript-sdk/v1');
const { Server, startWorker, suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };
const evictionPolicy = { ttl: '1s', allowCapacityEviction: true, priority: 0 };

// Counts what is called, by name.
class Counts {
    add(name) {
        this[name] = (this[name] ?? 0) + 1;
    }
}

// The only task of the only run that `client` began.
async function taskOf(client, id) {
    return (await client.runs.get(id)).tasks[0];
}

function isEvicted(client, id) {
    return async () => (await taskOf(client, id)).isEvicted;
}

// An event is for those who wait by then: push() again and again until all of it is over. Gives the outputs.
async function pushUntilOver(push, ...outputs) {
    let isOver = false;
    const all = Promise.all(outputs).finally(() => { isOver = true; });
    await until(async () => {
        if (!isOver) {
            await push();
        }
        return isOver;
    });
    return all;
}

async function start(task, input = {}) {
    const ref = await task.runNoWait(input);
    return { id: await ref.getWorkflowRunId(), output: ref.output };
}

// What a rejection says, in any of the forms that the SDK has for it.
function says(part) {
    return (error) => `${error?.message}${JSON.stringify(error)}${error}`.includes(part);
}

suite('durable tasks', () => {
    test.describe('waiting', () => {
        test('a sleep takes its time, without holding an ordinary slot', limit, async () => {
            await withWorker((client) => ({
                sleep: client.durableTask({
                    name: 'sleep', executionTimeout: '1m',
                    fn: async (input, ctx) => {
                        const from = Date.now();
                        const { durationMs } = await ctx.sleepFor('1s');
                        return { durationMs, took: Date.now() - from, invocation: ctx.invocationCount };
                    },
                }),
                quick: client.task({ name: 'quick', fn: async () => ({ isQuick: true }) }),
            }), async ({ client, tasks }) => {
                const { id, output } = await start(tasks.sleep);
                assert.deepStrictEqual(await tasks.quick.run({}), { isQuick: true });
                const { durationMs, took, invocation } = await output;
                assert.strictEqual(durationMs, 1000);
                assert.ok(took >= 950 && took < 60000, `${took} ms`);
                assert.strictEqual(invocation, 1);
                const task = await taskOf(client, id);
                assert.strictEqual(task.isDurable, true);
                assert.strictEqual(task.isEvicted, false);
            }, { slots: 1 });
        });

        test('an event is awaited by its key and an expression', limit, async () => {
            await withWorker((client) => ({
                wait: client.durableTask({
                    name: 'wait', executionTimeout: '1m',
                    fn: async (input, ctx) => ctx.waitForEvent('order:paid', 'input.amount > 100'),
                }),
            }), async ({ client, tasks }) => {
                const { output } = await start(tasks.wait);
                const [paid] = await pushUntilOver(async () => {
                    await client.events.push('order:lost', { amount: 500 });
                    await client.events.push('order:paid', { amount: 50 });
                    await client.events.push('order:paid', { amount: 200, by: 'Ada' });
                }, output);
                assert.deepStrictEqual(paid, { amount: 200, by: 'Ada' });
            });
        });

        test('an event of the past counts when it is looked back for, of its scope', limit, async () => {
            await withWorker((client) => ({
                look: client.durableTask({
                    name: 'look', executionTimeout: '1m',
                    fn: async (input, ctx) => ctx.waitForEvent('seen', undefined, undefined, 'mine', '1m'),
                }),
            }), async ({ client, tasks }) => {
                await client.events.push('seen', { n: 1 }, { scope: 'mine' });
                await client.events.push('seen', { n: 2 }, { scope: 'other' });
                assert.deepStrictEqual(await (await start(tasks.look)).output, { n: 1 });
            });
        });

        test('of alternatives the first counts, and of several groups each', limit, async () => {
            await withWorker((client) => {
                const nap = (time) => new SleepCondition(time, 'nap');
                const word = (key) => new UserEventCondition(key, '', 'word');
                const make = (name, conditions) => client.durableTask({
                    name, executionTimeout: '1m',
                    fn: async (input, ctx) => (await ctx.waitFor(conditions)).CREATE,
                });
                return {
                    sleeps: make('sleeps', Or(nap('1s'), word('never'))),
                    hears: make('hears', Or(nap('50s'), word('go'))),
                    both: make('both', [nap('1s'), word('go')]),
                };
            }, async ({ client, tasks }) => {
                const all = [tasks.sleeps, tasks.hears, tasks.both];
                const [sleeps, hears, both] = await Promise.all(all.map((task) => start(task)));
                await pushUntilOver(async () => { await client.events.push('go', { n: 3 }); }, hears.output, both.output);
                assert.deepStrictEqual(await hears.output, { word: [{ n: 3 }] });
                assert.deepStrictEqual(await sleeps.output, { nap: [{ sleep_duration: '1s' }] });
                assert.deepStrictEqual(await both.output, { nap: [{ sleep_duration: '1s' }], word: [{ n: 3 }] });
            });
        });

        test('waits that run together end in the order of what happens', limit, async () => {
            await withWorker((client) => ({
                together: client.durableTask({
                    name: 'together', executionTimeout: '1m',
                    fn: async (input, ctx) => {
                        const order = [];
                        await Promise.all(['4s', '1s'].map(async (time) => {
                            await ctx.sleepFor(time);
                            order.push(time);
                        }));
                        return { order };
                    },
                }),
            }), async ({ tasks }) => {
                assert.deepStrictEqual((await tasks.together.run({})).order, ['1s', '4s']);
            });
        });

        test('a run that waits is cancelled', limit, async () => {
            let aborted = false;
            await withWorker((client) => ({
                wait: client.durableTask({
                    name: 'wait', executionTimeout: '1m',
                    fn: async (input, ctx) => {
                        ctx.abortController.signal.addEventListener('abort', () => { aborted = true; });
                        await ctx.sleepFor('50s');
                        return {};
                    },
                }),
            }), async ({ client, tasks }) => {
                const { id } = await start(tasks.wait);
                await until(async () => (await taskOf(client, id)).status === 'RUNNING');
                await client.runs.cancel({ ids: [id] });
                await until(() => aborted);
                assert.strictEqual(await client.runs.get_status(id), 'CANCELLED');
            });
        });
    });

    test.describe('children', () => {
        test('children are spawned and awaited, in both ways', limit, async () => {
            await withWorker((client) => {
                const child = client.task({ name: 'child', fn: async ({ n }) => ({ square: n * n }) });
                return {
                    child,
                    parent: client.durableTask({
                        name: 'parent', executionTimeout: '1m',
                        fn: async (input, ctx) => {
                            const one = await ctx.spawnChild(child, { n: 2 });
                            const many = await ctx.spawnChildren([3, 4, 5].map((n) => (
                                { workflow: child, input: { n } })));
                            const byRun = await child.run({ n: 6 });
                            return { squares: [one, ...many, byRun].map(({ square }) => square) };
                        },
                    }),
                };
            }, async ({ client, tasks }) => {
                const { id, output } = await start(tasks.parent);
                assert.deepStrictEqual((await output).squares, [4, 9, 16, 25, 36]);
                const { rows } = await client.runs.list({ onlyTasks: true, parentTaskExternalId: id });
                assert.strictEqual(rows.length, 5);
            });
        });

        test('a child that fails fails for whoever awaits it', limit, async () => {
            await withWorker((client) => {
                const child = client.task({ name: 'child', fn: async () => { throw new Error('no such stone'); } });
                return {
                    child,
                    parent: client.durableTask({
                        name: 'parent', executionTimeout: '1m',
                        fn: async (input, ctx) => {
                            try {
                                await ctx.spawnChild(child, {});
                            } catch (error) {
                                return { caught: String(error) };
                            }
                            return {};
                        },
                    }),
                };
            }, async ({ tasks }) => {
                assert.match((await tasks.parent.run({})).caught, /no such stone/);
            });
        });

        test('a child that nobody has declared is an error at once', limit, async () => {
            await withWorker((client) => ({
                parent: client.durableTask({
                    name: 'parent', executionTimeout: '1m',
                    fn: async (input, ctx) => {
                        try {
                            await ctx.spawnChild('nobody', {});
                        } catch (error) {
                            return { caught: String(error) };
                        }
                        return {};
                    },
                }),
            }), async ({ tasks }) => {
                assert.match((await tasks.parent.run({})).caught, /nobody/);
            });
        });
    });

    test.describe('replay', () => {
        test('a retry finds what was done, and does not do it again', limit, async () => {
            const counts = new Counts();
            const times = [];
            await withWorker((client) => {
                const child = client.task({ name: 'child', fn: async () => { counts.add('child'); return { n: 1 }; } });
                return {
                    child,
                    flaky: client.durableTask({
                        name: 'flaky', retries: 1, executionTimeout: '1m',
                        fn: async (input, ctx) => {
                            const from = Date.now();
                            const value = await ctx.memo(async () => {
                                counts.add('memo');
                                return { random: Math.random() };
                            }, ['dice']);
                            const now = await ctx.now();
                            await ctx.sleepFor('6s');
                            await ctx.spawnChild(child, {});
                            times.push({ took: Date.now() - from, value, now: now.toISOString() });
                            if (ctx.retryCount() === 0) {
                                throw new Error('the first attempt fails behind all of it');
                            }
                            return { invocation: ctx.invocationCount };
                        },
                    }),
                };
            }, async ({ tasks }) => {
                assert.deepStrictEqual(await tasks.flaky.run({}), { invocation: 2 });
                assert.deepStrictEqual({ ...counts }, { memo: 1, child: 1 });
                assert.deepStrictEqual(times[1].value, times[0].value);
                assert.strictEqual(times[1].now, times[0].now);
                assert.ok(times[0].took >= 5950, `${times[0].took} ms`);
            });
        });

        test('another order of calls is found', limit, async () => {
            await withWorker((client) => ({
                changing: client.durableTask({
                    name: 'changing', retries: 1, executionTimeout: '1m',
                    fn: async (input, ctx) => {
                        if (ctx.retryCount() === 0) {
                            await ctx.sleepFor('1s');
                            throw new Error('once more');
                        }
                        await ctx.memo(async () => ({}), ['other']);
                        return {};
                    },
                }),
            }), async ({ tasks }) => {
                await assert.rejects(tasks.changing.run({}), says('have changed at node'));
            });
        });

        test('a run goes on from one of its nodes, on a branch of its own', limit, async () => {
            const counts = new Counts();
            await withWorker((client) => ({
                steps: client.durableTask({
                    name: 'steps', executionTimeout: '1m',
                    fn: async (input, ctx) => {
                        const values = [];
                        for (const name of ['a', 'b', 'c']) {
                            values.push(await ctx.memo(async () => {
                                counts.add(name);
                                return `${name}${counts[name]}`;
                            }, [name]));
                        }
                        return { values };
                    },
                }),
            }), async ({ client, tasks }) => {
                const { id, output } = await start(tasks.steps);
                assert.deepStrictEqual((await output).values, ['a1', 'b1', 'c1']);
                const { data } = await client.runs.branchDurableTask(id, 2);
                assert.strictEqual(data.taskExternalId, id);
                assert.strictEqual(data.nodeId, 2);
                assert.strictEqual(data.branchId, 2);
                const { steps } = await client.runs.runRef(id).output;
                assert.deepStrictEqual(steps.values, ['a1', 'b2', 'c2']);
            });
        });
    });

    test.describe('eviction', () => {
        test('a run that waits long is nowhere, and comes back', limit, async () => {
            const counts = new Counts();
            await withWorker((client) => ({
                long: client.durableTask({
                    name: 'long', executionTimeout: '1m', evictionPolicy,
                    fn: async (input, ctx) => {
                        const value = await ctx.memo(async () => { counts.add('memo'); return { n: 7 }; }, ['n']);
                        const word = await ctx.waitForEvent('wake:up', 'true');
                        return { value, word, invocation: ctx.invocationCount };
                    },
                }),
            }), async ({ client, tasks }) => {
                const { id, output } = await start(tasks.long);
                await until(isEvicted(client, id));
                assert.strictEqual(await client.runs.get_status(id), 'RUNNING');
                const listed = await client.runs.list({ onlyTasks: true, statuses: ['RUNNING'] });
                assert.deepStrictEqual(listed.rows.map((row) => [row.metadata.id, row.isEvicted]), [[id, true]]);
                const since = new Date(Date.now() - 60000).toISOString();
                const { data } = await client.api.v1TaskListStatusMetrics(client.tenantId, { since });
                assert.deepStrictEqual(data.find(({ status }) => status === 'RUNNING'),
                    { status: 'RUNNING', count: 1, runningDetailCount: { evicted: 1, onWorker: 0 } });
                await client.events.push('wake:up', { by: 'an event' });
                assert.deepStrictEqual(await output, { value: { n: 7 }, word: { by: 'an event' }, invocation: 2 });
                assert.deepStrictEqual({ ...counts }, { memo: 1 });
            });
        });

        test('a sleep goes on while its run is evicted', limit, async () => {
            await withWorker((client) => ({
                long: client.durableTask({
                    name: 'long', executionTimeout: '1m', evictionPolicy,
                    fn: async (input, ctx) => {
                        const from = await ctx.now();
                        await ctx.sleepFor('8s');
                        return { took: Date.now() - from.getTime(), invocation: ctx.invocationCount };
                    },
                }),
            }), async ({ client, tasks }) => {
                const { id, output } = await start(tasks.long);
                await until(isEvicted(client, id));
                const { took, invocation } = await output;
                assert.strictEqual(invocation, 2);
                assert.ok(took >= 7950 && took < 60000, `${took} ms`);
            });
        });

        test('it is restored when it is asked for, and waits again', limit, async () => {
            const invocations = [];
            await withWorker((client) => ({
                long: client.durableTask({
                    name: 'long', executionTimeout: '1m', evictionPolicy,
                    fn: async (input, ctx) => {
                        invocations.push(ctx.invocationCount);
                        return ctx.waitForEvent('wake:up');
                    },
                }),
            }), async ({ client, tasks }) => {
                const { id, output } = await start(tasks.long);
                await until(isEvicted(client, id));
                const { data } = await client.runs.restoreTask(id);
                assert.deepStrictEqual(data, { requeued: true });
                await until(() => invocations.length === 2);
                await until(isEvicted(client, id));
                await client.events.push('wake:up', { n: 1 });
                assert.deepStrictEqual(await output, { n: 1 });
                assert.deepStrictEqual(invocations, [1, 2, 3]);
            });
        });

        test('children end while their parent is evicted', limit, async () => {
            let release;
            const released = new Promise((done) => { release = done; });
            await withWorker((client) => {
                const child = client.task({ name: 'child', executionTimeout: '2m', fn: async ({ n }) => released.then(() => ({ n })) });
                return {
                    child,
                    parent: client.durableTask({
                        name: 'parent', executionTimeout: '1m', evictionPolicy,
                        fn: async (input, ctx) => {
                            const results = await ctx.spawnChildren([1, 2].map((n) => ({ workflow: child, input: { n } })));
                            return { waited: results.map(({ n }) => n), invocation: ctx.invocationCount };
                        },
                    }),
                };
            }, async ({ client, tasks }) => {
                const { id, output } = await start(tasks.parent);
                await until(isEvicted(client, id));
                release();
                const { waited, invocation } = await output;
                assert.deepStrictEqual(waited, [1, 2]);
                assert.ok(invocation >= 2);
                const { rows } = await client.runs.list({ onlyTasks: true, parentTaskExternalId: id });
                assert.strictEqual(rows.length, 2);
            });
        });

        test('a run that is evicted is cancelled', limit, async () => {
            await withWorker((client) => ({
                long: client.durableTask({
                    name: 'long', executionTimeout: '1m', evictionPolicy,
                    fn: async (input, ctx) => ctx.waitForEvent('never'),
                }),
            }), async ({ client, tasks }) => {
                const { id } = await start(tasks.long);
                await until(isEvicted(client, id));
                await client.runs.cancel({ ids: [id] });
                await until(async () => (await client.runs.get_status(id)) === 'CANCELLED');
            });
        });
    });

    test.describe('restarts', () => {
        const waiting = new Set();

        // What it asked for is answered two seconds later: an answer that the SDK still waits for is lost with its
        // stream, and the SDK rejects a promise that nobody holds.
        const untilItWaits = async (id) => {
            await until(() => waiting.has(id));
            await new Promise((done) => setTimeout(done, 2000));
        };

        const makeLong = (client, more = {}) => client.durableTask({
            name: 'long', executionTimeout: '1m', ...more,
            fn: async (input, ctx) => {
                await ctx.sleepFor('1s');
                waiting.add(ctx.workflowRunId());
                const word = await ctx.waitForEvent('wake:up');
                return { word, invocation: ctx.invocationCount };
            },
        });

        test('the server is killed while a run waits with its worker', limit, async () => {
            const server = await new Server().start();
            const client = server.client();
            const task = makeLong(client);
            await startWorker(client, 'worker', { task });
            const { id, output } = await start(task);
            await untilItWaits(id);
            await server.stop('SIGKILL');
            await server.start();
            // Who waits tells again what it waits for, once its stream is there again; the event is not to be before.
            const timer = setInterval(() => client.events.push('wake:up', { n: 1 }).catch(() => {}), 1000);
            const { word } = await output;
            clearInterval(timer);
            assert.deepStrictEqual(word, { n: 1 });
            await server.stop();
        });

        test('the server is killed while a run is evicted', limit, async () => {
            const server = await new Server().start();
            const client = server.client();
            const task = makeLong(client, { evictionPolicy });
            await startWorker(client, 'worker', { task });
            const { id, output } = await start(task);
            await until(async () => (await taskOf(client, id)).isEvicted);
            await server.stop('SIGKILL');
            await server.start();
            const timer = setInterval(() => client.events.push('wake:up', { n: 1 }).catch(() => {}), 1000);
            const { word, invocation } = await output;
            clearInterval(timer);
            assert.deepStrictEqual(word, { n: 1 });
            assert.ok(invocation >= 2);
            await server.stop();
        });

        test('a worker that stops evicts what waits, and the next one goes on with it', limit, async () => {
            const server = await new Server().start();
            const client = server.client();
            const task = makeLong(client);
            const first = await startWorker(client, 'first', { task });
            const { id, output } = await start(task);
            await untilItWaits(id);
            await first.stop();
            await until(async () => (await taskOf(client, id)).isEvicted);
            const other = server.client();
            const second = await startWorker(other, 'second', { task: makeLong(other) });
            const timer = setInterval(() => client.events.push('wake:up', { n: 1 }).catch(() => {}), 500);
            const { word, invocation } = await output;
            clearInterval(timer);
            assert.deepStrictEqual(word, { n: 1 });
            assert.strictEqual(invocation, 2);
            await second.stop();
            await server.stop();
        });
    });

    test.describe('hooks', () => {
        test('code outside resumes a run by its token', limit, async () => {
            const token = `approval-${Math.random()}`;
            let isMade = false;
            await withWorker((client) => ({
                order: client.durableTask({
                    name: 'order', executionTimeout: '1m', evictionPolicy,
                    fn: async (input, ctx) => {
                        const made = await fetch(`${input.url}/hooks/${token}`, {
                            method: 'PUT', headers: { authorization: `Bearer ${input.token}` },
                            body: JSON.stringify(
                                { run_id: ctx.workflowRunId(), invocation_count: ctx.invocationCount }),
                        });
                        assert.strictEqual(made.status, 200);
                        isMade = true;
                        return ctx.waitForEvent(`cleat:hook:${token}`);
                    },
                }),
            }), async ({ server, client, tasks }) => {
                const { id, output } = await start(tasks.order, { url: server.url(), token: server.token() });
                await until(() => isMade);
                await assert.rejects(client.events.push(`cleat:hook:${token}`, {}));
                const post = (name, body) => fetch(`${server.url()}/hooks/${name}`, { method: 'POST', body });
                assert.strictEqual((await post('another', '{}')).status, 404);
                assert.strictEqual((await post(token, '{')).status, 400);
                await until(isEvicted(client, id));
                const resumed = await post(token, '{"approved":true}');
                assert.strictEqual(resumed.status, 200);
                assert.deepStrictEqual(await resumed.json(), { run_id: id });
                assert.deepStrictEqual(await output, { approved: true });
                assert.strictEqual((await post(token, '{}')).status, 409);
            });
        });
    });
});
