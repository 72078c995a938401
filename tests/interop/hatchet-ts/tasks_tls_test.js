'use strict';

const { suite } = require('./lib/server');
const { defineTasks } = require('./lib/tasks');

suite('tasks over TLS', () => defineTasks('tls'));
