'use strict';
// A worker in a process of its own, configured by its environment: `worker_program.js NAME SLOTS`. Who started it
// is told what its tasks do, and opens the gate that `patient` waits at.

const { HatchetClient } = require('@hatchet-dev/typescript-sdk/v1');

const [name, slots] = process.argv.slice(2);
const gate = new Promise((open) => { process.on('message', open); });

async function main() {
    const client = HatchetClient.init();
    const shared = client.task({
        name: 'shared', fn: async ({ n }) => { process.send({ did: n }); return { n, by: name }; },
    });
    const patient = client.task({
        name: 'patient', executionTimeout: '10m',
        fn: async (input, ctx) => {
            process.send({ started: ctx.retryCount() });
            await gate;
            return { by: name, retryCount: ctx.retryCount() };
        },
    });
    const hear = client.task({
        name: 'hear', onEvents: ['order:paid'],
        fn: async (input) => { process.send({ heard: input }); return {}; },
    });
    const worker = await client.worker(name, { workflows: [shared, patient, hear], slots: Number(slots) });
    worker.start();
    await worker.waitUntilReady();
    process.send({ isReady: true });
}

main();
