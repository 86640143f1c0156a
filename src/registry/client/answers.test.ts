import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeAuthHeader, encodeAuthHeader, hostOfServer } from './auth-config.ts';
import { parseChallenges } from './challenge.ts';
import { connectionFailure } from './failures.ts';
import { parseContentRange, parseNextLink, parseRetryAfter, parseUploadRange } from './headers.ts';
import { redirectTarget } from './redirects.ts';
import { refusalOf } from './refusals.ts';
import { splitTerm } from './search.ts';
import { parseToken } from './tokens.ts';

test('parseChallenges() reads one challenge, several, and what is left of nonsense', () => {
  const check = (header: string, expected: readonly (readonly [string, Record<string, string>])[]): void =>
    assert.deepEqual(
      parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]),
      expected,
      header,
    );
  check('Bearer realm="https://a/t",service="s",scope="repository:a/b:pull,push"', [
    ['bearer', { realm: 'https://a/t', service: 's', scope: 'repository:a/b:pull,push' }],
  ]);
  check('Basic realm="a \\"b\\" c"', [['basic', { realm: 'a "b" c' }]]);
  check('BASIC Realm=x , BEARER realm = "y" ,scope=z', [
    ['basic', { realm: 'x' }],
    ['bearer', { realm: 'y', scope: 'z' }],
  ]);
  check('Negotiate, Basic realm="x"', [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  check('Negotiate abc==, Basic realm="x"', [
    ['negotiate', {}],
    ['basic', { realm: 'x' }],
  ]);
  check('Bearer a=', [['bearer', {}]]);
  check('Bearer realm="open', [['bearer', {}]]);
  check('', []);
  check('"', []);
  check(', ,', []);
});

test('headers of answers', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const retry = (value: string | undefined, expected: number | undefined): void =>
    assert.equal(parseRetryAfter(value, now), expected, String(value));
  retry('120', 120_000);
  retry('Thu, 01 Jan 2026 00:00:30 GMT', 30_000);
  retry('Wed, 31 Dec 2025 00:00:00 GMT', 0);
  for (const bad of [undefined, '', '-1', '1.5', 'soon', '99999999999', '2026-01-01']) retry(bad, undefined);

  assert.deepEqual(parseContentRange('bytes 5-9/10'), { start: 5, end: 9, total: 10 });
  assert.deepEqual(parseContentRange('bytes 5-9/*'), { start: 5, end: 9, total: undefined });
  for (const bad of [undefined, '', 'bytes */10', 'bytes 9-5/10', 'bytes 5-10/10', 'items 1-2/3', 'bytes -1-2/3']) {
    assert.equal(parseContentRange(bad), undefined, String(bad));
  }
  for (const [value, expected] of [
    ['0-9', 10],
    ['bytes=0-9', 10],
    ['0-0', 0],
    ['0--1', 0],
  ] as const) {
    assert.equal(parseUploadRange(value), expected, String(value));
  }
  for (const bad of [undefined, '', '5-9', '0-', 'x']) assert.equal(parseUploadRange(bad), undefined, String(bad));

  const link = (value: string, expected: string | undefined): void =>
    assert.equal(parseNextLink(value), expected, String(value));
  link('</v2/_catalog?last=a&n=2>; rel="next"', '/v2/_catalog?last=a&n=2');
  link('<a>; rel="prev", <b>; title="x"; rel="last next"', 'b');
  link('<a>;rel=next', 'a');
  for (const bad of ['', '<a>; rel="nextish"', '<a>', 'a; rel="next"', '<a>; rel=nexts']) link(bad, undefined);
});

test("refusalOf() says what a registry said in the words of Docker's client", () => {
  const check = (status: number, body: string, expected: string, headers: Record<string, string> = {}): void =>
    assert.equal(refusalOf({ status, statusText: 'Text', headers, body }, 0).message, expected);
  const one = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });
  check(404, one('MANIFEST_UNKNOWN', 'manifest unknown'), 'manifest unknown: manifest unknown');
  check(404, one('NAME_UNKNOWN', ''), 'name unknown');
  check(
    400,
    JSON.stringify({
      errors: [
        { code: 'A_B', message: 'x' },
        { code: 'C', message: 'y' },
      ],
    }),
    'errors:\na b: x\nc: y\n',
  );
  check(401, one('UNAUTHORIZED', 'authentication required'), 'unauthorized: authentication required');
  const scope = 'Bearer realm="r",error="insufficient_scope"';
  const denied = 'denied: requested access to the resource is denied';
  check(401, one('UNAUTHORIZED', 'x'), denied, { 'www-authenticate': scope });
  check(401, '', 'denied: why', { 'www-authenticate': `${scope},error_description="why"` });
  check(401, '', 'unauthorized: authentication required');
  check(401, '{"details":"incorrect username or password"}', 'unauthorized: incorrect username or password');
  check(403, '<html>', 'denied: <html>');
  check(418, 'nope', 'error parsing HTTP 418 response body: "nope"');
  check(418, '', 'received unexpected HTTP status: 418 Text');
  check(503, '<h1>down</h1>', 'received unexpected HTTP status: 503 Text');
  check(429, '', 'toomanyrequests: too many requests (try again in 1m1s)', { 'retry-after': '61' });
  for (const odd of ['null', '[]', '{"errors":null}', '{"errors":[1,null,{"code":3}]}', '{"errors":{}}']) {
    check(500, odd, 'received unexpected HTTP status: 500 Text');
  }
});

test('connectionFailure() has the words of Go', () => {
  const url = new URL('https://reg.test:5000/v2/?secret=1');
  const check = (code: string, more: object, expected: string): void => {
    const error = Object.assign(new Error('x'), { code, ...more });
    assert.equal(connectionFailure(error, 'GET', url).message, `Get "https://reg.test:5000/v2/": ${expected}`);
  };
  check('ECONNREFUSED', { address: '::1', port: 5000 }, 'dial tcp [::1]:5000: connect: connection refused');
  check('ENOTFOUND', {}, 'dial tcp: lookup reg.test: no such host');
  check('ECONNRESET', {}, 'read: connection reset by peer');
  check('ECONNRESET', { message: 'socket hang up' }, 'EOF');
  check('EPROTO', { message: 'SSL: wrong version number' }, 'http: server gave HTTP response to HTTPS client');
  check('CERT_HAS_EXPIRED', {}, 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid');
  const all = new AggregateError([Object.assign(new Error('y'), { code: 'ENETUNREACH', address: '1.2.3.4', port: 1 })]);
  assert.match(
    connectionFailure(all, 'PUT', url).message,
    /^Put .*dial tcp 1.2.3.4:1: connect: network is unreachable$/,
  );
});

test('decodeAuthHeader() reads what clients send, and says what is wrong with it', () => {
  const auth = { username: 'ann', password: 'ü', serverAddress: 'reg.test' };
  assert.deepEqual(decodeAuthHeader(encodeAuthHeader(auth)), auth);
  const check = (json: string, expected: object): void =>
    assert.deepEqual(decodeAuthHeader(Buffer.from(json).toString('base64url')), expected, json);
  check('{"identitytoken":"i","registrytoken":"r"}', { identityToken: 'i', registryToken: 'r' });
  check('{"auth":"YW5uOng="}', { username: 'ann', password: 'x' });
  check('{"auth":"YW5uOngA","username":"bob"}', { username: 'bob', password: 'x' });
  check('{}', {});
  check('null', {});
  assert.deepEqual(decodeAuthHeader(Buffer.from('{"username":"a?>"}').toString('base64')), { username: 'a?>' });
  for (const nobody of [undefined, '', ' ']) assert.deepEqual(decodeAuthHeader(nobody), {});
  for (const bad of [
    '!',
    'eyJ',
    Buffer.from('[]').toString('base64'),
    Buffer.from('{"username":1}').toString('base64'),
  ]) {
    assert.throws(() => decodeAuthHeader(bad), { code: 'registry.badAuth' }, String(bad));
  }
});

test('hostOfServer() and splitTerm() find the registry', () => {
  const host = (text: string, expected: string): void => assert.equal(hostOfServer(text), expected, text);
  for (const hub of ['', 'https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io', 'docker.io'])
    host(hub, 'docker.io');
  host('https://reg.test:5000/v2/', 'reg.test:5000');
  host('reg.test', 'reg.test');
  assert.deepEqual(splitTerm('library/redis'), { host: 'docker.io', words: 'redis' });
  assert.deepEqual(splitTerm('me/app'), { host: 'docker.io', words: 'me/app' });
  assert.deepEqual(splitTerm('reg.test/app'), { host: 'reg.test', words: 'app' });
});

test('a redirect from HTTPS to HTTP, or to what is no web URL, is refused', () => {
  const from = new URL('https://reg.test/v2/');
  assert.equal(redirectTarget(from, '/x?y').href, 'https://reg.test/x?y');
  for (const bad of ['http://reg.test/', 'file:///etc/passwd', 'http://[', 'javascript:1']) {
    assert.throws(() => redirectTarget(from, bad), { code: 'registry.badRedirect' }, bad);
  }
});

test('parseToken() takes both spellings, at least a minute, and refuses the rest', () => {
  const read = (json: string) => parseToken(Buffer.from(json), 'https://t', 1_000_000);
  assert.deepEqual(read('{"token":"a","expires_in":300}'), { token: 'a', identityToken: '', expiresAtMs: 1_290_000 });
  assert.equal(read('{"access_token":"b","refresh_token":"r","expires_in":1}').expiresAtMs, 1_050_000);
  for (const bad of ['', '[]', '{}', '{"token":1}', '{"token":"a b"}']) {
    assert.throws(() => read(bad), { code: 'registry.badTokenAnswer' }, bad);
  }
});
