'use strict';
// The pages' modules, where there is no page: for those functions that need none.

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const web = path.join(__dirname, '..', '..', '..', '..', 'web');
let folder = null;

// They are copied beside a package.json that says what they are, which the server need not know.
function copy() {
    folder = fs.mkdtempSync(path.resolve('modules-'));
    fs.cpSync(web, folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
    globalThis.document ??= { baseURI: 'http://localhost/' };
}

async function load(name) {
    if (folder === null) {
        copy();
    }
    return import(pathToFileURL(path.join(folder, name)));
}

module.exports = { load };
