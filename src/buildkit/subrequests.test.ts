import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import type { DockerfileCheck } from '#build';
import { answerSubrequest } from './subrequests.ts';

const TEXT = '# base what it is\nFROM busybox AS base\nARG A=1\nRUN --mount=type=secret,id=s true\nFROM base AS last\n';
const clean = { warnings: [], error: undefined, statusCode: 0 } as unknown as DockerfileCheck;

async function ask(name: string, check: DockerfileCheck = clean) {
  const answer = await answerSubrequest(name, {
    path: 'Dockerfile',
    text: TEXT,
    request: {},
    check: async () => check,
  });
  const texts = Object.fromEntries(Object.entries(answer).map(([key, value]) => [key, Buffer.from(value).toString()]));
  return { texts, json: JSON.parse(texts['result.json']!) as Record<string, unknown> };
}

test('targets with what their comments say, the last one by default', async () => {
  const { json, texts } = await ask('frontend.targets');
  const { targets } = json as { targets: { name: string; default?: boolean; description?: string }[] };
  assert.deepEqual(
    targets.map(({ name, default: isDefault, description }) => [name, isDefault, description ?? '']),
    [
      ['base', undefined, 'what it is'],
      ['last', true, ''],
    ],
  );
  assert.match(texts['result.txt']!, /^TARGET\tDESCRIPTION\nbase\twhat it is\nlast \(default\)\t\n$/);
  assert.equal(texts['version'], '1.0.0');
});

test('the outline has arguments and mounts', async () => {
  const { json, texts } = await ask('frontend.outline');
  const { args, secrets } = json as unknown as { args: { name: string; value: string }[]; secrets: { name: string }[] };
  assert.deepEqual(
    args.map(({ name, value }) => [name, value]),
    [['A', '1']],
  );
  assert.deepEqual(
    secrets.map(({ name }) => name),
    ['s'],
  );
  assert.match(texts['result.txt']!, /^TARGET:\tlast\n/);
});

test('a check ends with 1 when there is something to say, and has the place of an error', async () => {
  assert.equal((await ask('frontend.lint')).texts['result.statuscode'], '0');
  const range = { start: 2, end: 2 };
  const warning = { rule: 'R', description: 'd', url: '', detail: 'it is so', range };
  const warned = await ask('frontend.lint', { ...clean, warnings: [warning] } as unknown as DockerfileCheck);
  assert.equal(warned.texts['result.statuscode'], '1');
  assert.match(warned.texts['result.txt']!, /WARNING: R\nit is so\nDockerfile:2\n/);
  const error = new SkiffError('invalid', 'x.y', 'no', { details: { line: 3, endLine: 4 } });
  const { json } = await ask('frontend.lint', { ...clean, error });
  assert.deepEqual(json['buildError'], {
    message: 'no',
    location: { ranges: [{ start: { line: 3 }, end: { line: 4 } }] },
  });
});

test('what can be asked is told; anything else is refused by its name', async () => {
  const { texts } = await ask('frontend.subrequests.describe');
  assert.match(texts['result.txt']!, /outline\t[^]*lint\t[^]*targets\t/);
  await assert.rejects(ask('frontend.other'), { code: 'buildkit.noSubrequest', message: /frontend\.other/ });
});
