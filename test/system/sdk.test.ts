/** The engine inside this process: what the guide does not show. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { test } from 'node:test';
import { openEngine } from '#sdk';
import { missing } from '../support/needs.ts';

test('an engine in this process: one per folder, refusals leave nothing, its end takes everything down', {
  skip: missing('root'),
}, async () => {
  const folder = mkdtempSync('/tmp/skiff-test-sdk-');
  try {
    let socket = '';
    {
      await using engine = await openEngine({ folder });
      socket = engine.host.replace('unix://', '');
      assert.ok(existsSync(socket));
      await assert.rejects(openEngine({ folder }), /already|in use|another/i);
      await assert.rejects(engine.run({ Image: 'hello', Entrypoint: ['/no-such-program'] }), /no such file|not found/i);
      assert.deepEqual(await engine.containers.list({ all: true }), []);
      await using left = await engine.run({ Image: 'hello' });
      assert.equal(await left.wait(), 0);
    }
    assert.equal(existsSync(socket), false);
    await assert.rejects(openEngine({ folder, flags: ['--no-such-flag'] }), /no-such-flag/);
    await using again = await openEngine({ folder });
    assert.deepEqual(await again.containers.list({ all: true }), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
