'use strict';
// Programs that say on their first line that they are ready, and end with the test.

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');

const children = new Set();
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));
process.once('SIGTERM', () => process.exit(143)); // also when the time is up

const command = path.join(process.env.CLEAT_BUILD ?? '', 'cleat');
const program = (name) => path.join(process.env.CLEAT_PROGRAMS ?? '', name);

// {line, stop()}: the first line that it prints.
async function start(file, args, env = {}) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    children.add(child);
    const ended = new Promise((done) => child.on('close', (code, signal) => done({ code, signal })));
    const line = await Promise.race([
        new Promise((done) => readline.createInterface({ input: child.stdout }).once('line', done)),
        ended.then((how) => { throw new Error(`${path.basename(file)} ended: ${JSON.stringify(how)}`); }),
    ]);
    const stop = async () => {
        child.kill('SIGTERM');
        children.delete(child);
        return ended;
    };
    return { line, stop };
}

module.exports = { command, program, start };
