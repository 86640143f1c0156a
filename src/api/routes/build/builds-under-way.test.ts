import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Incoming } from '#rpc';
import { BuildsUnderWay } from './builds-under-way.ts';

const here = new AbortController().signal;
const body = (): Incoming => Object.assign(new PassThrough(), { headers: {}, headersDistinct: {} });

test('a build is ended by its name, as long as it is under way, and by another of that name', () => {
  const builds = new BuildsUnderWay();
  const first = builds.begin('a');
  builds.cancel('b');
  assert.equal(first.signal.aborted, false);
  const second = builds.begin('a');
  assert.ok(first.signal.aborted && !second.signal.aborted);
  // The end of the first is not that of the second's name.
  first[Symbol.dispose]();
  builds.cancel('a');
  assert.match(String(second.signal.reason), /context canceled/);
  const nameless = builds.begin('');
  builds.begin('');
  assert.equal(nameless.signal.aborted, false);
});

test('files and their build meet, whoever comes first', async () => {
  const builds = new BuildsUnderWay();
  assert.equal(builds.uploadOf('upload-request:a'), 'a');
  assert.equal(builds.uploadOf('a'), undefined);
  for (const isFirst of [true, false]) {
    const files = body();
    const early = isFirst ? builds.upload('a', files, here) : undefined;
    const waiting = builds.uploaded('a', here);
    const upload = early ?? builds.upload('a', files, here);
    {
      using taken = await waiting;
      assert.equal(taken.body, files);
      assert.equal(await Promise.race([upload.then(() => 'answered'), Promise.resolve('waits')]), 'waits');
    }
    await upload;
  }
});

test('who is left alone waits no longer than its own client, and keeps no name', async () => {
  const builds = new BuildsUnderWay();
  const left = new AbortController();
  const [upload, build] = [builds.upload('a', body(), left.signal), builds.uploaded('b', left.signal)];
  left.abort(new Error('the client has gone'));
  await assert.rejects(upload, /has gone/);
  await assert.rejects(build, /has gone/);
  await assert.rejects(builds.uploaded('a', left.signal), /has gone/);
});
