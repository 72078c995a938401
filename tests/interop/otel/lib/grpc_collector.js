'use strict';
// An OTLP/gRPC server that keeps what it is sent.

const net = require('node:net');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const decoders = require('./decoders');
const plain = require('./plain');

const definition = protoLoader.loadSync(decoders.service, { includeDirs: [decoders.protoFolder] })[
    'opentelemetry.proto.collector.trace.v1.TraceService'];
// The bytes as they came, for the decoder that is asked for later.
const service = { Export: { ...definition.Export, requestDeserialize: (bytes) => bytes } };

class GrpcCollector {
    requests = []; // { metadata, body }, the body decompressed
    bytesReceived = 0;

    async start() {
        this.server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
        this.server.addService(service, {
            Export: ({ request, metadata }, answer) => {
                this.requests.push({ metadata: metadata.getMap(), body: request });
                answer(null, {});
            },
        });
        const port = await new Promise((done, failed) => this.server.bindAsync('127.0.0.1:0',
            grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? failed(error) : done(bound))));
        await this.#listen(port);
        return this;
    }

    // grpc-js tells nobody whether a message came compressed: its bytes are counted on their way.
    async #listen(port) {
        this.front = net.createServer((from) => {
            const to = net.connect(port, '127.0.0.1');
            from.on('data', (bytes) => { this.bytesReceived += bytes.length; });
            from.on('error', () => to.destroy());
            to.on('error', () => from.destroy());
            from.pipe(to).pipe(from);
        });
        await new Promise((done) => this.front.listen(0, '127.0.0.1', done));
        this.url = `http://127.0.0.1:${this.front.address().port}`;
    }

    get isCompressed() {
        return this.bytesReceived < this.requests.reduce((sum, { body }) => sum + body.length, 0);
    }

    spans(decoder) {
        return this.requests.flatMap(({ body }) => plain.fromMessage(decoder.decode(body)));
    }

    stop() {
        this.front.close();
        this.server.forceShutdown();
    }
}

module.exports = { GrpcCollector };
