'use strict';
// The C programs of these tests.

const { execFile, spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { promisify } = require('node:util');

const folder = process.env.CLEAT_PROGRAMS;
const relay = path.join(process.env.CLEAT_BUILD, 'examples/http_relay');

// Runs one to its end; fails when it does.
async function run(name, args, env = {}) {
    const { stdout } = await promisify(execFile)(path.join(folder, name), args, {
        env: { ...process.env, ...env }, timeout: 300000, maxBuffer: 1 << 28,
    });
    return stdout;
}

// One that runs until it is told to stop; `lines` are those it printed.
class Service {
    lines = [];

    constructor(file, args, env) {
        this.child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
        this.ended = new Promise((done) => this.child.on('close', (code, signal) => done({ code, signal })));
        readline.createInterface({ input: this.child.stdout }).on('line', (line) => {
            this.lines.push(line);
            this.heard?.();
        });
    }

    // The first line that comes, or came; fails when the program ends before.
    async firstLine() {
        const line = new Promise((done) => { this.heard = done; });
        if (this.lines.length === 0) {
            await Promise.race([line, this.ended.then((how) => {
                if (this.lines.length === 0) {
                    throw new Error(`it ended: ${JSON.stringify(how)}`);
                }
            })]);
        }
        return this.lines[0];
    }

    async closeInput() {
        this.child.stdin.end();
        return this.ended;
    }

    async terminate() {
        this.child.kill('SIGTERM');
        return this.ended;
    }
}

function start(name, args, env = {}) {
    return new Service(path.join(folder, name), args, env);
}

// examples/http_relay on a port of its own; `url` is where it takes its orders.
async function startRelay(env) {
    const service = new Service(relay, ['--listen', '127.0.0.1:0'], env);
    const line = await service.firstLine();
    service.url = `http://127.0.0.1:${/(\d+)\D*$/.exec(line)[1]}/test`;
    return service;
}

module.exports = { run, start, startRelay };
