'use strict';
// `cleat serve` on a file of its own, and clients of it.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const readline = require('node:readline');
const { after, describe } = require('node:test');
const { Certificates } = require('./certificates');

// The SDK listens to the process once per worker, and to a stream once per run.
require('node:events').defaultMaxListeners = 0;

const command = path.join(process.env.CLEAT_BUILD, 'cleat');
let files = 0;
const children = new Set();
process.once('exit', () => children.forEach((child) => child.kill('SIGKILL')));

function plainValue(value) {
    return value.arrayValue !== undefined ? (value.arrayValue.values ?? []).map(plainValue)
        : value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue);
}

function plain(attributes = []) {
    return Object.fromEntries(attributes.map(({ key, value }) => [key, plainValue(value)]));
}

function plainSpan(span, scope, resource) {
    const withAttributes = (item) => ({ ...item, attributes: plain(item.attributes) });
    return {
        ...withAttributes(span), events: (span.events ?? []).map(withAttributes),
        links: (span.links ?? []).map(withAttributes), scope, resource: plain(resource.attributes),
    };
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

let certificates;

// What `cleat serve` is told, what the SDK's configuration says and what its HTTP client is given:
// plain, over TLS ("tls"), with certificates on both sides ("mtls").
function secure(how) {
    if (how === 'none') {
        return { options: [], tls: { tls_strategy: 'none' }, http: {}, scheme: 'http' };
    }
    certificates ??= new Certificates();
    const { authority, server, client } = certificates;
    const isMutual = how === 'mtls';
    const read = (file) => fs.readFileSync(file);
    return {
        options: ['--tls-cert', server.certificate, '--tls-key', server.key,
            ...(isMutual ? ['--tls-client-ca', authority.certificate] : [])],
        tls: {
            tls_strategy: how, ca_file: authority.certificate, server_name: 'localhost',
            ...(isMutual && { cert_file: client.certificate, key_file: client.key }),
        },
        http: {
            httpsAgent: new https.Agent({
                ca: read(authority.certificate),
                ...(isMutual && { cert: read(client.certificate), key: read(client.key) }),
            }),
        },
        scheme: 'https',
    };
}

class Server {
    constructor({ options = [], security = 'none' } = {}) {
        this.file = path.resolve(`server-${process.pid}-${++files}.db`);
        this.security = secure(security);
        this.options = [...this.security.options, ...options];
    }

    // Ready when it says so; on the same addresses when it is started again.
    async start() {
        const { grpc = '127.0.0.1:0', http = '127.0.0.1:0' } = this;
        this.child = spawn(command,
            ['serve', '--db', this.file, '--grpc', grpc, '--http', http, ...this.options],
            { stdio: ['ignore', 'pipe', 'inherit'] });
        children.add(this.child);
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

    url() {
        return `${this.security.scheme}://${this.http}`;
    }

    token(tenant = 'default') {
        return this.cli('token', 'create', '--tenant', tenant, '--grpc', this.grpc, '--url', this.url()).trim();
    }

    config(more = {}) {
        return {
            token: this.token(), host_port: this.grpc, api_url: this.url(),
            tls_config: this.security.tls, logger: () => new NoLogger(), ...more,
        };
    }

    // The same for a program that reads its environment.
    environment() {
        return {
            HATCHET_CLIENT_TOKEN: this.token(), HATCHET_CLIENT_TLS_STRATEGY: this.security.tls.tls_strategy,
        };
    }

    // The SDK is loaded here: an instrumentor has to be there before.
    client(more = {}) {
        const { HatchetClient } = require('@hatchet-dev/typescript-sdk/v1');
        return HatchetClient.init(this.config(more), {}, this.security.http);
    }

    json(...args) {
        return JSON.parse(this.cli(...args, '--json'));
    }

    // All spans of the collector, with plain objects for attributes. A trace is read again when it has grown.
    spans() {
        this.traces ??= new Map();
        return this.json('traces', 'ls', '--limit', '1000').traces.flatMap(({ trace_id: id, spans: count }) => {
            if (this.traces.get(id)?.length !== count) {
                this.traces.set(id, this.json('traces', 'show', id).resourceSpans.flatMap(({ resource, scopeSpans }) =>
                    scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => plainSpan(span, scope, resource)))));
            }
            return this.traces.get(id);
        });
    }
}

// Starts a worker of the client; `stop` ends it when its tasks are through.
async function startWorker(client, name, tasks, options = {}) {
    const worker = await client.worker(name, { workflows: Object.values(tasks), slots: 10, ...options });
    const over = worker.start();
    await worker.waitUntilReady();
    return {
        worker,
        async stop() {
            await worker.stop();
            await over;
        },
    };
}

// Runs `check` with a server, a client and a worker of `tasks` (made by a function of the client).
async function withWorker(makeTasks, check, { slots = 10, labels = {}, config = {}, security = 'none' } = {}) {
    const server = await new Server({ security }).start();
    const client = server.client(config);
    const tasks = makeTasks(client);
    const { worker, stop } = await startWorker(client, 'worker', tasks, { slots, labels });
    try {
        await check({ server, client, worker, tasks });
        await stop();
    } finally {
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

module.exports = { Server, startWorker, suite, until, withWorker };
