'use strict';
// An OTLP/HTTP server that keeps what it is sent.

const http = require('node:http');
const zlib = require('node:zlib');
const decoders = require('./decoders');
const plain = require('./plain');

class Collector {
    requests = []; // { path, headers, body }, the body decompressed

    async start() {
        this.server = http.createServer((request, response) => {
            const chunks = [];
            request.on('data', (chunk) => chunks.push(chunk));
            request.on('end', () => this.#take(request, Buffer.concat(chunks), response));
        });
        await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
        this.url = `http://127.0.0.1:${this.server.address().port}`;
        return this;
    }

    #take(request, bytes, response) {
        const body = request.headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(bytes) : bytes;
        const type = request.headers['content-type'];
        this.requests.push({ path: request.url, headers: request.headers, body });
        response.writeHead(200, { 'Content-Type': type });
        response.end(type === 'application/json' ? '{}' : '');
    }

    // Everything that came, with the official decoder unless told otherwise.
    spans(decoder = decoders.official) {
        return this.requests.flatMap(({ headers, body }) =>
            headers['content-type'] === 'application/json' ? plain.fromJson(JSON.parse(body.toString('utf8')))
                                                           : plain.fromMessage(decoder.decode(body)));
    }

    stop() {
        this.server.closeAllConnections();
        this.server.close();
    }
}

module.exports = { Collector };
