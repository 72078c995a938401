'use strict';
// What tasks stream, and who looks at runs.

const assert = require('node:assert');
const test = require('node:test');
const { suite, withWorker } = require('./lib/server');

const limit = { timeout: 300000 };

// Nothing that is streamed is kept, so a task begins when it is looked at: it says "?" until then.
const pings = async (ctx, isSeen) => {
    while (!isSeen()) {
        await ctx.putStream('?');
        await new Promise((done) => setTimeout(done, 10));
    }
};

suite('streams', () => {
    test('chunks arrive in their order, and the stream ends with the run', limit, async () => {
        let isSeen = false;
        await withWorker((client) => ({
            talk: client.task({
                name: 'talk',
                fn: async (input, ctx) => {
                    await pings(ctx, () => isSeen);
                    for (const word of ['one', 'two', 'tëxt ✓', '{"json":3}']) {
                        await ctx.putStream(word);
                    }
                    return { done: true };
                },
            }),
        }), async ({ client, tasks }) => {
            const run = await tasks.talk.runNoWait({});
            const chunks = [];
            for await (const chunk of client.runs.subscribeToStream(await run.getWorkflowRunId())) {
                isSeen = true;
                chunks.push(chunk);
            }
            assert.deepStrictEqual(chunks.filter((chunk) => chunk !== '?'), ['one', 'two', 'tëxt ✓', '{"json":3}']);
            assert.deepStrictEqual(await run.output, { done: true });
        });
    });

    test('a run is looked at until it fails', limit, async () => {
        let isSeen = false;
        await withWorker((client) => ({
            fall: client.task({
                name: 'fall',
                fn: async (input, ctx) => {
                    await pings(ctx, () => isSeen);
                    throw new Error('no luck');
                },
            }),
        }), async ({ tasks }) => {
            const run = await tasks.fall.runNoWait({});
            const types = [];
            for await (const event of await run.stream()) {
                isSeen = true;
                if (event.type !== 'STEP_RUN_EVENT_TYPE_STREAM') {
                    types.push(event.type);
                }
            }
            assert.deepStrictEqual(types, ['STEP_RUN_EVENT_TYPE_FAILED', 'WORKFLOW_RUN_EVENT_TYPE_FAILED']);
        });
    });
});
