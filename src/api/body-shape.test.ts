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

test('fields are read in any case, and null is as good as nothing', () => {
  const given = {
    image: 'a',
    CMD: 'sh',
    labels: { Key: null },
    hostconfig: { networkmode: 'none', portbindings: { '80/tcp': [null, { hostport: '8' }] }, mounts: [null] },
    networkingConfig: { endpointsConfig: { Net: { aliases: ['x'] }, other: null } },
    unknown: 1,
  };
  assert.deepEqual(checkedBody(given, createBody), {
    Image: 'a',
    Cmd: ['sh'],
    Labels: { Key: '' },
    HostConfig: { NetworkMode: 'none', PortBindings: { '80/tcp': [{}, { HostPort: '8' }] }, Mounts: [{}] },
    NetworkingConfig: { EndpointsConfig: { Net: { Aliases: ['x'] }, other: null } },
    unknown: 1,
  });
  // The last of several counts, as with Go.
  assert.deepEqual(checkedBody({ Image: 'a', image: 'b' }, createBody), { Image: 'b' });
});

test('numbers are those an int64 holds', () => {
  check({ HostConfig: { Memory: 2 ** 63 } }, '');
  check(
    { HostConfig: { Memory: 1e20 } },
    'invalid JSON: HostConfig.Memory has to be an integer, and is 100000000000000000000',
  );
  check(
    { HostConfig: { ConsoleSize: [-1, 2] } },
    'invalid JSON: HostConfig.ConsoleSize has to be a list of integers, none below 0, and is [-1,2]',
  );
  check(
    { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 80 }] } } },
    'invalid JSON: HostConfig.PortBindings["80/tcp"][0].HostPort has to be a string, and is 80',
  );
});
