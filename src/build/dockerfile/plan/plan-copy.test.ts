import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import type { CopyAction, FilesStep, GitStep, HttpStep, LocalStep, Step } from '../../graph.ts';
import { FakeSources, planText, withoutWord } from '../fake-sources.ts';
import type { BuildRequest } from './build-request.ts';

async function stepsOf(text: string, request: Partial<BuildRequest> = {}): Promise<readonly Step[]> {
  return (await planText(`FROM alpine\n${text}`, request)).steps;
}

/** The only action of the last step. */
async function copyOf(text: string): Promise<CopyAction> {
  const step = (await stepsOf(text)).at(-1) as FilesStep;
  assert.equal(step.actions.length, 1, text);
  return step.actions[0] as CopyAction;
}

async function check(cases: readonly (readonly [text: string, expected: Partial<CopyAction>])[]): Promise<void> {
  for (const [text, expected] of cases) {
    const action = await copyOf(text);
    const picked = Object.fromEntries(Object.keys(expected).map((key) => [key, action[key as keyof CopyAction]]));
    assert.deepEqual(picked, expected, text);
  }
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

const SHA = 'a'.repeat(64);

test('COPY reads from the root of the context and writes below the working directory', async () => {
  await check([
    ['COPY a b', { sources: ['/a'], target: '/b', mode: '', owner: '', unpacks: false, isLinked: false }],
    ['COPY a b c/', { sources: ['/a', '/b'], target: '/c/' }],
    ['COPY a b c', { sources: ['/a', '/b'], target: '/c' }],
    ['COPY . .', { sources: ['/'], target: '/' }],
    ['COPY ./a//b/ /x/y/', { sources: ['/a/b'], target: '/x/y/' }],
    ['COPY ../../a /x', { sources: ['/a'], target: '/x' }],
    ['COPY a /x/../y', { target: '/y' }],
    ['WORKDIR /w\nCOPY a b', { target: '/w/b' }],
    ['WORKDIR /w\nCOPY a .', { target: '/w/' }],
    ['WORKDIR /w\nCOPY a ./', { target: '/w/' }],
    ['WORKDIR /w\nCOPY a ./b/.', { target: '/w/b/' }],
    ['WORKDIR /w/x\nCOPY a ..', { target: '/w/' }],
    ['WORKDIR /w\nCOPY a /b', { target: '/b' }],
    ['COPY a*.? b/', { sources: ['/a*.?'] }],
    ['COPY ["a b", "/c d"]', { sources: ['/a b'], target: '/c d' }],
    ['ENV d=x\nCOPY $d/a ${d}b', { sources: ['/x/a'], target: '/xb' }],
    ['ARG o=1:2 m=755\nCOPY --chown=$o --chmod=$m a b', { owner: '1:2', mode: '755' }],
    ['COPY --chmod=u+x,go-w a b', { mode: 'u+x,go-w' }],
    ['COPY --chmod=a=rX a b', { mode: 'a=rX' }],
    ['COPY --chown=me:us a b', { owner: 'me:us' }],
    ['ENV e=*.md\nCOPY --exclude=$e --exclude=x a b', { excludes: ['*.md', 'x'] }],
    ['COPY --parents a/b c/', { sources: ['/a/b'], keepsParents: true }],
    ['COPY --parents a/./b/c d/', { sources: ['/a/./b/c'], keepsParents: true }],
    ['COPY --parents ./a/**/b d/', { sources: ['/a/**/b'] }],
    ['COPY a/./b c', { sources: ['/a/b'] }],
    ['ADD a.tar b', { sources: ['/a.tar'], unpacks: true }],
    ['ADD --unpack=false a.tar b', { unpacks: false }],
    ['ADD --unpack=true a.tar b', { unpacks: true }],
    ['COPY a.tar b', { unpacks: false }],
  ]);
  await checkRefused([
    [
      'COPY a <<E c\nx\nE',
      'When using COPY with more than one source file, the destination must be a directory and end with a /',
    ],
    [
      'ADD a https://x/b c',
      'When using ADD with more than one source file, the destination must be a directory and end with a /',
    ],
    ['COPY --chmod=888 a b', "invalid chmod parameter: '888'. it should be octal string and between 0 and 07777"],
    ['COPY --chmod=17777 a b', "invalid chmod parameter: '17777'. it should be octal string and between 0 and 07777"],
    ['COPY --chmod=u+q a b', "invalid chmod parameter: 'u+q'. it should be octal string and between 0 and 07777"],
    ['COPY --chmod=-x0 a b', "invalid chmod parameter: '-x0'. it should be octal string and between 0 and 07777"],
    ['COPY --chown=a:b:c a b', "invalid chown parameter: 'a:b:c'"],
    ...['me', '1:us'].map(
      (owner) =>
        [
          `COPY --link --chown=${owner} a b`,
          `--chown=${owner}: user and group names can't be resolved when used with --link, use numeric uid[:gid] instead`,
        ] as const,
    ),
    ['COPY "a b" c', 'unexpected end of statement while looking for matching double-quote'],
    ['COPY https://x/a b', "source can't be a URL for COPY"],
    ['COPY https://x/a.git b', "source can't be a git ref for COPY"],
    ['COPY git@x.org:a/b.git c', "source can't be a git ref for COPY"],
  ]);
});

test('histories say what was copied', async () => {
  const cases: readonly (readonly [text: string, createdBy: string])[] = [
    ['COPY a b', 'COPY a b # buildkit'],
    ['WORKDIR /w\nCOPY a ./b', 'COPY a ./b # buildkit'],
    ['COPY --link --chown=1 --exclude=x a b', 'COPY --chown=1 a b # buildkit'],
    ['COPY --parents --chmod=644 --chown=u:g a b', 'COPY --parents --chown=u:g --chmod=644 a b # buildkit'],
    ['ENV x=y\nADD $x c d/', 'ADD y c d/ # buildkit'],
    ['ADD https://x/y z', 'ADD https://x/y z # buildkit'],
    ['COPY <<A b <<C /d/\n1\nA\n2\nC', 'COPY b <<A <<C /d/ # buildkit'],
  ];
  for (const [text, createdBy] of cases) {
    const { outputs } = await planText(`FROM alpine\n${text}`);
    const last = outputs[0]!.history.at(-1)!;
    assert.deepEqual([last.createdBy, last.emptyLayer], [createdBy, undefined], text);
  }
});

test('only what is copied is asked of the context', async () => {
  const paths = async (text: string): Promise<readonly string[]> => {
    const { steps } = await planText(text, {}, new FakeSources({}, ['*.md']));
    const local = steps.find((step): step is LocalStep => step.kind === 'local');
    assert.deepEqual(local?.excludes, ['*.md']);
    return local.paths;
  };
  assert.deepEqual(await paths('FROM alpine\nCOPY b /x\nCOPY a/c /y'), ['a/c', 'b']);
  assert.deepEqual(await paths('FROM alpine\nCOPY a /x\nCOPY . /y'), []);
  assert.deepEqual(await paths('FROM alpine\nCOPY --parents a/./b* /y/'), ['a/b*']);
  assert.deepEqual(await paths('FROM alpine AS a\nCOPY x /\nFROM alpine\nCOPY --from=a /z /\nADD y /'), ['x', 'y']);
  assert.deepEqual(await paths('FROM alpine AS no\nCOPY x /\nFROM alpine\nADD y /'), ['y']);
  assert.deepEqual(await paths('FROM alpine\nRUN --mount=target=/m,source=d true'), ['d']);
  assert.deepEqual(await paths('FROM alpine\nRUN --mount=target=/m true'), []);
});

test('COPY --link is a layer of its own, unless it changes modes', async () => {
  const linked = await stepsOf('COPY --link a b');
  const layer = linked.at(-2) as FilesStep;
  assert.deepEqual(linked.at(-1), {
    kind: 'merge',
    name: '[2/2] LINK COPY --link a b',
    source: { start: 2, end: 2 },
    ignoresCache: false,
    layers: [0, linked.length - 2],
  });
  assert.equal(layer.root, undefined);
  assert.equal((layer.actions[0] as CopyAction).isLinked, true);
  const moded = (await stepsOf('COPY --link --chmod=1 a b')).at(-1) as FilesStep;
  assert.equal(moded.root, 0);
  assert.equal((moded.actions[0] as CopyAction).isLinked, false);
  const { steps, outputs } = await planText('FROM scratch\nCOPY --link a b');
  assert.deepEqual(
    steps.map(({ kind }) => kind),
    ['local', 'files'],
  );
  assert.equal(outputs[0]!.root, 1);
});

test('heredocs become files that are copied', async () => {
  const contents = async (text: string): Promise<unknown[]> => {
    const steps = await stepsOf(`ENV v=x\n${text}`);
    const last = steps.at(-1) as FilesStep;
    return last.actions.map((action) => {
      const copy = action as CopyAction;
      const from = steps[copy.from] as FilesStep;
      return [from.actions[0], copy.sources, copy.target];
    });
  };
  const write = (path: string, content: string): object => ({ kind: 'write', path, content, mode: '0644', owner: '' });
  assert.deepEqual(await contents('COPY <<E /a\nsay $v ${w:-d} "q" \\$v\nE'), [
    [write('/E', 'say x d "q" $v\n'), ['/E'], '/a'],
  ]);
  assert.deepEqual(await contents('COPY <<"E" /a\nsay $v \\$v\nE'), [[write('/E', 'say $v \\$v\n'), ['/E'], '/a']]);
  assert.deepEqual(await contents('COPY <<-E /a\n\tb\nE'), [[write('/E', 'b\n'), ['/E'], '/a']]);
  assert.deepEqual(await contents('COPY <<A.txt <<B /d/\n1\nA.txt\n2\nB'), [
    [write('/A.txt', '1\n'), ['/A.txt'], '/d/'],
    [write('/B', '2\n'), ['/B'], '/d/'],
  ]);
  assert.deepEqual(await contents('COPY <<"a[1]*" /d/\n1\na[1]*'), [[write('/a[1]*', '1\n'), ['/a\\[1]\\*'], '/d/']]);
  await checkRefused([['COPY <<E /a\n${a\nE', 'unsupported modifier (\n) in substitution']]);
});

test('ADD fetches files', async () => {
  const http = async (text: string): Promise<HttpStep> => {
    const steps = await stepsOf(text);
    const copy = (steps.at(-1) as FilesStep).actions[0] as CopyAction;
    return steps[copy.from] as HttpStep;
  };
  const cases: readonly (readonly [text: string, url: string, fileName: string, checksum: string])[] = [
    ['ADD https://x/a/b.tar.gz /', 'https://x/a/b.tar.gz', 'b.tar.gz', ''],
    ['ADD http://x/a?b=c#d /', 'http://x/a?b=c#d', 'a', ''],
    ['ADD https://x /', 'https://x', '__unnamed__', ''],
    ['ADD https://x/ /', 'https://x/', '__unnamed__', ''],
    ['ADD https://x/a%20b /', 'https://x/a%20b', 'a b', ''],
    ['ADD https://x/a%2Fb /', 'https://x/a%2Fb', '__unnamed__', ''],
    ['ADD https://x/a/ /', 'https://x/a/', 'a', ''],
    [`ADD --checksum=sha256:${SHA} https://x/a /`, 'https://x/a', 'a', `sha256:${SHA}`],
    ['ENV u=x.org\nADD https://$u/a /', 'https://x.org/a', 'a', ''],
  ];
  for (const [text, url, fileName, checksum] of cases) {
    const step = await http(text);
    assert.deepEqual([step.kind, step.url, step.fileName, step.checksum], ['http', url, fileName, checksum], text);
  }
  await check([
    ['ADD https://x/a.tar /', { sources: ['/a.tar'], unpacks: false }],
    ['ADD --unpack https://x/a.tar /', { unpacks: true }],
    ['ADD https://x/a*b /', { sources: ['/a\\*b'] }],
  ]);
  await checkRefused([
    ['ADD --checksum=sha256:1 https://x/a /', 'invalid checksum digest format: "sha256:1"'],
    [`ADD --checksum=sha256:${SHA} https://x/a https://x/b /`, "checksum can't be specified for multiple sources"],
    [`ADD --checksum=sha256:${SHA} a /`, 'checksum requires HTTP(S) or Git sources'],
    [`ADD --checksum=md5:${SHA} https://x/a /`, `invalid checksum digest format: "md5:${SHA}"`],
  ]);
});

test('ADD fetches repositories', async () => {
  const git = async (text: string): Promise<Partial<GitStep>> => {
    const steps = await stepsOf(text);
    const copy = (steps.at(-1) as FilesStep).actions[0] as CopyAction;
    assert.deepEqual(copy.sources, ['/']);
    const { kind: _k, name: _n, source: _s, ignoresCache: _i, ...rest } = steps[copy.from] as GitStep;
    return rest;
  };
  const plain = { ref: '', subfolder: '', keepsGitFolder: false, checksum: '' };
  assert.deepEqual(await git('ADD https://x/a.git /'), { url: 'https://x/a.git', ...plain });
  assert.deepEqual(await git('ADD git@x.org:a/b.git#v1:sub /'), {
    ...plain,
    url: 'git@x.org:a/b.git',
    ref: 'v1',
    subfolder: 'sub',
  });
  assert.deepEqual(await git('ADD --keep-git-dir https://x/a.git?submodules=0&mtime=commit /'), {
    ...plain,
    url: 'https://x/a.git',
    keepsGitFolder: true,
    skipsSubmodules: true,
    usesCommitTime: true,
  });
  assert.deepEqual(await git('ADD --checksum=abcd1234 https://x/a.git#main /'), {
    ...plain,
    url: 'https://x/a.git',
    ref: 'main',
    checksum: 'abcd1234',
  });
  await checkRefused([
    ['ADD --checksum=abcd https://x/a.git?checksum=abce /', 'checksum mismatch "abcd" != "abce"'],
    ['ADD --checksum=xyz https://x/a.git /', 'invalid checksum digest format: "xyz"'],
    ['ADD --keep-git-dir=false https://x/a.git?keep-git-dir=1 /', 'inconsistent keep-git-dir configuration'],
    ['ADD https://x/a.git?what=1 /', 'git URL "https://x/a.git?what=1": unexpected query "what"'],
  ]);
});

test('sources of one kind are one action, in their order otherwise', async () => {
  const steps = await stepsOf('ADD a https://x/b c d /e/');
  const kinds = (steps.at(-1) as FilesStep).actions.map((action) => (action as CopyAction).sources);
  assert.deepEqual(kinds, [['/a'], ['/b'], ['/c', '/d']]);
});
