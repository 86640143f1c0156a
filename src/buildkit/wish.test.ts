import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWish } from './wish.ts';

test('readWish() reads what buildx sends', () => {
  const wish = readWish(
    {
      ...{
        filename: 'Other',
        target: 'last',
        'no-cache': '',
        'build-arg:A': 'b',
        'label:x': 'y',
        platform: 'linux/amd64',
      },
      ...{ 'context:more': 'local:more', 'add-hosts': 'a=1.2.3.4', 'shm-size': '1000', ulimit: 'nofile=1:2,nproc=3' },
      ...{ hostname: 'here', 'image-resolve-mode': 'pull', 'vcs:revision': 'abc', 'local-sessionid:context': 's' },
    },
    ['network.host'],
  );
  assert.deepEqual(wish.request.buildArgs, { BUILDKIT_SANDBOX_HOSTNAME: 'here', A: 'b' });
  assert.deepEqual([wish.dockerfile, wish.request.target, wish.request.noCache], ['Other', 'last', true]);
  assert.deepEqual(wish.request.namedContexts, { more: 'local:more' });
  assert.equal(wish.alwaysPulls, true);
  assert.deepEqual(wish.settings.extraHosts, ['a=1.2.3.4']);
  assert.deepEqual(wish.settings.rights, ['network.host']);
  assert.deepEqual(wish.settings.rlimits, [
    { type: 'RLIMIT_NOFILE', soft: 1, hard: 2 },
    { type: 'RLIMIT_NPROC', soft: 3, hard: 3 },
  ]);
});

test('readWish() refuses by name what it cannot honour', () => {
  const check = (attributes: Record<string, string>, words: RegExp, rights: readonly string[] = []): void =>
    assert.throws(() => readWish(attributes, rights), { code: 'buildkit.unsupported', message: words });
  check({ contextsubdir: 'x' }, /a folder within the context/);
  check({ nosuch: '1' }, /the attribute nosuch=1/);
  check({ memory: 'much' }, /memory=much/);
  check({ ulimit: 'nofile' }, /the limit nofile/);
  check({}, /the right device/, ['device']);
});

test('readWish() reads platforms, statements and caches', () => {
  const wish = readWish(
    {
      platform: 'linux/amd64,linux/arm64/v8,linux/amd64',
      'attest:provenance': 'mode=min,inline-only=true',
      'cache-imports': '[{"Type":"registry","Attrs":{"ref":"a"}}]',
    },
    [],
  );
  assert.deepEqual(
    wish.request.targetPlatforms?.map(({ architecture }) => architecture),
    ['amd64', 'arm64'],
  );
  assert.equal(wish.isList, true);
  assert.equal(wish.attest.provenance?.isInlineOnly, true);
  assert.deepEqual(wish.cacheImports, [{ Type: 'registry', Attrs: { ref: 'a' } }]);
  assert.equal(readWish({ platform: 'linux/amd64' }, []).isList, false);
  assert.equal(readWish({ 'multi-platform': 'true' }, []).isList, true);
});
