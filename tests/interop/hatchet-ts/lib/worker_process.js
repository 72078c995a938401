'use strict';
// The program beside this one, started and listened to.

const { fork } = require('node:child_process');
const path = require('node:path');

class WorkerProcess {
    messages = [];

    constructor(server, name, { slots = 10, namespace } = {}) {
        this.child = fork(path.join(__dirname, 'worker_program.js'), [name, String(slots)], {
            stdio: ['ignore', 'ignore', 'inherit', 'ipc'], /* the SDK is loud, whatever its log level */
            env: {
                ...process.env, ...server.environment(),
                ...(namespace !== undefined && { HATCHET_CLIENT_NAMESPACE: namespace }),
            },
        });
        process.once('exit', () => this.child.kill('SIGKILL'));
        this.ended = new Promise((done) => this.child.on('close', (code, signal) => done({ code, signal })));
        this.ready = new Promise((done, fail) => {
            this.child.on('message', (message) => {
                this.messages.push(message);
                if (message.isReady) {
                    done(this);
                }
            });
            this.ended.then((how) => fail(new Error(`the worker ended: ${JSON.stringify(how)}`)));
        });
    }

    // What it told under this name.
    all(key) {
        return this.messages.filter((message) => key in message).map((message) => message[key]);
    }

    open() {
        this.child.send('open');
    }

    async end(signal) {
        this.child.kill(signal);
        return this.ended;
    }
}

function startWorkerProcess(server, name, options) {
    return new WorkerProcess(server, name, options).ready;
}

module.exports = { startWorkerProcess };
