'use strict';
// A page needs its time after each act: what it shows is read until it is what is expected, and never once.

const assert = require('node:assert');
const { setTimeout: pause } = require('node:timers/promises');
const { isSlow } = require('./slow');

// For what hangs, not for what is slow.
const patience = isSlow ? 300000 : 60000;

function compare(value, expected) {
    if (expected instanceof RegExp) {
        assert.match(value, expected);
    } else if (typeof expected === 'function') {
        assert.ok(expected(value), `${JSON.stringify(value)} is not what was waited for`);
    } else {
        assert.deepStrictEqual(value, expected);
    }
}

// Reads until what was read is `expected`: a value, a pattern of a text, or a function that says whether it is. Gives
// it back. What read() throws is like a value that is not expected.
async function eventually(read, expected, { every = 20 } = {}) {
    for (const end = Date.now() + patience; ;) {
        try {
            const value = await read();
            compare(value, expected);
            return value;
        } catch (error) {
            if (Date.now() > end) {
                throw error;
            }
        }
        await pause(every);
    }
}

module.exports = { eventually, patience };
