'use strict';
// How many runs of a task go on at once.

const assert = require('node:assert');
const test = require('node:test');
const { ConcurrencyLimitStrategy } = require('@hatchet-dev/typescript-sdk/v1');
const { RateLimitDuration } = require('@hatchet-dev/typescript-sdk/v1/client/features/ratelimits');
const { suite, until, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

// Tasks that run until they are let go, and what became of them.
class Crowd {
    constructor() {
        this.running = {};
        this.most = {};
        this.started = [];
        this.aborted = [];
        this.released = new Promise((done) => { this.release = done; });
    }

    task(client, name, options) {
        return client.task({
            name, ...options,
            fn: async ({ key, n }, ctx) => {
                this.started.push(n);
                this.running[key] = (this.running[key] ?? 0) + 1;
                this.most[key] = Math.max(this.most[key] ?? 0, this.running[key]);
                ctx.abortController.signal.addEventListener('abort', () => this.aborted.push(n));
                await Promise.race([this.released,
                    new Promise((done) => ctx.abortController.signal.addEventListener('abort', done))]);
                this.running[key]--;
                return { n };
            },
        });
    }
}

async function statusOf(client, ref) {
    return client.runs.get_status(await ref.getWorkflowRunId());
}

async function ends(client, ref, status) {
    await until(async () => await statusOf(client, ref) === status);
}

suite('limits', () => {
    test('keys share slots, and the others wait', limit, async () => {
        const crowd = new Crowd();
        await withWorker((client) => ({
            shared: crowd.task(client, 'shared', {
                concurrency: { expression: 'input.key', maxRuns: 2, limitStrategy: ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN },
            }),
        }), async ({ client, tasks }) => {
            const refs = [];
            for (let n = 0; n < 8; n++) {
                refs.push(await tasks.shared.runNoWait({ key: n < 6 ? 'many' : 'few', n }));
            }
            await until(() => crowd.started.length === 4);
            assert.strictEqual(await statusOf(client, refs[2]), 'QUEUED');
            const { queued, running } = (await client.metrics.getTaskStats()).shared;
            const rule = { expression: 'input.key', type: 'GROUP_ROUND_ROBIN' };
            assert.deepStrictEqual(queued.concurrency, [{ ...rule, keys: { many: 4 } }]);
            assert.deepStrictEqual(running.concurrency, [{ ...rule, keys: { few: 2, many: 2 } }]);
            crowd.release();
            const outputs = await Promise.all(refs.map((ref) => ref.output));
            assert.deepStrictEqual(outputs.map(({ n }) => n), [0, 1, 2, 3, 4, 5, 6, 7]);
            assert.deepStrictEqual(crowd.most, { many: 2, few: 2 });
        });
    });

    test('the newest run goes on, and the one before is told to stop', limit, async () => {
        const crowd = new Crowd();
        await withWorker((client) => ({
            newest: crowd.task(client, 'newest', {
                concurrency: { expression: 'input.key', limitStrategy: ConcurrencyLimitStrategy.CANCEL_IN_PROGRESS },
            }),
        }), async ({ client, tasks }) => {
            const first = await tasks.newest.runNoWait({ key: 'k', n: 1 });
            await until(() => crowd.started.length === 1);
            const second = await tasks.newest.runNoWait({ key: 'k', n: 2 });
            await ends(client, first, 'CANCELLED');
            await until(() => crowd.aborted.length === 1 && crowd.started.length === 2);
            const { data } = await client.api.v1TaskEventList(await first.getWorkflowRunId(), { limit: 50, offset: 0 });
            assert.ok(data.rows.some(({ message }) => message.includes('Cancelled due to concurrency strategy')));
            crowd.release();
            assert.deepStrictEqual(await second.output, { n: 2 });
            assert.deepStrictEqual(crowd.aborted, [1]);
        });
    });

    test('of a waiting crowd one is kept', limit, async () => {
        const crowds = [new Crowd(), new Crowd(), new Crowd()];
        const strategies = ['CANCEL_NEWEST', 'CANCEL_QUEUED_EXCEPT_NEWEST', 'CANCEL_QUEUED_EXCEPT_OLDEST'];
        const kept = [[0], [0, 3], [0, 1]];
        await withWorker((client) => Object.fromEntries(strategies.map((name, i) => [name,
            crowds[i].task(client, name.toLowerCase(), {
                concurrency: { expression: "'all'", maxRuns: 1, limitStrategy: ConcurrencyLimitStrategy[name] },
            })])), async ({ client, tasks }) => {
            for (const [i, name] of strategies.entries()) {
                const refs = [];
                for (let n = 0; n < 4; n++) {
                    refs.push(await tasks[name].runNoWait({ key: 'k', n }));
                    await until(() => crowds[i].started.length === 1);
                }
                const gone = [0, 1, 2, 3].filter((n) => !kept[i].includes(n));
                for (const n of gone) {
                    await ends(client, refs[n], 'CANCELLED');
                }
                crowds[i].release();
                for (const n of kept[i]) {
                    await ends(client, refs[n], 'COMPLETED');
                }
                assert.deepStrictEqual(crowds[i].started, kept[i], name);
            }
        });
    });

    test('several rules, of the workflow and of its task', limit, async () => {
        const crowd = new Crowd();
        const rule = (expression, maxRuns) => ({ expression, maxRuns, limitStrategy: ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN });
        await withWorker((client) => ({
            chained: crowd.task(client, 'chained', { concurrency: [rule("'all'", 3), rule('input.key', 1)] }),
        }), async ({ client, tasks }) => {
            const refs = [];
            for (let n = 0; n < 6; n++) {
                refs.push(await tasks.chained.runNoWait({ key: `k${n % 2}`, n }));
            }
            await until(() => crowd.started.length === 2);
            crowd.release();
            await Promise.all(refs.map((ref) => ref.output));
            assert.deepStrictEqual(crowd.most, { k0: 1, k1: 1 });
            const workflow = (await client.workflows.list()).rows.find(({ name }) => name === 'chained');
            const { data } = await client.api.workflowVersionGet(workflow.metadata.id);
            assert.deepStrictEqual(data.v1Concurrency.map(({ expression, maxRuns, limitStrategy }) => [expression, maxRuns, limitStrategy]),
                [["'all'", 3, 'GROUP_ROUND_ROBIN'], ['input.key', 1, 'GROUP_ROUND_ROBIN']]);
        });
    });

    test('a run says how many of its key go on at once', limit, async () => {
        const crowd = new Crowd();
        await withWorker((client) => ({
            said: crowd.task(client, 'said', {
                concurrency: {
                    expression: 'input.key', maxRuns: "input.key == 'premium' ? 3 : 1",
                    limitStrategy: ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN,
                },
            }),
        }), async ({ tasks }) => {
            const refs = [];
            for (let n = 0; n < 8; n++) {
                refs.push(await tasks.said.runNoWait({ key: n < 5 ? 'premium' : 'plain', n }));
            }
            await until(() => crowd.started.length === 4);
            crowd.release();
            await Promise.all(refs.map((ref) => ref.output));
            assert.deepStrictEqual(crowd.most, { premium: 3, plain: 1 });
        });
    });

    test('workflows share a rule by its name', limit, async () => {
        const crowd = new Crowd();
        const both = {
            name: 'both', isTenantScoped: true, expression: 'input.key', maxRuns: 1,
            limitStrategy: ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN,
        };
        await withWorker((client) => ({
            one: crowd.task(client, 'one', { concurrency: both }),
            other: crowd.task(client, 'other', { concurrency: [both] }),
        }), async ({ client, tasks }) => {
            const first = await tasks.one.runNoWait({ key: 'k', n: 1 });
            await until(() => crowd.started.length === 1);
            const second = await tasks.other.runNoWait({ key: 'k', n: 2 });
            const third = await tasks.other.runNoWait({ key: 'x', n: 3 });
            await until(() => crowd.started.length === 2);
            assert.strictEqual(await statusOf(client, second), 'QUEUED');
            crowd.release();
            assert.deepStrictEqual(await Promise.all([first, second, third].map((ref) => ref.output)), [{ n: 1 }, { n: 2 }, { n: 3 }]);
            assert.deepStrictEqual(crowd.most, { k: 1, x: 1 });
        });
    });

    test('a rate limit holds for a window', limit, async () => {
        const started = [];
        await withWorker((client) => ({
            plain: client.task({ name: 'plain', fn: async () => ({}) }),
        }), async ({ client, server }) => {
            await client.ratelimits.upsert({ key: 'calls', limit: 5, duration: RateLimitDuration.HOUR });
            const limited = client.task({
                name: 'limited', rateLimits: [{ staticKey: 'calls', units: 2 }],
                fn: async ({ n }) => { started.push(n); return {}; },
            });
            const worker = await client.worker('limited', { workflows: [limited], slots: 10 });
            worker.start();
            await worker.waitUntilReady();
            const refs = [];
            for (let n = 0; n < 3; n++) {
                refs.push(await limited.runNoWait({ n }));
            }
            await Promise.all(refs.slice(0, 2).map((ref) => ref.output));
            assert.strictEqual(await statusOf(client, refs[2]), 'QUEUED');
            const { rows } = await client.ratelimits.list({});
            assert.deepStrictEqual(rows.map(({ key, limitValue, value, window }) => [key, limitValue, value, window]),
                [['calls', 5, 1, '1 HOUR']]);
            await client.runs.cancel({ ids: [await refs[2].getWorkflowRunId()] });
            await ends(client, refs[2], 'CANCELLED');
            assert.deepStrictEqual(started, [0, 1]);
            await worker.stop();
            assert.ok(server !== null);
        });
    });

    test('a run says which limit it takes of, and how much', limit, async () => {
        const started = [];
        await withWorker((client) => ({
            dynamic: client.task({
                name: 'dynamic',
                rateLimits: [{ dynamicKey: 'input.user', units: 'int(input.units)', limit: 10, duration: RateLimitDuration.DAY }],
                fn: async ({ user, units }) => { started.push(`${user} ${units}`); return {}; },
            }),
        }), async ({ client, tasks }) => {
            await tasks.dynamic.run({ user: 'ada', units: 9 });
            const waiting = await tasks.dynamic.runNoWait({ user: 'ada', units: 2 });
            await tasks.dynamic.run({ user: 'bob', units: 2 });
            await tasks.dynamic.run({ user: 'ada', units: 1 });
            assert.deepStrictEqual(started, ['ada 9', 'bob 2', 'ada 1']);
            assert.strictEqual(await statusOf(client, waiting), 'QUEUED');
            const { rows } = await client.ratelimits.list({ orderByField: 'key', orderByDirection: 'desc' });
            assert.deepStrictEqual(rows.map(({ key, value }) => [key, value]), [['bob', 8], ['ada', 0]]);
            await client.runs.cancel({ ids: [await waiting.getWorkflowRunId()] });
            await assert.rejects(tasks.dynamic.run({ user: 'ada', units: 'x' }), /failed to parse step expression/);
        });
    });

    // Workflows of several tasks: "before", then "after", which runs until it is let go.
    const several = (crowd, name, ofRuns, ofTask) => (client) => {
        const workflow = client.workflow({ name, ...ofRuns });
        const before = workflow.task({ name: 'before', fn: async () => ({}) });
        const { fn } = crowd.task({ task: (options) => options }, 'after', {});
        workflow.task({ name: 'after', parents: [before], fn, ...ofTask });
        return { workflow };
    };

    test('a run of several tasks has a slot until it has ended', limit, async () => {
        const crowd = new Crowd();
        const one = { expression: 'input.key', maxRuns: 1, limitStrategy: ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN };
        await withWorker(several(crowd, 'whole', { concurrency: one }, {}), async ({ client, tasks }) => {
            const refs = [];
            for (let n = 0; n < 4; n++) {
                refs.push(await tasks.workflow.runNoWait({ key: `k${n % 2}`, n }));
            }
            await until(() => crowd.started.length === 2);
            const waiting = await client.runs.get(await refs[2].getWorkflowRunId());
            assert.deepStrictEqual(waiting.tasks.map(({ status }) => status), ['QUEUED', 'QUEUED']);
            crowd.release();
            const outputs = await Promise.all(refs.map((ref) => ref.output));
            assert.deepStrictEqual(outputs.map(({ after }) => after.n), [0, 1, 2, 3]);
            assert.deepStrictEqual(crowd.most, { k0: 1, k1: 1 });
        });
    });

    test('a newer run of several tasks stops all of an older one', limit, async () => {
        const crowd = new Crowd();
        await withWorker(several(crowd, 'newest', { concurrency: { expression: 'input.key' } }, {}), async ({ client, tasks }) => {
            const first = await tasks.workflow.runNoWait({ key: 'k', n: 1 });
            await until(() => crowd.started.length === 1);
            const second = await tasks.workflow.runNoWait({ key: 'k', n: 2 });
            await until(() => crowd.aborted.length === 1 && crowd.started.length === 2);
            const { run, tasks: rows } = await client.runs.get(await first.getWorkflowRunId());
            assert.strictEqual(run.status, 'CANCELLED');
            assert.deepStrictEqual(rows.map(({ status }) => status), ['COMPLETED', 'CANCELLED']);
            crowd.release();
            assert.deepStrictEqual((await second.output).after, { n: 2 });
        });
    });

    test('a task among others has limits of its own', limit, async () => {
        const crowd = new Crowd();
        await withWorker((client) => ({ plain: client.task({ name: 'plain', fn: async () => ({}) }) }), async ({ client }) => {
            await client.ratelimits.upsert({ key: 'calls', limit: 5, duration: RateLimitDuration.HOUR });
            const { workflow } = several(crowd, 'part', {}, {
                concurrency: [{ expression: 'input.key', maxRuns: 1, limitStrategy: ConcurrencyLimitStrategy.GROUP_ROUND_ROBIN }],
                rateLimits: [{ staticKey: 'calls', units: 2 }],
            })(client);
            const worker = await client.worker('part', { workflows: [workflow], slots: 10 });
            worker.start();
            await worker.waitUntilReady();
            const refs = [];
            for (let n = 0; n < 3; n++) {
                refs.push(await workflow.runNoWait({ key: 'k', n }));
            }
            await until(async () => (await Promise.all(refs.map(async (ref) =>
                (await client.runs.get(await ref.getWorkflowRunId())).tasks[0].status))).every((status) => status === 'COMPLETED'));
            await until(() => crowd.started.length === 1);
            crowd.release();
            await until(() => crowd.started.length === 2);
            assert.deepStrictEqual(crowd.most, { k: 1 });
            const { rows } = await client.ratelimits.list({});
            assert.deepStrictEqual(rows.map(({ key, value }) => [key, value]), [['calls', 1]]);
            const found = (await client.workflows.list()).rows.find(({ name }) => name === 'part');
            const { data } = await client.api.workflowVersionGet(found.metadata.id);
            assert.deepStrictEqual(data.v1Concurrency.map(({ scope, stepReadableId }) => [scope, stepReadableId]), [['TASK', 'after']]);
            await client.runs.cancel({ ids: await Promise.all(refs.map((ref) => ref.getWorkflowRunId())) });
            await worker.stop();
        });
    });

    test('a run without a key fails', limit, async () => {
        await withWorker((client) => ({
            keyed: client.task({ name: 'keyed', concurrency: { expression: 'input.key' }, fn: async () => ({}) }),
        }), async ({ tasks }) => {
            await assert.rejects(tasks.keyed.run({ n: 1 }), (error) => /failed to parse step expression/.test(String(error)));
        });
    });
});
