'use strict';
// `cleat serve` on a file of its own, and clients of it.

const { execFileSync, spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { after, describe } = require('node:test');

const command = path.join(process.env.CLEAT_BUILD, 'cleat');
let files = 0;

function plain(attributes) {
    return Object.fromEntries(attributes.map(({ key, value }) =>
        [key, value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue)]));
}

// What the SDK says goes nowhere: failures of tasks are wanted here.
class NoLogger {
    debug() {}
    info() {}
    green() {}
    warn() {}
    error() {}
    util() {}
}

class Server {
    constructor(options = []) {
        this.file = path.resolve(`server-${process.pid}-${++files}.db`);
        this.options = options;
    }

    // Ready when it says so; on the same addresses when it is started again.
    async start() {
        const { grpc = '127.0.0.1:0', http = '127.0.0.1:0' } = this;
        this.child = spawn(command,
            ['serve', '--db', this.file, '--grpc', grpc, '--http', http, ...this.options],
            { stdio: ['ignore', 'pipe', 'inherit'] });
        const { child } = this;
        process.once('exit', () => child.kill('SIGKILL'));
        this.ended = new Promise((done) => this.child.on('close', (code, signal) => done({ code, signal })));
        const line = await Promise.race([
            new Promise((done) => readline.createInterface({ input: this.child.stdout }).once('line', done)),
            this.ended.then((how) => { throw new Error(`cleat serve ended: ${JSON.stringify(how)}`); }),
        ]);
        [, this.grpc, this.http] = /^cleat: ready grpc=(\S+) http=(\S+)$/.exec(line);
        return this;
    }

    async stop(signal = 'SIGTERM') {
        this.child.kill(signal);
        return this.ended;
    }

    cli(...args) {
        return execFileSync(command, [...args, '--db', this.file], { encoding: 'utf8' });
    }

    token(tenant = 'default') {
        return this.cli('token', 'create', '--tenant', tenant, '--grpc', this.grpc, '--url', `http://${this.http}`)
            .trim();
    }

    config(more = {}) {
        return {
            token: this.token(), host_port: this.grpc, api_url: `http://${this.http}`,
            tls_config: { tls_strategy: 'none' }, logger: () => new NoLogger(), ...more,
        };
    }

    // The SDK is loaded here: an instrumentor has to be there before.
    client(more = {}) {
        const { HatchetClient } = require('@hatchet-dev/typescript-sdk/v1');
        return HatchetClient.init(this.config(more));
    }

    json(...args) {
        return JSON.parse(this.cli(...args, '--json'));
    }

    // All spans of the collector, with their attributes as an object.
    spans() {
        return this.json('traces', 'ls', '--limit', '1000').traces.flatMap(({ trace_id: id }) =>
            this.json('traces', 'show', id).resourceSpans.flatMap((resource) =>
                resource.scopeSpans.flatMap(({ spans }) => spans.map((span) => ({
                    ...span, attributes: plain(span.attributes ?? []),
                })))));
    }
}

// Runs `check` with a server, a client and a worker of `tasks` (made by a function of the client).
async function withWorker(makeTasks, check, { slots = 10, config = {}, options = [] } = {}) {
    const server = await new Server(options).start();
    const client = server.client(config);
    const tasks = makeTasks(client);
    const worker = await client.worker('worker', { workflows: Object.values(tasks), slots });
    const over = worker.start();
    try {
        await worker.waitUntilReady();
        await check({ server, client, worker, tasks });
    } finally {
        await worker.stop();
        await over;
        await server.stop();
    }
}

// Resolves when the condition holds; the caller's test has a time limit.
async function until(condition) {
    while (!(await condition())) {
        await new Promise((done) => setTimeout(done, 20));
    }
}

// A file's tests. The SDK looks for its server for ever, so the process is ended when they are over.
function suite(name, define) {
    describe(name, () => {
        after(() => setTimeout(() => process.exit(), 100));
        define();
    });
}

module.exports = { Server, suite, until, withWorker };
