'use strict';
// Files with runs, and who serves them: `cleat serve`, `cleat traces open`, and a proxy that puts them elsewhere.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { command, program, start } = require('./processes');

const hostile = '<img src=x onerror="document.title=\'taken\'">';
let files = 0;
const seeds = new Map(); // by their spans

const cli = (...args) => execFileSync(command, args, { encoding: 'utf8' }).trim();
const newFile = () => path.resolve(`viewer-${process.pid}-${++files}.db`);

// A file that seed.c has filled: {file, runs: {leaf, hostile, parent, link, durable, large, waiting, ...}}, ids of its
// runs. No worker in C can have such a name as its workflow `page.hostile` then gets; clients of other languages may.
// It is the same file each time: who writes takes a copy.
function seedFile({ spans = 200 } = {}) {
    if (!seeds.has(spans)) {
        seeds.set(spans, makeSeed(spans));
    }
    return seeds.get(spans);
}

function makeSeed(spans) {
    const file = newFile();
    const runs = JSON.parse(execFileSync(program('seed'), [file, String(spans)], { encoding: 'utf8' }));
    fs.chmodSync(file, 0o600); // a server puts the key of its tokens there
    const text = `'${hostile.replaceAll("'", "''")}'`;
    execFileSync('sqlite3', [file, `UPDATE workflow SET name = ${text} WHERE name = 'page.hostile';
        UPDATE task_type SET task_name = ${text} WHERE action = 'page:hostile';`]);
    return { file, runs };
}

function emptyFile() {
    const file = newFile();
    cli('token', 'create', '--db', file);
    return { file, runs: {} };
}

// The same rows in a file that nobody else has open.
function copyFile({ file, runs }) {
    const copy = newFile();
    fs.copyFileSync(file, copy);
    fs.chmodSync(copy, 0o600);
    return { file: copy, runs };
}

// `cleat serve`: {url, token(...), worker(), stop()}.
async function serve({ file }, { options = ['--no-auth'] } = {}) {
    const { line, stop } = await start(command,
        ['serve', '--db', file, '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', ...options]);
    const [, grpc, address] = /^cleat: ready grpc=(\S+) http=(\S+)$/.exec(line);
    const url = `http://${address}/`;
    const token = (...more) => cli('token', 'create', '--db', file, '--grpc', grpc, '--url', `http://${address}`, ...more);
    return {
        url, token, stop,
        revoke: (text) => cli('token', 'revoke', text, '--db', file),
        worker: () => start(program('seed'), ['--work'], {
            HATCHET_CLIENT_TOKEN: token(), HATCHET_CLIENT_TLS_STRATEGY: 'none', OTEL_BSP_SCHEDULE_DELAY: '20',
        }),
    };
}

// `cleat traces open`: {url, stop()}.
async function open({ file }) {
    const { line, stop } = await start(command, ['traces', 'open', '--db', file]);
    return { url: /^cleat: open (\S+)$/.exec(line)[1], stop };
}

// What nginx does with `location /ops/cleat/ { proxy_pass http://there/; }`. Anything beside it is 404.
async function proxy(target, prefix) {
    const server = http.createServer((request, response) => {
        if (!request.url.startsWith(prefix)) {
            response.writeHead(404).end();
            return;
        }
        const { host } = new URL(target);
        const onward = http.request(target, {
            path: `/${request.url.slice(prefix.length)}`, method: request.method, headers: { ...request.headers, host },
        }, (answer) => {
            response.writeHead(answer.statusCode, answer.headers);
            answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    return {
        url: `http://127.0.0.1:${server.address().port}${prefix}`,
        async stop() {
            server.closeAllConnections();
            await new Promise((done) => server.close(done));
        },
    };
}

// Starts a run of a workflow over HTTP; gives its id.
async function trigger(url, workflow, input = {}, metadata = {}) {
    const { tenant } = await (await fetch(new URL('api/cleat/v1/session', url))).json();
    const response = await fetch(new URL(`api/v1/stable/tenants/${tenant.id}/workflow-runs/trigger`, url), {
        method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ workflowName: workflow, input, additionalMetadata: metadata, return_only_id: true }),
    });
    if (!response.ok) {
        throw new Error(`${response.status} ${await response.text()}`);
    }
    return (await response.json()).id;
}

module.exports = { cli, copyFile, emptyFile, hostile, open, proxy, seedFile, serve, trigger };
