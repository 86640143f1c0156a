import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { compareNames, parseReference, parseTag, repositoryOf } from './reference.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

test('parseTag() refuses the name of a digest algorithm, which ids begin with', () => {
  assert.throws(() => parseTag('sha256:abc'), { code: 'reference.algorithmTag', kind: 'invalid' });
  assert.equal(parseTag('me/sha256:abc'), 'me/sha256:abc');
});

test('names are told in the order of their full form', () => {
  const names = ['ghcr.io/a:1', 'b:1', 'a:2', 'a:1', 'me/a:1', 'localhost:5000/z:1'];
  assert.deepEqual(names.toSorted(compareNames), ['a:1', 'a:2', 'b:1', 'me/a:1', 'ghcr.io/a:1', 'localhost:5000/z:1']);
});

test('parseTag() gives the familiar name with its tag, latest by default', () => {
  const check = (text: string, expected: string): void => assert.equal(parseTag(text), expected, text);
  check('alpine', 'alpine:latest');
  check('alpine:3.20', 'alpine:3.20');
  check('library/alpine', 'alpine:latest');
  check('docker.io/alpine', 'alpine:latest');
  check('docker.io/library/alpine:edge', 'alpine:edge');
  check('index.docker.io/library/alpine', 'alpine:latest');
  check('docker.io/me/app', 'me/app:latest');
  check('me/app:v1', 'me/app:v1');
  check('library/a/b', 'library/a/b:latest');
  check('ghcr.io/me/app', 'ghcr.io/me/app:latest');
  check('localhost/app', 'localhost/app:latest');
  check('localhost:5000/app:1', 'localhost:5000/app:1');
  check('127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c:latest');
  check('[::1]:5000/app', '[::1]:5000/app:latest');
  check('Host/app', 'Host/app:latest');
  check('a_b__c.d---e:V_1.0-x', 'a_b__c.d---e:V_1.0-x');
});

test('parseReference() tells name, tag and digest apart', () => {
  assert.deepEqual(parseReference('a:1'), {
    name: 'a',
    host: 'docker.io',
    path: 'library/a',
    tag: '1',
    digest: undefined,
  });
  assert.deepEqual(parseReference(`a@${DIGEST}`), {
    name: 'a',
    host: 'docker.io',
    path: 'library/a',
    tag: undefined,
    digest: DIGEST,
  });
  assert.deepEqual(parseReference(`h:5/a:1@${DIGEST}`), {
    name: 'h:5/a',
    host: 'h:5',
    path: 'a',
    tag: '1',
    digest: DIGEST,
  });
});

test("what is no name is refused in Docker's words", () => {
  const check = (text: string, code: string, message: RegExp): void =>
    assert.throws(() => parseTag(text), { code: `reference.${code}`, message }, text);
  const plain = /^invalid reference format$/;
  const bad = ['', ':', ':tag', 'a:', 'a::b', '-a', 'a-', 'a..b', 'a___b', '/a', 'a/', 'a//b', 'a b', 'a:ta g', 'a:-x'];
  for (const text of [...bad, `a:${'x'.repeat(129)}`, 'a@sha256:12', 'a@', 'ho_st.io/a', 'h:port/a', 'ä']) {
    check(text, 'badReference', plain);
  }
  check('Alpine', 'upperCaseName', /repository name \(library\/Alpine\) must be lowercase$/);
  check('ghcr.io/Me/app', 'upperCaseName', /repository name \(Me\/app\) must be lowercase$/);
  check('0a'.repeat(32), 'nameIsId', /cannot specify 64-byte hexadecimal strings$/);
  check('a'.repeat(256), 'nameTooLong', /not be more than 255 characters/);
  check(`a@${DIGEST}`, 'digestTag', /cannot import digest reference/);
});

test('repositoryOf() takes the tag away, not a port', () => {
  assert.equal(repositoryOf('h:5/a:1'), 'h:5/a');
});

test('a name, whatever it is, is read or refused by name, and what is read is read again the same', () => {
  const pieces = [
    'a',
    'Z',
    '0',
    '/',
    ':',
    '@',
    '.',
    '-',
    '_',
    '__',
    '[',
    ']',
    'sha256:',
    'a'.repeat(64),
    'localhost',
    ' ',
    '\0',
    '\u00e9',
    '::1',
    '5000',
  ];
  let state = 99;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  let good = 0;
  for (let turn = 0; turn < 30_000; turn += 1) {
    const text = Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join('');
    try {
      const { name, tag, digest } = parseReference(text);
      const whole = `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
      assert.deepEqual(parseReference(whole), parseReference(text), text);
      good += 1;
    } catch (error) {
      assert.ok(error instanceof SkiffError && error.kind === 'invalid', `${text}: ${String(error)}`);
    }
  }
  assert.ok(good > 500, `${good} of them were names`);
});
