import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Step } from '../../graph.ts';
import { AMD64, ARM64, FakeSources, planText } from '../fake-sources.ts';
import type { BuildRequest } from './build-request.ts';
import { fileNameOf, parseContext } from './contexts.ts';

test('parseContext() knows what a context can be', () => {
  const cases: readonly (readonly [value: string, expected: Record<string, unknown>])[] = [
    ['docker-image://alpine', { kind: 'image', reference: 'docker.io/library/alpine:latest' }],
    ['docker-image:r.io/a:1', { kind: 'image', reference: 'r.io/a:1' }],
    ['oci-layout://x@sha256:1', { kind: 'image', reference: 'oci-layout://x@sha256:1' }],
    ['local:dir', { kind: 'local', name: 'dir' }],
    ['https://x/a.tar', { kind: 'http', url: 'https://x/a.tar' }],
    ['http://x', { kind: 'http', url: 'http://x' }],
  ];
  for (const [value, expected] of cases) assert.deepEqual(parseContext('n', value), expected, value);
  const git = parseContext('n', 'https://x/a.git#main');
  assert.ok(git.kind === 'git' && git.git.ref === 'main');
  for (const value of ['', 'dir', './dir', 'ftp://x', 'local:', 'https://']) {
    assert.throws(() => parseContext('n', value), { code: 'dockerfile.badContext' }, value);
  }
  assert.deepEqual(parseContext('n', 'input:a:x'), { kind: 'result', input: 'a:x' });
  assert.throws(() => parseContext('n', 'target:x'), { code: 'dockerfile.unlinked', kind: 'invalid' });
  assert.throws(() => parseContext('n', 'docker-image://A'), { code: 'dockerfile.badBase' });
});

test('fileNameOf() is the last part of a path', () => {
  assert.equal(fileNameOf('https://x/a/b.tar?c#d'), 'b.tar');
  assert.equal(fileNameOf('https://x/..'), '__unnamed__');
  assert.equal(fileNameOf('https://x/%'), '%');
});

/** Kinds and whereabouts of the steps. */
async function sourcesOf(text: string, request: Partial<BuildRequest>): Promise<unknown[]> {
  const { steps } = await planText(text, request, new FakeSources({ 'oci-layout://x@sha256:1': {} }));
  return steps.map((step: Step) => {
    if (step.kind === 'image') return ['image', step.reference.replace(/@sha256:0+/, '')];
    if (step.kind === 'local') return ['local', step.context, step.excludes, step.paths];
    if (step.kind === 'git' || step.kind === 'http') return [step.kind, step.url];
    return step.kind;
  });
}

test('a named context is taken in place of a stage, of an image, or of what --from names', async () => {
  const local = (paths: readonly string[]): unknown[] => ['local', 'dir', ['dir-ignored'], paths];
  const named = (name: string): Partial<BuildRequest> => ({ namedContexts: { [name]: 'local:dir' } });
  assert.deepEqual(await sourcesOf('FROM alpine', named('alpine')), [local([]), 'files']);
  assert.deepEqual(await sourcesOf('FROM alpine', named('alpine:latest')), [local([]), 'files']);
  assert.deepEqual(await sourcesOf('FROM alpine:latest', named('docker.io/library/alpine')), [local([]), 'files']);
  assert.deepEqual(await sourcesOf('FROM scratch\nCOPY --from=proj a b', named('proj')), [local(['a']), 'files']);
  assert.deepEqual(await sourcesOf('FROM scratch\nRUN --mount=from=Proj,source=x,target=/m a', named('Proj')), [
    local(['x']),
    'run',
  ]);
  assert.deepEqual(await sourcesOf('FROM nosuch AS dep\nRUN x\nFROM scratch\nCOPY --from=dep a b', named('dep')), [
    local(['a']),
    'files',
  ]);
  assert.deepEqual(await sourcesOf('FROM nosuch AS dep\nRUN x', named('DEP')), [local([]), 'files']);
  assert.deepEqual(await sourcesOf('FROM scratch\nCOPY a b', named('scratch')), [
    ['local', 'context', [], ['a']],
    'files',
  ]);
});

test('contexts are of every kind', async () => {
  const from = (value: string): Promise<unknown[]> =>
    sourcesOf('FROM scratch\nCOPY --from=n a b', { namedContexts: { n: value } });
  assert.deepEqual(await from('docker-image://debian'), [['image', 'docker.io/library/debian:latest'], 'files']);
  assert.deepEqual(await from('oci-layout://x@sha256:1'), [['image', 'oci-layout://x@sha256:1'], 'files']);
  assert.deepEqual(await from('https://x/a.git'), [['git', 'https://x/a.git'], 'files']);
  assert.deepEqual(await from('https://x/a.tar'), [['http', 'https://x/a.tar'], 'files']);
});

test('a named context can be for one platform', async () => {
  const namedContexts = { 'n::linux/arm64': 'local:arm', n: 'local:any' };
  const contexts = async (targetPlatforms: BuildRequest['targetPlatforms']): Promise<unknown[]> => {
    const steps = await sourcesOf('FROM scratch\nCOPY --from=n a b', {
      namedContexts,
      targetPlatforms: targetPlatforms!,
    });
    return steps.flatMap((step) => (Array.isArray(step) ? step[1] : []));
  };
  assert.deepEqual(await contexts([AMD64]), ['any']);
  assert.deepEqual(await contexts([ARM64]), ['arm']);
  assert.deepEqual(await contexts([AMD64, ARM64]), ['any', 'arm']);
});

test('the main context can be a repository or a download', async () => {
  const main = (mainContext: string, buildArgs = {}): Promise<unknown[]> =>
    sourcesOf('FROM scratch\nCOPY a b', { mainContext, buildArgs });
  assert.deepEqual(await main('https://x/a.git#v1'), [['git', 'https://x/a.git'], 'files']);
  assert.deepEqual(await main('https://x/a.tar.gz'), [['http', 'https://x/a.tar.gz'], 'files', 'files']);
  const { steps } = await planText('FROM scratch\nCOPY a b', {
    mainContext: 'https://x/a.git',
    buildArgs: { BUILDKIT_CONTEXT_KEEP_GIT_DIR: '1' },
  });
  assert.ok(steps[0]?.kind === 'git' && steps[0].keepsGitFolder);
});

test('SOURCE_DATE_EPOCH is a number, or a source that has a time', async () => {
  const dateOf = async (epoch: string, text = 'FROM scratch', request: Partial<BuildRequest> = {}) => {
    const { sourceDate, steps } = await planText(text, { ...request, buildArgs: { SOURCE_DATE_EPOCH: epoch } });
    return sourceDate?.kind === 'step' ? steps[sourceDate.step]?.kind : sourceDate?.seconds;
  };
  assert.equal(await dateOf('0'), 0);
  assert.equal(await dateOf('1700000000'), 1_700_000_000);
  assert.equal(await dateOf(''), undefined);
  assert.equal(await dateOf('context', 'FROM scratch', { mainContext: 'https://x/a.git' }), 'git');
  assert.equal(await dateOf('n', 'FROM scratch', { namedContexts: { n: 'https://x/a.tar' } }), 'http');
  assert.equal(await dateOf('src', 'FROM scratch AS src\nADD https://x/a.git /\nFROM scratch'), 'git');
  for (const bad of ['yesterday', '-1', '1.5', 'context', 'src']) {
    await assert.rejects(dateOf(bad), { message: `invalid SOURCE_DATE_EPOCH: ${bad}` });
  }
});

test('a stage begins with the result of another build, with its config and history', async () => {
  const request = { namedContexts: { base: 'input:base' } };
  const plan = await planText('FROM base\nRUN env\nFROM scratch\nCOPY --from=base /a /\n', { ...request, target: '0' });
  const [output] = plan.outputs;
  const env = ['FROM_BASE=1', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  assert.deepEqual(
    plan.steps.map(({ kind }) => kind),
    ['result', 'run'],
  );
  assert.deepEqual([output?.config.env, output?.config.workingDirectory, output?.author], [env, '/base', 'them']);
  assert.equal(output?.history[0]?.createdBy, 'base');
  const copied = await planText('FROM scratch\nCOPY --from=base /a /\n', request);
  assert.deepEqual(
    copied.steps.map(({ kind }) => kind),
    ['result', 'files'],
  );
  await assert.rejects(planText('FROM x', { namedContexts: { x: 'input:other' } }), { code: 'buildkit.noInput' });
});

test('a stage that begins with files of the client has them in a tree of its own', async () => {
  const request = { namedContexts: { base: 'local:base' } };
  const plan = await planText('FROM base\nRUN true\n', request);
  assert.deepEqual(
    plan.steps.map(({ kind }) => kind),
    ['local', 'files', 'run'],
  );
  const [local] = plan.steps;
  assert.ok(local?.kind === 'local' && local.paths.length === 0, 'all of them are sent');
});
