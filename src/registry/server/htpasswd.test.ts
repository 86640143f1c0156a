import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { openHtpasswd, parseHtpasswd } from './htpasswd.ts';

/** Made by Apache's `htpasswd -nbB -C 4`: of `secret` and `other`. */
const SECRET = '$2y$04$KICL9lno56Dlrd6MMvS9QuJklDLupgAwu5/iOcP5og8LgJqOEYKei';
const OTHER = '$2y$04$fHs8pG0W5H4/HFnjlfix3O5C/0QGMR6kfcBhyfrfaTi8FDqa3muU2';
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

test('users of an htpasswd file get in with their password', async () => {
  const folder = mkdtempSync(`${tmpdir()}/skiff-htpasswd-`);
  try {
    const path = `${folder}/users`;
    const problems: unknown[] = [];
    writeFileSync(path, `# people\nann:${SECRET}\n\nbob:${OTHER}\n`);
    const { verify } = openHtpasswd(path, 'here', (error) => problems.push(error));
    const check = async (header: string | undefined, user: string | undefined): Promise<void> =>
      assert.equal(await verify(header), user, String(header));
    for (const _ of [1, 2]) {
      await check(basic('ann', 'secret'), 'ann');
      await check(basic('ann', 'other'), undefined);
      await check(basic('bob', 'other'), 'bob');
      await check(basic('nobody', 'secret'), undefined);
    }
    for (const header of [undefined, '', 'Basic', 'Basic !', 'Bearer x', basic('', 'x'), 'Basic YW5u']) {
      await check(header, undefined);
    }
    // Another size, so that it is seen whatever the clock's grain.
    writeFileSync(path, `ann:${OTHER}\n`);
    await check(basic('ann', 'secret'), undefined);
    await check(basic('ann', 'other'), 'ann');
    await check(basic('bob', 'other'), undefined);
    writeFileSync(path, 'broken');
    await check(basic('ann', 'other'), 'ann');
    assert.equal(problems.length, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('parseHtpasswd() says which line it cannot use', () => {
  const check = (line: string, code: string): void =>
    assert.throws(
      () => parseHtpasswd(`ann:${SECRET}\n${line}\n`, '/users'),
      (error: Error) => {
        assert.match(error.message, /^\/users, line 2: /);
        return 'code' in error && error.code === `htpasswd.${code}`;
      },
    );
  check('no colon', 'badLine');
  check('bob:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=', 'notBcrypt');
  check('bob:$apr1$7tqCFYJ6$UjoxRk1CrQNuFp/tMqxUK/', 'notBcrypt');
  check('bob:plain', 'notBcrypt');
});
