import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf } from '#base';
import { checkedBody } from './body-shape.ts';
import { createBody } from './body-shapes.ts';

function check(body: unknown, expected: string): void {
  let message = '';
  try {
    checkedBody(body, createBody);
  } catch (error) {
    message = messageOf(error);
  }
  assert.equal(message, expected, JSON.stringify(body));
}

test('a field of a wrong type is refused by its name', () => {
  check([], 'invalid JSON: the body has to be an object, and is []');
  check({ Image: 5 }, 'invalid JSON: Image has to be a string, and is 5');
  check({ Cmd: { a: 1 } }, 'invalid JSON: Cmd has to be a list of strings, and is {"a":1}');
  check({ Env: ['A=1', 2] }, 'invalid JSON: Env has to be a list of strings, and is ["A=1",2]');
  check({ Labels: { a: 1 } }, 'invalid JSON: Labels has to be an object of strings, and is {"a":1}');
  check(
    { ExposedPorts: { '80/tcp': 1 } },
    'invalid JSON: ExposedPorts has to be an object of objects, and is {"80/tcp":1}',
  );
  check({ Tty: 'yes' }, 'invalid JSON: Tty has to be true or false, and is "yes"');
  check({ HostConfig: { Memory: '512m' } }, 'invalid JSON: HostConfig.Memory has to be an integer, and is "512m"');
  check({ HostConfig: { Memory: 1.5 } }, 'invalid JSON: HostConfig.Memory has to be an integer, and is 1.5');
  check({ HostConfig: { Devices: {} } }, 'invalid JSON: HostConfig.Devices has to be a list, and is {}');
  check(
    { HostConfig: { Mounts: [{ Type: 'bind' }, { Target: 7 }] } },
    'invalid JSON: HostConfig.Mounts[1].Target has to be a string, and is 7',
  );
});

test('what is absent, null or unknown is let through', () => {
  check(undefined, '');
  check({ Image: null, HostConfig: null, Whatever: { is: 1 } }, '');
  check({ Cmd: 'sh', HostConfig: { ConsoleSize: [24, 80], LogConfig: { Type: 'none', Config: null } } }, '');
});
