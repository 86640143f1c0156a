import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpose, parsePublish } from './ports.ts';

function check(text: string, expected: readonly (readonly [string, string, string])[]) {
  test(`-p ${text}`, () => {
    const made = parsePublish(text).map(({ port, binding }) => [port, binding.HostIp, binding.HostPort]);
    assert.deepEqual(made, expected);
  });
}

check('80', [['80/tcp', '', '']]);
check('8080:80', [['80/tcp', '', '8080']]);
check('8080:80/UDP', [['80/udp', '', '8080']]);
check('127.0.0.1::80', [['80/tcp', '127.0.0.1', '']]);
check('127.0.0.1:8080:80', [['80/tcp', '127.0.0.1', '8080']]);
check('[::1]:8080:80', [['80/tcp', '::1', '8080']]);
check('::1:8080:80', [['80/tcp', '::1', '8080']]);
check('8000-8009:80', [['80/tcp', '', '8000-8009']]);
check('8000-8001:80-81/sctp', [
  ['80/sctp', '', '8000'],
  ['81/sctp', '', '8001'],
]);
check('80-81', [
  ['80/tcp', '', ''],
  ['81/tcp', '', ''],
]);
check('target=80,published=8080,protocol=udp', [['80/udp', '', '8080']]);

function refuses(text: string, message: string) {
  test(`-p ${text} is refused`, () => assert.throws(() => parsePublish(text), { message }));
}

refuses('', 'no port specified: <empty>');
refuses('8080:', 'no port specified: 8080:<empty>');
refuses('x:80', 'invalid hostPort: x');
refuses('80:x', 'invalid containerPort: x');
refuses('70000:80', 'invalid hostPort: 70000');
refuses('80/icmp', 'invalid proto: icmp');
refuses('8000-8001:80-82', 'invalid ranges specified for container and host Ports: 80-82 and 8000-8001');
refuses('1.2.3:80:80', 'invalid IP address: 1.2.3');
refuses('target=80,x=1', 'invalid field key x');

test('--expose takes ports, ranges and protocols', () => {
  assert.deepEqual(parseExpose('80'), ['80/tcp']);
  assert.deepEqual(parseExpose('80-81/udp'), ['80/udp', '81/udp']);
  assert.throws(() => parseExpose('81-80'), { message: 'invalid range format for --expose: 81-80' });
});
