import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import type { RunMount, RunStep, Step } from '../../graph.ts';
import { FakeSources, planText, withoutWord } from '../fake-sources.ts';
import type { BuildRequest } from './build-request.ts';

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function plan(
  text: string,
  request: Partial<BuildRequest> = {},
): Promise<{ steps: readonly Step[]; run: RunStep; createdBy: string }> {
  const { steps, outputs } = await planText(`FROM alpine\n${text}`, request);
  return {
    steps,
    run: steps.findLast((step) => step.kind === 'run') as RunStep,
    createdBy: outputs[0]!.history.at(-1)!.createdBy!,
  };
}

async function checkRefused(cases: readonly (readonly [text: string, message: string])[]): Promise<void> {
  for (const [text, message] of cases) {
    await assert.rejects(planText(`FROM alpine\n${text}`), (error) => {
      assert.ok(error instanceof SkiffError);
      assert.equal(withoutWord(error.message), message, text);
      return true;
    });
  }
}

test('RUN goes through the shell, or does not', async () => {
  const cases: readonly (readonly [text: string, argv: readonly string[], createdBy: string])[] = [
    ['RUN make all', ['/bin/sh', '-c', 'make all'], 'RUN /bin/sh -c make all # buildkit'],
    ['RUN ["make", "a b"]', ['make', 'a b'], 'RUN make a b # buildkit'],
    ['SHELL ["/bin/bash", "-c"]\nRUN x', ['/bin/bash', '-c', 'x'], 'RUN /bin/bash -c x # buildkit'],
    ['RUN echo $PATH "a  b"', ['/bin/sh', '-c', 'echo $PATH "a  b"'], 'RUN /bin/sh -c echo $PATH "a  b" # buildkit'],
    ['RUN a && \\\n  b', ['/bin/sh', '-c', 'a &&   b'], 'RUN /bin/sh -c a &&   b # buildkit'],
    ['RUN <<E\na\nb\nE', ['/bin/sh', '-c', 'a\nb\n'], 'RUN /bin/sh -c a\nb\n # buildkit'],
    ['RUN <<-E\n\ta\nE', ['/bin/sh', '-c', 'a\n'], 'RUN /bin/sh -c a\n # buildkit'],
    [
      'RUN cat <<A <<B\n1\nA\n2\nB',
      ['/bin/sh', '-c', 'cat <<A <<B\n1\nA\n2\nB'],
      'RUN /bin/sh -c cat <<A <<B\n1\nA\n2\nB # buildkit',
    ],
    ['RUN <<E cat\na\nE', ['/bin/sh', '-c', '<<E cat\na\nE'], 'RUN /bin/sh -c <<E cat\na\nE # buildkit'],
    ['RUN <<"E"\n$a\nE', ['/bin/sh', '-c', '$a\n'], 'RUN /bin/sh -c $a\n # buildkit'],
    ['RUN', ['/bin/sh', '-c', ''], 'RUN /bin/sh -c  # buildkit'],
    ['ARG a=1\nRUN x', ['/bin/sh', '-c', 'x'], 'RUN |1 a=1 /bin/sh -c x # buildkit'],
    ['ARG a=1 b\nENV a=2\nRUN x', ['/bin/sh', '-c', 'x'], 'RUN |2 a=2 b= /bin/sh -c x # buildkit'],
  ];
  for (const [text, argv, expected] of cases) {
    const { run, createdBy } = await plan(text);
    assert.deepEqual(run.argv, argv, text);
    assert.equal(createdBy, expected, text);
    assert.deepEqual(run.heredocs, []);
  }
});

test('a script that names its interpreter is run as a file', async () => {
  const { run } = await plan('RUN <<-E\n\t#!/usr/bin/env python3\n\tprint(1)\nE');
  assert.deepEqual(run.argv, ['/bin/sh', '-c', '/dev/pipes/E']);
  assert.deepEqual(run.heredocs, [{ path: 'E', content: '#!/usr/bin/env python3\nprint(1)\n' }]);
});

test('RUN has the environment of the image, ARGs, and proxies beside them', async () => {
  const cases: readonly (readonly [
    text: string,
    buildArgs: Record<string, string>,
    environment: readonly string[],
    proxies: readonly string[],
  ])[] = [
    ['RUN x', {}, [PATH], []],
    ['ENV a=b\nARG c=d\nARG e\nRUN x', {}, [PATH, 'a=b', 'c=d'], []],
    ['ARG e\nRUN x', { e: '1', f: '2' }, [PATH, 'e=1'], []],
    ['RUN x', { HTTP_PROXY: 'p' }, [PATH], ['HTTP_PROXY=p', 'http_proxy=p']],
    [
      'RUN x',
      { no_proxy: 'n', https_proxy: 's' },
      [PATH],
      ['HTTPS_PROXY=s', 'https_proxy=s', 'NO_PROXY=n', 'no_proxy=n'],
    ],
    ['ARG HTTP_PROXY\nRUN x', { HTTP_PROXY: 'p' }, [PATH, 'HTTP_PROXY=p'], ['http_proxy=p']],
    ['ARG BUILDKIT_SBOM_SCAN_STAGE=true\nRUN x', {}, [PATH], []],
    ['ARG TARGETARCH\nRUN x', {}, [PATH, 'TARGETARCH=amd64'], []],
    ['ENV a=b\nARG a=c\nRUN x', {}, [PATH, 'a=c'], []],
    ['ARG a=c\nENV a=b\nRUN x', {}, [PATH, 'a=b'], []],
  ];
  for (const [text, buildArgs, environment, proxies] of cases) {
    const { run } = await plan(text, { buildArgs });
    assert.deepEqual([run.environment, run.proxyEnvironment], [environment, proxies], text);
  }
});

test('RUN knows its folder, user, network and rights', async () => {
  const { run } = await plan('WORKDIR /w\nUSER me\nRUN --network=none --security=insecure x');
  assert.deepEqual([run.workingDirectory, run.user, run.network, run.isPrivileged], ['/w', 'me', 'none', true]);
  const plain = (await plan('RUN x', { buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: 'h' } })).run;
  assert.deepEqual(
    [plain.workingDirectory, plain.user, plain.network, plain.isPrivileged, plain.hostname],
    ['/', '', 'default', false, 'h'],
  );
});

async function mountsOf(text: string, request: Partial<BuildRequest> = {}): Promise<readonly RunMount[]> {
  return (await plan(text, request)).run.mounts;
}

async function checkMounts(
  cases: readonly (readonly [flag: string, expected: Record<string, unknown>])[],
): Promise<void> {
  for (const [flag, expected] of cases) {
    const [mount] = (await mountsOf(`WORKDIR /w\nRUN --mount=${flag} x`)) as unknown as Record<string, unknown>[];
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, mount![key]])), expected, flag);
  }
}

test('mounts of each type have their defaults', async () => {
  await checkMounts([
    ['target=/x', { kind: 'bind', target: '/x', source: '/', isWritable: false }],
    ['type=bind,target=x,source=a/b', { kind: 'bind', target: '/w/x', source: '/a/b' }],
    ['type=bind,dst=/x,src=./a,rw', { target: '/x', source: '/a', isWritable: true }],
    ['destination=/x,readwrite=true', { target: '/x', isWritable: true }],
    ['target=/x,rw=false', { isWritable: false }],
    ['target=/x,rw,ro', { isWritable: false }],
    ['TYPE=BIND,Target=/x', { kind: 'bind', target: '/x' }],
    ['target=.', { target: '/w' }],
    ['source=a', { target: '/w', source: '/a' }],
    [
      'type=cache,target=/c',
      {
        kind: 'cache',
        target: '/c',
        id: '//c',
        isWritable: true,
        sharing: 'shared',
        from: undefined,
        source: '/',
        mode: 0o755,
        uid: 0,
        gid: 0,
      },
    ],
    ['type=cache,target=/c,id=n', { id: '/n' }],
    ['type=cache,target=c/../d/', { target: '/w/d', id: '/d' }],
    ['type=cache,target=/c,sharing=locked', { sharing: 'locked' }],
    ['type=cache,target=/c,sharing=PRIVATE,ro', { sharing: 'private', isWritable: false }],
    ['type=cache,target=/c,mode=0700,uid=5,gid=6', { mode: 0o700, uid: 5, gid: 6 }],
    ['type=tmpfs,target=/t', { kind: 'tmpfs', target: '/t', sizeBytes: undefined }],
    ['type=tmpfs,target=/t,size=64m', { sizeBytes: 64 << 20 }],
    [
      'type=secret,id=s',
      {
        kind: 'secret',
        id: 's',
        target: '/run/secrets/s',
        environmentName: undefined,
        isRequired: false,
        mode: 0o400,
        uid: 0,
        gid: 0,
      },
    ],
    ['type=secret,id=a/b', { id: 'a/b', target: '/run/secrets/b' }],
    ['type=secret,source=s', { id: 's' }],
    ['type=secret,target=/a/b', { id: 'b', target: '/a/b' }],
    ['type=secret,id=s,target=t', { target: '/w/t' }],
    ['type=secret,id=s,env=S', { target: undefined, environmentName: 'S' }],
    ['type=secret,id=s,env=S,target=/t', { target: '/t', environmentName: 'S' }],
    ['type=secret,id=s,required', { isRequired: true }],
    ['type=secret,id=s,required=false', { isRequired: false }],
    ['type=secret,id=s,mode=0440,uid=1,gid=2', { mode: 0o440, uid: 1, gid: 2 }],
    [
      'type=ssh',
      {
        kind: 'ssh',
        id: 'default',
        target: '/run/buildkit/ssh_agent.0',
        isRequired: false,
        mode: 0o600,
        uid: 0,
        gid: 0,
      },
    ],
    ['type=ssh,id=k,target=/k,required=true,mode=0666', { id: 'k', target: '/k', isRequired: true, mode: 0o666 }],
    [`'type=cache,"target=/a,b"'`, { kind: 'cache', target: '/a,b' }],
  ]);
});

test('values of mounts have variables, and several agents places of their own', async () => {
  const mounts = await mountsOf(
    'ARG id=n t=cache\nENV d=/x\nRUN --mount=type=$t,target=$d,id=${id}-1 --mount=type=ssh --mount=type=ssh,id=b x',
    { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'ns' } },
  );
  assert.deepEqual(
    mounts.map((mount) => [mount.kind, mount.target, 'id' in mount ? mount.id : '']),
    [
      ['cache', '/x', 'ns/n-1'],
      ['ssh', '/run/buildkit/ssh_agent.0', 'default'],
      ['ssh', '/run/buildkit/ssh_agent.1', 'b'],
    ],
  );
});

test('mounts come from stages and images', async () => {
  const { steps } = await planText(
    'FROM debian AS a\nFROM alpine\nRUN --mount=from=a,target=/a --mount=from=alpine,target=/b --mount=type=cache,from=a,source=/s,target=/c x',
  );
  const run = steps.at(-1) as RunStep;
  const from = run.mounts.map((mount) => ('from' in mount && mount.from !== undefined ? steps[mount.from] : undefined));
  assert.deepEqual(
    from.map((step) => (step?.kind === 'image' ? step.reference.replace(/@.*/, '') : step)),
    ['docker.io/library/debian:latest', 'docker.io/library/alpine:latest', 'docker.io/library/debian:latest'],
  );
});

test('mounts that make no sense are refused', async () => {
  const mount = (flag: string): string => `RUN --mount=${flag} x`;
  await checkRefused([
    [mount('target=/'), 'invalid mount target "/"'],
    [mount('type=cache'), 'invalid mount target "/"'],
    [mount('type=cahce,target=/x'), 'unsupported mount type "cahce" (did you mean cache?)'],
    [mount('type=volume,target=/x'), 'unsupported mount type "volume"'],
    [mount('target=/x,frm=a'), "unexpected key 'frm' in 'frm=a' (did you mean from?)"],
    [mount('target=/x,wat'), "invalid field 'wat' must be a key=value pair"],
    [mount('target'), "invalid field 'target' must be a key=value pair"],
    [mount('target=/x,ro=maybe'), 'invalid value for ro: maybe'],
    [mount('target=/x,readwrite=2'), 'invalid value for readwrite: 2'],
    [mount('target=/x,required'), "unexpected key 'required' for mount type 'bind'"],
    [mount('target=/x,size=1'), "unexpected key 'size' for mount type 'bind'"],
    [mount('target=/x,mode=0700'), 'mode not allowed for "bind" type mounts'],
    [mount('type=tmpfs,target=/x,uid=1'), 'uid not allowed for "tmpfs" type mounts'],
    [mount('type=tmpfs,target=/x,size=big'), 'invalid value for size: big'],
    [mount('type=cache,target=/x,sharing=lockd'), 'unsupported sharing value "lockd" (did you mean locked?)'],
    [mount('type=cache,target=/x,mode=9'), 'invalid value 9 for mode'],
    [mount('type=cache,target=/x,uid=me'), 'invalid value me for uid'],
    [mount('type=cache,target=/x,gid=-1'), 'invalid value -1 for gid'],
    [mount('target=/x,sharing=locked'), 'invalid cache sharing set for bind mount'],
    [mount('type=secret,id=a,sharing=locked'), 'secret mount should not define sharing'],
    [mount('type=secret'), 'invalid secret mount. one of source, target required'],
    [mount('type=secret,id=a,source=b'), "both source and id can't be set"],
    [mount('type=secret,id=a,from=alpine'), 'secret mount should not have a from'],
    [mount('type=ssh,env=x'), "unexpected key 'env' for mount type 'ssh'"],
    [mount('target=${x:?needed}'), 'x: needed'],
    [mount('target=/x,from=nosuch'), 'nosuch: not found'],
  ]);
});

test('steps are named as progress shows them', async () => {
  const names = async (text: string, request: Partial<BuildRequest> = {}): Promise<string[]> =>
    (await planText(text, request, new FakeSources())).steps.map(({ name }) => name.replace(/@sha256:0+/, '@'));
  assert.deepEqual(await names('FROM alpine\nARG v=1\nRUN echo $v \\\n $w\nWORKDIR /a\nENV x=y\nCOPY $v b'), [
    '[1/4] FROM docker.io/library/alpine:latest@',
    '[2/4] RUN echo 1  $w',
    '[3/4] WORKDIR /a',
    '[internal] load build context',
    '[4/4] COPY 1 b',
  ]);
  assert.deepEqual(await names('FROM alpine AS a\nrun x\nFROM scratch\ncopy --from=a /x /y'), [
    '[a 1/2] FROM docker.io/library/alpine:latest@',
    '[a 2/2] RUN x',
    '[stage-1 1/1] COPY --from=a /x /y',
  ]);
  assert.deepEqual(await names('FROM scratch\nCOPY --from=alpine /x /y'), [
    'FROM docker.io/library/alpine:latest@',
    '[stage-0 1/1] COPY --from=alpine /x /y',
  ]);
  assert.deepEqual(await names('FROM alpine\nRUN <<E\necho hi\necho ho\nE\nRUN <<E\necho hi\nE'), [
    '[1/3] FROM docker.io/library/alpine:latest@',
    '[2/3] RUN <<E (echo hi...)',
    '[3/3] RUN <<E (echo hi)',
  ]);
  const many = await names(`FROM alpine\n${'RUN x\n'.repeat(10)}`);
  assert.deepEqual(
    [many[0], many[1], many.at(-1)],
    ['[ 1/11] FROM docker.io/library/alpine:latest@', '[ 2/11] RUN x', '[11/11] RUN x'],
  );
});
