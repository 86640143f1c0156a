import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf } from '#base';
import { minorVersion, stripVersion } from './version.ts';

function check(path: string, expected: string): void {
  let result: string;
  try {
    result = stripVersion(path);
  } catch (error) {
    result = messageOf(error);
  }
  assert.equal(result, expected, path);
}

test('a version in front of the path is taken off, when it is one we speak', () => {
  check('/info', '/info');
  check('/v1.24/info', '/info');
  check('/v1.55/containers/json', '/containers/json');
  check(
    '/v1.23/info',
    'client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  );
  check(
    '/v0.9/info',
    'client version 0.9 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  );
  check('/v1.41.2/info', '/info');
  check(
    '/v1/info',
    'client version 1 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version',
  );
  check('/v1.56/info', 'client version 1.56 is too new. Maximum supported API version is 1.55');
  check('/v1.240/info', 'client version 1.240 is too new. Maximum supported API version is 1.55');
  check('/v2.0/info', 'client version 2.0 is too new. Maximum supported API version is 1.55');
});

test('what is no version is part of the path', () => {
  for (const path of ['/v1.41', '/vx/info', '/v/info', '/x/v1.41/info']) check(path, path);
});

test('without a version it is the newest', () => {
  assert.equal(minorVersion(new URL('http://localhost/info')), 55);
  assert.equal(minorVersion(new URL('http://localhost/v1.30/info')), 30);
});
