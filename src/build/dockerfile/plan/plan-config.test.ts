import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageConfig } from '#images';
import { type FakeImage, FakeSources, planText, withoutWord } from '../fake-sources.ts';
import type { BuildRequest } from './build-request.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Case {
  readonly text: string;
  readonly base?: FakeImage;
  readonly request?: Partial<BuildRequest>;
  readonly config?: Partial<ImageConfig>;
  /** `created_by` of what the Dockerfile added; `(empty)` in front where it has no layer. */
  readonly history?: readonly string[];
  readonly author?: string;
}

async function check(cases: readonly Case[]): Promise<void> {
  for (const { text, base = {}, request, config = {}, history, author } of cases) {
    const sources = new FakeSources({ 'docker.io/library/base:latest': base });
    const { outputs } = await planText(`FROM base\n${text}`, request, sources);
    const [output] = outputs;
    const picked = Object.fromEntries(
      Object.keys(config).map((key) => [key, output!.config[key as keyof ImageConfig]]),
    );
    assert.deepEqual(picked, config, text);
    const added = output!.history.slice(base.history?.length ?? 0);
    const lines = added.map((entry) => `${entry.emptyLayer ? '(empty) ' : ''}${entry.createdBy}`);
    if (history) assert.deepEqual(lines, history, text);
    assert.ok(added.every(({ comment }) => comment === 'buildkit.dockerfile.v0'));
    if (author !== undefined) assert.equal(output!.author, author, text);
  }
}

async function checkRefused(
  cases: readonly (readonly [text: string, message: string, line?: number])[],
): Promise<void> {
  for (const [text, message, line = 2] of cases) {
    await assert.rejects(planText(`FROM alpine\n${text}`), (error: Error & { details: Record<string, unknown> }) => {
      assert.equal(withoutWord(error.message), message, text);
      assert.equal(error.details['line'], line, text);
      return true;
    });
  }
}

test('ENV replaces variables, each line seeing those before it', async () => {
  await check([
    { text: '', config: { env: [PATH] }, history: [] },
    { text: 'ENV a=b', config: { env: [PATH, 'a=b'] }, history: ['(empty) ENV a=b'] },
    { text: 'ENV a=1\nENV a=2 b=$a c=$b', config: { env: [PATH, 'a=2', 'b=1', 'c='] } },
    { text: 'ENV a=1 b=$a', config: { env: [PATH, 'a=1', 'b='] } },
    { text: 'ENV a="x y" b=\'$a\'', config: { env: [PATH, 'a=x y', 'b=$a'] }, history: ['(empty) ENV a=x y b=$a'] },
    { text: 'ENV a x y', config: { env: [PATH, 'a=x y'] }, history: ['(empty) ENV a=x y'] },
    { text: 'ENV n=k\nENV $n=v', config: { env: [PATH, 'n=k', 'k=v'] } },
    { text: 'ENV PATH=/x:$PATH', config: { env: [`PATH=/x:${PATH.slice(5)}`] } },
    { text: 'ENV a=2', base: { config: { env: ['PATH=/p', 'a=1', 'b'] } }, config: { env: ['PATH=/p', 'a=2', 'b='] } },
    { text: 'ARG v=1\nENV a=$v', config: { env: [PATH, 'a=1'] } },
    { text: 'ENV a=${v:-d}', config: { env: [PATH, 'a=d'] } },
  ]);
  await checkRefused([
    ['ENV a="b', 'unexpected end of statement while looking for matching double-quote'],
    ['ENV a=${b', "syntax error: missing '}'"],
    ['ENV $x=b', 'ENV names can not be blank'],
    ['RUN x\nENV a=${b:?say}', 'b: say', 3],
  ]);
});

test('LABEL adds labels; those of the request win', async () => {
  await check([
    { text: 'LABEL a=b c="d e"', config: { labels: { a: 'b', c: 'd e' } }, history: ['(empty) LABEL a=b c=d e'] },
    { text: 'ENV v=1\nLABEL a=$v $v=x', config: { labels: { a: '1', 1: 'x' } } },
    { text: 'LABEL a b c', config: { labels: { a: 'b c' } } },
    { text: 'LABEL a=2', base: { config: { labels: { a: '1', b: '1' } } }, config: { labels: { a: '2', b: '1' } } },
    { text: 'LABEL a=1', request: { labels: { a: '2', c: '3' } }, config: { labels: { a: '2', c: '3' } } },
    { text: 'LABEL "a b"=c', config: { labels: { 'a b': 'c' } } },
    { text: 'LABEL a="x\\\n y"', config: { labels: { a: 'x y' } } },
  ]);
});

test('CMD and ENTRYPOINT use the shell there is', async () => {
  await check([
    { text: 'CMD a b', config: { command: ['/bin/sh', '-c', 'a b'] }, history: ['(empty) CMD ["/bin/sh" "-c" "a b"]'] },
    { text: 'CMD ["a", "b"]', config: { command: ['a', 'b'] }, history: ['(empty) CMD ["a" "b"]'] },
    { text: 'CMD []', config: { command: [] }, history: ['(empty) CMD []'] },
    { text: 'CMD a\nCMD b', config: { command: ['/bin/sh', '-c', 'b'] } },
    { text: 'CMD ["a\\"\\t\\u00e9\\u0001"]', history: ['(empty) CMD ["a\\"\\té\\x01"]'] },
    { text: 'CMD echo $PATH', config: { command: ['/bin/sh', '-c', 'echo $PATH'] } },
    {
      text: 'ENTRYPOINT ["a"]',
      base: { config: { command: ['old'] } },
      config: { entrypoint: ['a'], command: [] },
      history: ['(empty) ENTRYPOINT ["a"]'],
    },
    { text: 'CMD ["c"]\nENTRYPOINT ["a"]', config: { entrypoint: ['a'], command: ['c'] } },
    { text: 'ENTRYPOINT ["a"]\nCMD ["c"]', config: { entrypoint: ['a'], command: ['c'] } },
    { text: 'CMD ["c"]', base: { config: { entrypoint: ['e'] } }, config: { entrypoint: ['e'], command: ['c'] } },
    {
      text: 'SHELL ["/bin/bash", "-ec"]\nCMD x\nENTRYPOINT y',
      config: {
        shell: ['/bin/bash', '-ec'],
        command: ['/bin/bash', '-ec', 'x'],
        entrypoint: ['/bin/bash', '-ec', 'y'],
      },
      history: [
        '(empty) SHELL [/bin/bash -ec]',
        '(empty) CMD ["/bin/bash" "-ec" "x"]',
        '(empty) ENTRYPOINT ["/bin/bash" "-ec" "y"]',
      ],
    },
    { text: 'CMD x', base: { config: { shell: ['/s'] } }, config: { command: ['/s', 'x'] } },
  ]);
});

test('EXPOSE, VOLUME, USER, STOPSIGNAL, MAINTAINER and HEALTHCHECK are noted', async () => {
  await check([
    { text: 'EXPOSE 80', config: { exposedPorts: ['80/tcp'] }, history: ['(empty) EXPOSE [80/tcp]'] },
    {
      text: 'EXPOSE 80 443/udp 9/sctp 8000-8002',
      config: { exposedPorts: ['443/udp', '80/tcp', '8000/tcp', '8001/tcp', '8002/tcp', '9/sctp'] },
    },
    { text: 'EXPOSE 80/TCP', config: { exposedPorts: ['80/tcp'] } },
    { text: 'EXPOSE 127.0.0.1:8080:80 1:2/udp', config: { exposedPorts: ['80/tcp', '2/udp'] } },
    { text: 'EXPOSE [::1]:1:2', config: { exposedPorts: ['2/tcp'] } },
    { text: 'ENV p="1 2"\nEXPOSE $p 3', config: { exposedPorts: ['1/tcp', '2/tcp', '3/tcp'] } },
    {
      text: 'EXPOSE 1',
      base: { config: { exposedPorts: ['1/tcp', '2/tcp'] } },
      config: { exposedPorts: ['1/tcp', '2/tcp'] },
    },
    { text: 'VOLUME /a /b', config: { volumes: ['/a', '/b'] }, history: ['(empty) VOLUME [/a /b]'] },
    { text: 'ENV v=/d\nVOLUME ["$v", "/e f"]', config: { volumes: ['/d', '/e f'] } },
    { text: 'USER a:b', config: { user: 'a:b' }, history: ['(empty) USER a:b'] },
    { text: 'ARG u=7\nUSER $u', config: { user: '7' }, history: ['(empty) ARG u=7', '(empty) USER 7'] },
    { text: 'STOPSIGNAL SIGINT', config: { stopSignal: 'SIGINT' }, history: ['(empty) STOPSIGNAL SIGINT'] },
    { text: 'STOPSIGNAL 9', config: { stopSignal: '9' } },
    { text: 'ENV s=HUP\nSTOPSIGNAL SIG$s', config: { stopSignal: 'SIGHUP' } },
    { text: 'MAINTAINER me <a@b>', author: 'me <a@b>', history: ['(empty) MAINTAINER me <a@b>'] },
    { text: '', base: { author: 'them' }, author: 'them' },
    {
      text: 'HEALTHCHECK --interval=90s --retries=10 CMD ["a"]',
      history: [
        '(empty) HEALTHCHECK {Test:[CMD a] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:10}',
      ],
    },
    {
      text: 'HEALTHCHECK NONE',
      history: ['(empty) HEALTHCHECK {Test:[NONE] Interval:0s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}'],
    },
    { text: 'ONBUILD RUN a', config: { onBuild: ['RUN a'] }, history: [] },
  ]);
  await checkRefused([
    ['EXPOSE 0x50', 'invalid containerPort: 0x50'],
    ['EXPOSE 70000', 'invalid containerPort: 70000'],
    ['EXPOSE 9-8', 'invalid containerPort: 9-8'],
    ['EXPOSE 80/icmp', 'invalid port: "80/icmp": invalid proto: icmp'],
    ['EXPOSE x:80', 'invalid hostPort: x'],
    ['EXPOSE a.b:1:80', 'invalid IP address: a.b'],
    ['EXPOSE 1-2:80-82', 'invalid ranges specified for container and host Ports: 80-82 and 1-2'],
    ['EXPOSE /tcp', 'invalid port: "/tcp": no port specified'],
    ['VOLUME [""]', 'VOLUME specified can not be an empty string'],
    ['STOPSIGNAL SIGNOPE', 'invalid signal: SIGNOPE'],
    ['STOPSIGNAL 0', 'invalid signal: 0'],
  ]);
});

test('WORKDIR joins the one before and makes its folder as the user there is', async () => {
  await check([
    { text: 'WORKDIR /a', config: { workingDirectory: '/a' }, history: ['WORKDIR /a'] },
    {
      text: 'WORKDIR /a\nWORKDIR b/../c',
      config: { workingDirectory: '/a/c' },
      history: ['WORKDIR /a', 'WORKDIR /a/c'],
    },
    { text: 'WORKDIR a', config: { workingDirectory: '/a' } },
    { text: 'WORKDIR b', base: { config: { workingDirectory: '/a' } }, config: { workingDirectory: '/a/b' } },
    { text: 'WORKDIR /', config: { workingDirectory: '/' }, history: ['(empty) WORKDIR /'] },
    { text: 'ENV d=/x\nWORKDIR $d/y', config: { workingDirectory: '/x/y' } },
    { text: 'WORKDIR "/a b"', config: { workingDirectory: '/a b' } },
  ]);
  const { steps } = await planText('FROM alpine\nUSER me\nWORKDIR /a/b');
  const step = steps.at(-1);
  assert.ok(step?.kind === 'files');
  assert.deepEqual(step.actions, [{ kind: 'make-folder', path: '/a/b', mode: 0o755, owner: 'me' }]);
});

test('an ARG has the value given, else its default, else the global one', async () => {
  const value = async (text: string, buildArgs: Record<string, string> = {}): Promise<string | undefined> => {
    const { outputs } = await planText(`${text}\nENV out=\${v-unset}`, { buildArgs });
    return outputs[0]!.config.env.find((entry) => entry.startsWith('out='))?.slice(4);
  };
  const cases: readonly (readonly [text: string, buildArgs: Record<string, string>, expected: string])[] = [
    ['FROM alpine', {}, 'unset'],
    ['FROM alpine', { v: '1' }, 'unset'],
    ['FROM alpine\nARG v', {}, 'unset'],
    ['FROM alpine\nARG v', { v: '1' }, '1'],
    ['FROM alpine\nARG v=2', {}, '2'],
    ['FROM alpine\nARG v=2', { v: '1' }, '1'],
    ['FROM alpine\nARG v=2', { v: '' }, ''],
    ['FROM alpine\nARG v=', {}, ''],
    ['ARG v=3\nFROM alpine', {}, 'unset'],
    ['ARG v=3\nFROM alpine\nARG v', {}, '3'],
    ['ARG v=3\nFROM alpine\nARG v=4', {}, '4'],
    ['ARG v=3\nFROM alpine\nARG v', { v: '1' }, '1'],
    ['ARG a=x\nARG v=$a-y\nFROM alpine\nARG v', {}, 'x-y'],
    ['ARG a=x\nARG v=$a-y\nFROM alpine\nARG v', { a: 'z' }, 'z-y'],
    ['ARG a=x v=$a\nFROM alpine\nARG v', {}, 'x'],
    ['FROM alpine\nARG a=x\nARG v=${a}y', {}, 'xy'],
    ['FROM alpine\nARG a=x v=${a}y', {}, 'xy'],
    ['FROM alpine\nENV v=e\nARG v=2', {}, '2'],
    ['FROM alpine\nENV v=e\nARG v', {}, 'e'],
    ['FROM alpine\nARG v=2\nENV v=e', {}, 'e'],
    ['FROM alpine\nENV v=e\nARG v=2', { v: '1' }, '1'],
    ['FROM alpine AS a\nARG v=2\nFROM a', {}, '2'],
    ['FROM alpine AS a\nARG v=2\nFROM alpine', {}, 'unset'],
    ['FROM alpine AS a\nARG v=2\nFROM a\nARG v', {}, '2'],
    ['FROM alpine\nARG v=${no:?needed}', { v: '1' }, '1'],
    ['ARG v=${no:?needed}\nFROM alpine\nARG v', { v: '1' }, '1'],
    ['FROM alpine\nARG v="a b"', {}, 'a b'],
    ["FROM alpine\nARG v='$x'", {}, '$x'],
    ['FROM alpine\nARG TARGETARCH\nARG v=$TARGETARCH', {}, 'amd64'],
    ['FROM alpine\nARG v=$TARGETARCH', {}, ''],
    ['ARG TARGETARCH\nFROM alpine\nARG TARGETARCH\nARG v=$TARGETARCH', {}, 'amd64'],
    ['FROM alpine\nARG BUILDPLATFORM\nARG v=$BUILDPLATFORM', {}, 'linux/amd64'],
    ['FROM alpine\nARG TARGETSTAGE\nARG v=$TARGETSTAGE', {}, 'default'],
    ['FROM alpine AS last\nARG TARGETSTAGE\nARG v=$TARGETSTAGE', {}, 'last'],
    ['FROM alpine\nARG TARGETVARIANT\nARG v=<$TARGETVARIANT>', {}, '<>'],
    ['FROM alpine\nARG TARGETOS\nARG v=$TARGETOS', { TARGETOS: 'plan9' }, 'plan9'],
  ];
  for (const [text, buildArgs, expected] of cases) assert.equal(await value(text, buildArgs), expected, text);
  await checkRefused([['ARG v=${no:?needed}', 'no: needed']]);
  await assert.rejects(planText('ARG v=${no:?needed}\nFROM alpine'), {
    message: 'failed to process "${no:?needed}": no: needed',
  });
});

test('ARGs are noted with their values', async () => {
  await check([
    { text: 'ARG a', history: ['(empty) ARG a'] },
    { text: 'ARG a=1 b c=3', history: ['(empty) ARG a=1 b c=3'] },
    { text: 'ARG a=1', request: { buildArgs: { a: '2' } }, history: ['(empty) ARG a=2'] },
    { text: 'ARG a', request: { buildArgs: { a: '2' } }, history: ['(empty) ARG a=2'] },
  ]);
});

test('history continues the base image, and has a time when there is one', async () => {
  const base = { history: [{ createdBy: 'old', created: '2001-01-01T00:00:00Z' }] };
  const sources = new FakeSources({ 'docker.io/library/base:latest': base });
  const request = { buildArgs: { SOURCE_DATE_EPOCH: '1700000000' } };
  const plan = await planText('FROM base\nCMD ["a"]', request, sources);
  assert.deepEqual(plan.outputs[0]!.history, [
    { createdBy: 'old', created: '2001-01-01T00:00:00Z' },
    {
      created: '2023-11-14T22:13:20Z',
      createdBy: 'CMD ["a"]',
      comment: 'buildkit.dockerfile.v0',
      emptyLayer: true,
    },
  ]);
  assert.deepEqual(plan.sourceDate, { kind: 'seconds', seconds: 1_700_000_000 });
});

test('an image from nothing works in the root folder, as BuildKit says of it', async () => {
  const { outputs } = await planText('FROM scratch\nCOPY a /\n');
  assert.equal(outputs[0]!.config.workingDirectory, '/');
});
