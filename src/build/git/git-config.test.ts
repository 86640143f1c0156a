import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gitConfig, isSshUrl, secretNames, sshCommand, withoutCredentials } from './git-config.ts';

test('credentials go into the section of their host alone, and nothing can break out of it', () => {
  const none = { header: undefined, token: undefined };
  assert.doesNotMatch(gitConfig('https://host/a.git', none), /extraHeader/);
  const token = gitConfig('https://me@host:8443/a.git', { ...none, token: 'abc' });
  const expected = Buffer.from('x-access-token:abc').toString('base64');
  assert.ok(token.includes(`[http "https://host:8443/"]\n\textraHeader = "Authorization: Basic ${expected}"\n`), token);
  const header = gitConfig('http://host/a.git', { token: 'unused', header: 'Bearer "x\\y\n[core]\n\thooksPath = /h' });
  assert.ok(header.includes('extraHeader = "Authorization: Bearer \\"x\\\\y[core]\thooksPath = /h"\n'), header);
  // Not over SSH, and not to a host there is none of.
  assert.doesNotMatch(gitConfig('git@host:a.git', { ...none, token: 'abc' }), /extraHeader/);
  assert.doesNotMatch(gitConfig('ssh://host/a.git', { ...none, token: 'abc' }), /extraHeader/);
});

test('secrets are looked for by the host with its port, the host, and without', () => {
  const check = (url: string, names: readonly string[]): void =>
    assert.deepEqual(secretNames('GIT_AUTH_TOKEN', url), names, url);
  check('https://host:8443/a.git', ['GIT_AUTH_TOKEN.host:8443', 'GIT_AUTH_TOKEN.host', 'GIT_AUTH_TOKEN']);
  check('https://host/a.git', ['GIT_AUTH_TOKEN.host', 'GIT_AUTH_TOKEN']);
  check('git@host:a.git', ['GIT_AUTH_TOKEN']);
});

test('what is fetched over SSH is told by the URL, and nobody is asked and nothing of the user taken', () => {
  for (const url of ['ssh://git@host/a.git', 'git@host:a.git', 'SSH://host/a']) assert.ok(isSshUrl(url), url);
  for (const url of ['https://host/a.git', 'git://host/a.git']) assert.ok(!isSshUrl(url), url);
  assert.match(
    sshCommand('/run/x'),
    /^ssh -F \/dev\/null .*BatchMode=yes.*UserKnownHostsFile=\/run\/x.*IdentityFile=none/,
  );
});

test('URLs are told without names and passwords', () => {
  const check = (url: string, told: string): void => assert.equal(withoutCredentials(url), told);
  check('https://me:secret@host/a.git', 'https://host/a.git');
  check('https://host/a.git', 'https://host/a.git');
  check('git@host:a.git', 'git@host:a.git');
});
