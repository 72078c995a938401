'use strict';
// A service traced by the official SDK, which remembers what its requests brought.

const http = require('node:http');
const {
    ROOT_CONTEXT, SpanKind, context, defaultTextMapGetter, defaultTextMapSetter, propagation, trace,
} = require('@opentelemetry/api');
const { InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node');
const { plainSpan } = require('./node_spans');

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
const tracer = provider.getTracer('node');

class NodeService {
    seen = []; // { path, spanContext, baggage } of each request

    constructor(propagator) {
        this.propagator = propagator;
        exporter.reset();
    }

    async start() {
        this.server = http.createServer((request, response) => this.#answer(request, response));
        await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
        this.url = `http://127.0.0.1:${this.server.address().port}`;
        return this;
    }

    // A request whose query says `relay` is passed on through that one, back to /leaf here.
    async #answer(request, response) {
        const url = new URL(request.url, this.url);
        request.resume();
        const parent = this.propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
        const baggage = propagation.getBaggage(parent)?.getAllEntries() ?? [];
        this.seen.push({ path: url.pathname, spanContext: trace.getSpanContext(parent), baggage });
        const span = tracer.startSpan(`server ${url.pathname}`, { kind: SpanKind.SERVER }, parent);
        const relay = url.searchParams.get('relay');
        let status = 200;
        if (relay !== null) {
            const answer = await context.with(trace.setSpan(parent, span), () => this.order(relay, `${this.url}/leaf`));
            status = answer.status;
        }
        span.end();
        response.writeHead(status, { 'Content-Type': 'application/json' }).end('{}');
    }

    // Lets a relay call `target`, in a CLIENT span under the current context.
    async order(relay, target) {
        const span = tracer.startSpan('client', { kind: SpanKind.CLIENT });
        const headers = { 'content-type': 'application/json' };
        this.propagator.inject(trace.setSpan(context.active(), span), headers, defaultTextMapSetter);
        try {
            return await fetch(relay, { method: 'POST', headers, body: JSON.stringify([{ url: target, arguments: 1 }]) });
        } finally {
            span.end();
        }
    }

    spans() {
        return exporter.getFinishedSpans().map(plainSpan);
    }

    stop() {
        this.server.closeAllConnections();
        this.server.close();
    }
}

module.exports = { NodeService };
