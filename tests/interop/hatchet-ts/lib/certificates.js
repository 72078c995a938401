'use strict';
// An authority, and the certificates that it signed for a server on 127.0.0.1 and for a client.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

function makeCertificate(base, subject, more) {
    const [key, certificate] = [`${base}.key`, `${base}.pem`];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-days', '2', '-subj', `/CN=${subject}`, '-keyout', key, '-out', certificate, ...more],
    { stdio: ['ignore', 'ignore', 'pipe'] });
    return { key, certificate };
}

class Certificates {
    // In a new folder below the current one.
    constructor() {
        const folder = fs.mkdtempSync(path.resolve('certificates-'));
        const of = (name, subject, ...more) => makeCertificate(path.join(folder, name), subject, more);
        this.authority = of('authority', 'authority of a test');
        const signed = ['-CA', this.authority.certificate, '-CAkey', this.authority.key,
            '-addext', 'basicConstraints=critical,CA:FALSE'];
        this.server = of('server', 'server', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
        this.client = of('client', 'client', ...signed);
    }
}

module.exports = { Certificates };
