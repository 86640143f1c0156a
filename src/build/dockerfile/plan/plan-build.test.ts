import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { formatPlatform } from '#specs';
import type { CopyAction, FilesStep, Step } from '../../graph.ts';
import { AMD64, ARM64, FakeSources, planText, withoutWord } from '../fake-sources.ts';
import type { BuildRequest } from './build-request.ts';

const kinds = (steps: readonly Step[]): string[] => steps.map(({ kind }) => kind);

async function checkRefused(
  cases: readonly (readonly [
    text: string,
    message: string,
    line?: number | undefined,
    request?: Partial<BuildRequest>,
  ])[],
): Promise<void> {
  for (const [text, message, line, request] of cases) {
    await assert.rejects(planText(text, request), (error) => {
      assert.ok(error instanceof SkiffError, String(error));
      assert.equal(withoutWord(error.message), message, text);
      if (line !== undefined) assert.equal(error.details['line'], line, text);
      return true;
    });
  }
}

test('only the stages a target needs are planned', async () => {
  const text = `
FROM alpine AS a
RUN a
FROM debian AS b
RUN b
FROM a AS c
COPY --from=b /x /y
FROM scratch AS d
RUN d`;
  const runs = async (target?: string): Promise<string[]> => {
    const sources = new FakeSources();
    const { steps } = await planText(text, target === undefined ? {} : { target }, sources);
    const argv = steps.flatMap((step) => (step.kind === 'run' ? step.argv.slice(-1) : []));
    return [...argv, ...sources.asked.map((name) => name.split(/[/:]/)[2]!)];
  };
  assert.deepEqual(await runs(), ['d']);
  assert.deepEqual(await runs(''), ['d']);
  assert.deepEqual(await runs('a'), ['a', 'alpine']);
  assert.deepEqual(await runs('A'), ['a', 'alpine']);
  assert.deepEqual(await runs('c'), ['a', 'b', 'alpine', 'debian']);
  assert.deepEqual(await runs('0'), ['a', 'alpine']);
  assert.deepEqual(await runs('2'), ['a', 'b', 'alpine', 'debian']);
  await checkRefused([
    [text, 'target stage "nope" could not be found', undefined, { target: 'nope' }],
    [text, 'target stage "9" could not be found', undefined, { target: '9' }],
    [
      'FROM a AS build',
      'target stage "biuld" could not be found (did you mean build?)',
      undefined,
      { target: 'biuld' },
    ],
  ]);
});

test('stages are built from stages, with all they have', async () => {
  const { steps, outputs } = await planText(
    'FROM alpine AS a\nENV x=1\nWORKDIR /w\nUSER u\nLABEL l=1\nCMD ["c"]\nRUN a\nFROM a AS b\nRUN b\nFROM b',
  );
  assert.deepEqual(kinds(steps), ['image', 'files', 'run', 'run']);
  const [output] = outputs;
  assert.equal(output!.root, 3);
  const { user, workingDirectory, labels, command } = output!.config;
  assert.deepEqual([user, workingDirectory, labels, command], ['u', '/w', { l: '1' }, ['c']]);
  assert.equal(output!.history.length, 7);
});

test('COPY --from takes stages by name and number, images, and nothing at all', async () => {
  const source = async (from: string): Promise<Step | undefined> => {
    const { steps } = await planText(
      `FROM debian AS one\nRUN x\nFROM scratch AS empty\nFROM alpine\nCOPY --from=${from} /a /b`,
    );
    const copy = (steps.at(-1) as FilesStep).actions[0] as CopyAction;
    return steps[copy.from];
  };
  assert.equal((await source('one'))?.kind, 'run');
  assert.equal((await source('ONE'))?.kind, 'run');
  assert.equal((await source('0'))?.kind, 'run');
  assert.equal((await source('debian'))?.kind, 'image');
  assert.deepEqual(await source('scratch'), {
    kind: 'files',
    name: '[internal] empty',
    ignoresCache: false,
    root: undefined,
    actions: [],
  });
  assert.equal((await source('empty'))?.kind, 'files');
  await checkRefused([
    ['FROM alpine\nCOPY --from=7 a b', 'invalid stage index 7', 1],
    [
      'FROM alpine AS a\nCOPY --from=b a b\nFROM alpine AS b',
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
      2,
      { target: 'a' },
    ],
    [
      'FROM alpine\nRUN --mount=from=b,target=/x a\nFROM alpine AS b',
      'cannot mount from stage "b" to "stage-0", stage needs to be defined before current command',
      2,
      { target: '0' },
    ],
    ['FROM alpine AS a\nCOPY --from=a a b', 'circular dependency detected on stage: a', 2],
    [
      'FROM alpine AS a\nCOPY --from=b a b\nFROM a AS b',
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
      2,
    ],
    ['FROM alpine\nCOPY --from=nosuch a b', 'nosuch: not found', 2],
    ['FROM alpine\nCOPY --from=debain a b', 'debain: not found (did you mean debian?)', 2],
    [
      'FROM alpine\nCOPY --from=a/UPPER a b',
      'failed to parse stage name "a/UPPER": invalid reference format: repository name (a/UPPER) must be lowercase',
      2,
    ],
  ]);
});

test('base names have variables of the file, and are refused when they are none', async () => {
  const asked = async (text: string, buildArgs: Record<string, string> = {}): Promise<string[]> => {
    const sources = new FakeSources({ 'docker.io/library/x:1': {}, 'r.io/a/b:latest': {}, 'r.io/a/b@sha256:x': {} });
    await planText(text, { buildArgs }, sources);
    return sources.asked;
  };
  assert.deepEqual(await asked('FROM alpine'), ['docker.io/library/alpine:latest amd64']);
  assert.deepEqual(await asked('FROM x:1'), ['docker.io/library/x:1 amd64']);
  assert.deepEqual(await asked('FROM r.io/a/b'), ['r.io/a/b:latest amd64']);
  assert.deepEqual(await asked('ARG n=x v=1\nFROM $n:${v}'), ['docker.io/library/x:1 amd64']);
  assert.deepEqual(await asked('ARG n\nFROM $n', { n: 'x:1' }), ['docker.io/library/x:1 amd64']);
  assert.deepEqual(await asked('FROM alp${x:-ine}'), ['docker.io/library/alpine:latest amd64']);
  assert.deepEqual(await asked('FROM "alpine"'), ['docker.io/library/alpine:latest amd64']);
  assert.deepEqual(await asked('FROM scratch'), []);
  assert.deepEqual(await asked('FROM alpine AS a\nFROM alpine'), ['docker.io/library/alpine:latest amd64']);
  await checkRefused([
    ['FROM $x', 'base name ($x) should not be blank', 1],
    ['FROM nosuch', 'nosuch: not found', 1],
    ['FROM alpin', 'alpin: not found (did you mean alpine?)', 1],
    ['FROM alpine AS builder\nFROM bulider', 'bulider: not found (did you mean builder?)', 2],
    [
      'FROM Alpine',
      'failed to parse stage name "Alpine": invalid reference format: repository name (library/Alpine) must be lowercase',
      1,
    ],
    ['FROM a:', 'failed to parse stage name "a:": invalid reference format', 1],
    ['FROM ${a', "syntax error: missing '}'", 1],
    ['FROM --platform=$x alpine', 'empty platform value from expression $x', 1],
    [
      'FROM --platform=$BULIDPLATFORM alpine',
      'empty platform value from expression $BULIDPLATFORM (did you mean BUILDPLATFORM?)',
      1,
    ],
    [
      'FROM --platform=a/b/c/d alpine',
      'failed to parse platform a/b/c/d: "a/b/c/d": cannot parse platform specifier: invalid argument',
      1,
    ],
  ]);
});

test('each platform has an output, and they share what they have in common', async () => {
  const sources = new FakeSources();
  const request = { targetPlatforms: [AMD64, ARM64] };
  const text = `FROM --platform=$BUILDPLATFORM debian AS build
RUN compile
ARG TARGETARCH
RUN link $TARGETARCH
FROM alpine
COPY --from=build /x /y
COPY z /`;
  const { steps, outputs } = await planText(text, request, sources);
  assert.deepEqual(
    outputs.map(({ platform }) => formatPlatform(platform)),
    ['linux/amd64', 'linux/arm64'],
  );
  assert.deepEqual(
    sources.asked.map((name) => name.replace('docker.io/library/', '')),
    ['debian:latest amd64', 'alpine:latest amd64', 'alpine:latest arm64'],
  );
  assert.deepEqual(kinds(steps), [
    ...['image', 'run', 'run', 'image', 'files', 'local', 'files'],
    ...['run', 'image', 'files', 'files'],
  ]);
  const names = steps.map(({ name }) => name.replace(/@.*/, ''));
  assert.equal(names[1], '[linux/amd64 build 2/3] RUN compile');
  assert.equal(names[8], '[linux/arm64 stage-1 1/3] FROM docker.io/library/alpine:latest');
});

test('without a platform asked for, the output has that of its base', async () => {
  const sources = new FakeSources({ 'docker.io/library/arm:latest': { platform: ARM64 } });
  const implicit = await planText('FROM arm', {}, sources);
  assert.deepEqual(implicit.outputs[0]!.platform, ARM64);
  assert.deepEqual(implicit.warnings, []);
  const explicit = await planText('FROM arm', { targetPlatforms: [AMD64] }, sources);
  assert.deepEqual(explicit.outputs[0]!.platform, AMD64);
  assert.deepEqual(
    explicit.warnings.map(({ rule, detail, url }) => [rule, detail, url]),
    [
      [
        'InvalidBaseImagePlatform',
        'Base image arm was pulled with platform "linux/arm64", expected "linux/amd64" for current build',
        '',
      ],
    ],
  );
});

test('triggers of the base run first, and are not passed on', async () => {
  const base = { config: { onBuild: ['RUN a', 'COPY --from=one /x /y', 'ENV t=1', 'ARG q=2'] } };
  const sources = new FakeSources({ 'docker.io/library/base:latest': base });
  const { steps, outputs } = await planText('FROM alpine AS one\nFROM base\nRUN b\nENV u=$t', {}, sources);
  assert.deepEqual(
    steps.map(({ name }) => name.replace(/@.*/, '')),
    [
      '[stage-1 1/4] FROM docker.io/library/base:latest',
      '[stage-1 2/4] RUN a',
      '[one 1/1] FROM docker.io/library/alpine:latest',
      '[stage-1 3/4] COPY --from=one /x /y',
      '[stage-1 4/4] RUN b',
    ],
  );
  assert.deepEqual(outputs[0]!.config.onBuild, []);
  assert.deepEqual(outputs[0]!.config.env.slice(1), ['t=1', 'u=1']);
  const own = await planText('FROM alpine AS a\nONBUILD RUN x\nRUN y\nFROM a AS b\nRUN z\nFROM b');
  assert.deepEqual(
    own.steps.flatMap((step) => (step.kind === 'run' ? step.argv.slice(2) : [])),
    ['y', 'x', 'z'],
  );
  assert.deepEqual((await planText('FROM alpine\nONBUILD RUN x')).outputs[0]!.config.onBuild, ['RUN x']);
});

test('triggers that are none are refused at the FROM they came with', async () => {
  const refused = async (trigger: string): Promise<string> => {
    const sources = new FakeSources({ 'docker.io/library/base:latest': { config: { onBuild: [trigger] } } });
    try {
      await planText('# x\nFROM base', {}, sources);
    } catch (error) {
      assert.ok(error instanceof SkiffError);
      return `${error.details['line']} ${error.message}`;
    }
    return 'planned';
  };
  assert.equal(await refused('FROM x'), "2 FROM isn't allowed as an ONBUILD trigger");
  assert.equal(await refused('ONBUILD RUN x'), "2 Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  assert.equal(await refused('RUN a\nRUN b'), '2 onbuild trigger should be a single expression');
  assert.equal(await refused(''), '2 onbuild trigger should be a single expression');
  assert.equal(await refused('NOTHING x'), '2 unknown instruction: NOTHING');
  assert.equal(await refused('RUN <<E\nx\nE'), 'planned');
});

test('no-cache is of all stages, or of those named', async () => {
  const ignoring = async (noCache: BuildRequest['noCache']): Promise<string[]> => {
    const { steps } = await planText('FROM alpine AS a\nRUN x\nFROM alpine\nRUN y\nCOPY --from=a /x /y', {
      noCache: noCache!,
    });
    return steps.filter(({ ignoresCache }) => ignoresCache).map(({ name }) => name.split('] ')[1]!);
  };
  assert.deepEqual(await ignoring(false), []);
  assert.deepEqual(await ignoring(true), ['RUN x', 'RUN y', 'COPY --from=a /x /y']);
  assert.deepEqual(await ignoring(['A']), ['RUN x']);
  assert.deepEqual(await ignoring(['stage-1']), ['RUN y', 'COPY --from=a /x /y']);
  assert.deepEqual(await ignoring(['other']), []);
});

test('build arguments nobody declares are noticed', async () => {
  const notices = async (buildArgs: Record<string, string>): Promise<readonly string[]> =>
    (await planText('ARG a\nFROM alpine AS x\nARG b\nFROM alpine', { buildArgs })).notices;
  assert.deepEqual(await notices({ a: '', b: '', http_proxy: '', TARGETOS: 'x', BUILDKIT_INLINE_CACHE: '1' }), []);
  assert.deepEqual(await notices({ z: '', y: '' }), ['[Warning] One or more build-args [y z] were not consumed']);
});

test('the software inventory looks at stages and the context when told to', async () => {
  const scans = async (text: string): Promise<(string | undefined)[]> => {
    const { steps, scans } = await planText(text);
    return scans.map((scan) => steps[scan]?.kind);
  };
  assert.deepEqual(await scans('FROM alpine AS a\nRUN x\nFROM a'), []);
  const stage = 'AS a\nARG BUILDKIT_SBOM_SCAN_STAGE=true\nRUN x\nFROM alpine\nCOPY --from=a /x /y';
  assert.deepEqual(await scans(`FROM alpine ${stage}`), ['run']);
  assert.deepEqual(await scans('ARG BUILDKIT_SBOM_SCAN_CONTEXT=1\nFROM alpine\nCOPY a b'), ['local']);
});

test('a thousand stages on top of each other are planned', async () => {
  const lines = ['FROM alpine AS s0'];
  for (let index = 1; index < 3000; index += 1) lines.push(`FROM s${index - 1} AS s${index}`);
  const { steps } = await planText(lines.join('\n'));
  assert.deepEqual(kinds(steps), ['image']);
});
