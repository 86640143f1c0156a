import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Endpoint, formatHost, parseHost } from './host.ts';

function check(text: string, expected: Endpoint, formatted = text) {
  test(`parseHost('${text}')`, () => {
    assert.deepEqual(parseHost(text), expected);
    assert.equal(formatHost(parseHost(text)), formatted);
  });
}

check('unix:///run/skiff.sock', { kind: 'unix', path: '/run/skiff.sock' });
check('tcp://host', { kind: 'tcp', host: 'host', port: 2375 }, 'tcp://host:2375');
check('tcp://10.0.0.1:99', { kind: 'tcp', host: '10.0.0.1', port: 99 });
check('tcp://[::1]:99', { kind: 'tcp', host: '::1', port: 99 });
check('http://host:80/', { kind: 'tcp', host: 'host', port: 80 }, 'tcp://host:80');

check('ssh://me@host', { kind: 'ssh', user: 'me', host: 'host', path: '' });
check('ssh://host:22/run/x.sock', { kind: 'ssh', user: '', host: 'host', port: 22, path: '/run/x.sock' });

for (const text of [
  '',
  'unix://',
  'unix://relative',
  '/run/skiff.sock',
  'ssh://',
  'ssh://-oProxyCommand=x',
  'ssh://-l@host',
  'tcp://',
  'tcp://host:99999',
  'tcp://h:0',
  'npipe:////x',
]) {
  test(`parseHost() refuses '${text}'`, () => {
    assert.throws(() => parseHost(text), { code: 'client.badHost', kind: 'invalid' });
  });
}
