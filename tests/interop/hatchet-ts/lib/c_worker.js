'use strict';
// worker.c, running.

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');

// `linked`: the actions whose runs get traces of their own.
async function startCWorker(server, linked) {
    const child = spawn(path.join(process.env.CLEAT_PROGRAMS, 'worker'), linked, {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
            ...process.env, ...server.environment(), OTEL_SERVICE_NAME: 'in-c', OTEL_BSP_SCHEDULE_DELAY: '20',
        },
    });
    process.once('exit', () => child.kill('SIGKILL'));
    const ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
    await Promise.race([
        new Promise((done) => readline.createInterface({ input: child.stdout }).once('line', done)),
        ended.then((how) => { throw new Error(`the worker in C ended: ${JSON.stringify(how)}`); }),
    ]);
    return {
        async stop() {
            child.kill('SIGTERM');
            return ended;
        },
    };
}

module.exports = { startCWorker };
