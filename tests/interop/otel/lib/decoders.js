'use strict';
// ExportTraceServiceRequest, decoded two ways.

const path = require('node:path');
const protobufjs = require('protobufjs');

const protoFolder = path.join(__dirname, '../../../../src/wire/proto');
const service = 'opentelemetry/proto/collector/trace/v1/trace_service.proto';

// The official transformer's own decoder. Versions that Node's SDK uses today only encode, so this is
// the last one that had it.
function official() {
    const root = require('otlp-transformer-that-decodes/build/src/generated/root');
    return root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
}

// protobufjs, from the .proto files of this project.
function ours() {
    const root = new protobufjs.Root();
    root.resolvePath = (origin, target) => (path.isAbsolute(target) ? target : path.join(protoFolder, target));
    root.loadSync(service);
    return root.lookupType('opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest');
}

module.exports = { official: official(), ours: ours(), protoFolder, service };
