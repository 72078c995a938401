'use strict';
// Programs with the SDK's instrumentor, and their spans as the collector has them. To be loaded before the SDK is.

const { context, propagation } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const { Server, startWorker, until } = require('./server');

const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const states = { unset: 0, ok: 1, error: 2 };

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

// One per process: the instrumentor's exporter is for one server.
async function startTraced(config = {}, options = {}) {
    const server = await new Server(options).start();
    const { HatchetInstrumentor } = require('@hatchet-dev/typescript-sdk/opentelemetry');
    const instrumentor = new HatchetInstrumentor({
        clientConfig: server.config(), bspConfig: { scheduledDelayMillis: 20 }, ...config,
    });
    return { server, instrumentor, client: server.client() };
}

// The engine has spans of its own, which are not what is looked at.
function isProgram({ attributes }) {
    return attributes['hatchet.span_source'] !== 'engine';
}

// Spans of programs that nobody took yet, once there are `count` of these names.
class Spans {
    #taken = new Set();

    constructor(server) {
        this.server = server;
    }

    rest() {
        return this.server.spans().filter((span) => isProgram(span) && !this.#taken.has(span.spanId));
    }

    async take(...names) {
        let found;
        await until(() => {
            const rest = this.rest();
            found = names.map((name) => {
                const at = rest.findIndex((span) => span.name === name);
                return at === -1 ? undefined : rest.splice(at, 1)[0];
            });
            return found.every((span) => span !== undefined);
        });
        found.forEach(({ spanId }) => this.#taken.add(spanId));
        return found;
    }
}

module.exports = { Spans, kinds, startTraced, startWorker, states };
