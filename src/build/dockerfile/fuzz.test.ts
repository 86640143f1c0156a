import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SkiffError } from '#base';
import { checkDockerfile } from './check.ts';
import { expandWord } from './expand/expand.ts';
import { AMD64, FakeSources } from './fake-sources.ts';
import { IgnoreMatcher, parseIgnore } from '#base';
import { parseDockerfile } from './parse/parse-dockerfile.ts';
import { planBuild } from './plan/plan-build.ts';
import { listTargets, outline } from './targets.ts';

/** Numbers that look random and are the same every time (xorshift32). */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const SAMPLES = [
  `# syntax=docker/dockerfile:1
# escape=\\
# check=skip=JSONArgsRecommended
ARG V=3 W="a b"
# build compiles
FROM --platform=$BUILDPLATFORM alpine AS build
ARG V TARGETARCH
ENV A=b PATH=/x:$PATH C="\${V:-\${W#a*}}"
WORKDIR /src
COPY --link --chown=1:2 a b* ./
COPY <<EOF <<-"RAW" /etc/
hello $A
EOF
	raw
	RAW
RUN --mount=type=cache,target=/root/.cache,sharing=locked --mount=type=secret,id=tok,env=T make \\
  # comment
  all
RUN <<EOF
#!/bin/sh
echo hi
EOF
ONBUILD COPY --from=build /a /b
FROM scratch
COPY --from=build --parents /src/./out /out/
ADD --checksum=sha256:${'0'.repeat(64)} https://example.org/a.tar /
ADD https://example.org/a.git?branch=x#:sub /b
CMD ["a", "b"]
HEALTHCHECK --interval=30s --retries=3 CMD curl x
EXPOSE 80 443/udp 8000-8010
LABEL a=b "c d"='e f'
STOPSIGNAL SIGTERM
VOLUME ["/a"]
USER me
SHELL ["/bin/bash", "-c"]
ENTRYPOINT run
`,
  '# escape=`\r\nfrom debian as a\r\nrun `\r\n  x\r\ncopy --exclude=*.md . /\r\nmaintainer me\r\nfrom a\r\nonbuild run y\r\nfrom a\r\n',
];

const TOKENS = [
  ...[
    '\n',
    '\\\n',
    '\r\n',
    '\t',
    ' ',
    '\0',
    '\uFEFF',
    '"',
    "'",
    '`',
    '\\',
    '#',
    '<<EOF',
    '<<-',
    'EOF\n',
    '=',
    ',',
    ':',
  ],
  ...[
    '$',
    '${',
    '}',
    '${V:-',
    '${V//',
    '${V%%*',
    '$V',
    '--',
    '--from=',
    '--mount=',
    '--mount=type=ssh ',
    '[',
    ']',
    '["',
  ],
  ...[
    'FROM ',
    'FROM build\n',
    'RUN ',
    'COPY ',
    'ONBUILD ',
    'ARG V\n',
    'ENV ',
    ' AS ',
    '*',
    '**/',
    '[a-',
    '!',
    '/./',
    '@',
    '😀',
  ],
  ...[
    '# check=',
    'error=true',
    'scratch',
    'https://',
    '.git',
    '9'.repeat(20),
    '-1',
    'é',
    '\u2028',
    '__proto__',
    'constructor',
  ],
];

function mutate(text: string, random: (below: number) => number): string {
  let result = text;
  for (let count = 1 + random(3); count > 0; count -= 1) {
    const at = random(result.length + 1);
    const kind = random(4);
    const end = Math.min(result.length, at + random(40));
    if (kind === 0) result = result.slice(0, at) + TOKENS[random(TOKENS.length)]! + result.slice(at);
    else if (kind === 1) result = result.slice(0, at) + result.slice(end);
    else if (kind === 2) result = result.slice(0, at) + TOKENS[random(TOKENS.length)]! + result.slice(at + 1);
    else result = result.slice(0, at) + result.slice(at, end).repeat(1 + random(3)) + result.slice(end);
  }
  return result;
}

function garbage(random: (below: number) => number): string {
  const length = random(200);
  const pieces = Array.from({ length }, () =>
    random(3) === 0 ? TOKENS[random(TOKENS.length)]! : String.fromCharCode(random(random(4) === 0 ? 0x10000 : 0x80)),
  );
  return pieces.join('');
}

function mustBeOurs(error: unknown, seed: number): void {
  assert.ok(error instanceof SkiffError, `seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`);
  assert.match(
    error.code,
    /^dockerfile\.|^pattern\.bad$|^image\.noSuch$/,
    `seed ${seed}: ${error.code} ${error.message}`,
  );
}

/** Seeds while time lasts; a slow machine does at least the first ones. */
function* seeds(ms: number, least: number, most: number): Generator<number> {
  const until = performance.now() + ms;
  for (let seed = 1; seed <= least || (performance.now() < until && seed <= most); seed += 1) yield seed;
}

test('a damaged Dockerfile is planned or refused by name, and never anything else', async () => {
  let refused = 0;
  let planned = 0;
  for (const seed of seeds(1500, 300, 20_000)) {
    const random = generator(seed * 2_654_435_761);
    const sample = random(10) === 0 ? garbage(random) : mutate(SAMPLES[random(SAMPLES.length)]!, random);
    const base = {
      'docker.io/library/debian:latest': {
        config: { onBuild: random(4) === 0 ? [mutate('COPY --from=a /a /b', random)] : [] },
      },
    };
    const request = { buildPlatform: AMD64, buildArgs: random(4) === 0 ? { V: mutate('1', random) } : {} };
    const before = performance.now();
    try {
      const file = parseDockerfile(sample);
      assert.equal(listTargets(file).length, file.stages.length);
      outline(file);
      const { steps, outputs } = await planBuild(file, request, new FakeSources(base));
      for (const { root } of outputs) assert.ok(root === undefined || root < steps.length);
      planned += 1;
    } catch (error) {
      mustBeOurs(error, seed);
      refused += 1;
    }
    const { error } = await checkDockerfile(sample, request, new FakeSources(base));
    if (error) mustBeOurs(error, seed);
    assert.ok(performance.now() - before < 5000, `seed ${seed} took long`);
  }
  assert.ok(refused > 30 && planned > 30, `${refused} refused, ${planned} planned`);
});

test('words with damaged variables are replaced or refused', () => {
  for (const seed of seeds(400, 500, 50_000)) {
    const random = generator(seed * 2_654_435_761);
    const word = random(2) === 0 ? garbage(random) : mutate('a${b:-"c$d"}${e##*/}${f//x?/\'y\'}', random);
    const escape = random(2) === 0 ? '\\' : '`';
    try {
      expandWord(word, (name) => (name.length % 2 ? name : undefined), { escape, isForDisplay: random(3) === 0 });
    } catch (error) {
      mustBeOurs(error, seed);
    }
  }
});

test('ignore files of any kind are matched or refused', () => {
  const paths = ['a', 'a/b/c.md', '.git/config', 'node_modules/x/y', 'é/😀', '', '/', '..', 'a//b'];
  for (const seed of seeds(400, 500, 50_000)) {
    const random = generator(seed * 2_654_435_761);
    const text = random(3) === 0 ? garbage(random) : mutate('*.md\n!a/**/c.md\n# x\nnode_modules\n**/[a-c]?\n', random);
    try {
      const matcher = new IgnoreMatcher(parseIgnore(text));
      for (const path of paths) {
        matcher.excludes(path);
        matcher.mayIncludeBelow(path);
      }
    } catch (error) {
      mustBeOurs(error, seed);
    }
  }
});

test('long lines of every kind take little time', async () => {
  const long = (piece: string): string => piece.repeat(Math.floor(30_000 / piece.length));
  const lines = [
    `RUN ${long('<<A ')}`,
    `ENV a=${long('"')}`,
    `ENV ${long('a=b ')}`,
    `ENV a=${long('${a:-')}`,
    `ENV a=${long('$PATH')}`,
    `ENV a=\${PATH//*${long('?')}/x}`,
    `ENV a=\${PATH##${long('*a')}}`,
    `COPY ${long('a ').slice(0, 10_000)} /`,
    `COPY --chmod=${long('u+')} a b`,
    `RUN ${long('--mount=type=ssh ')} x`,
    `RUN --mount=${long('a,')} x`,
    `CMD [${long('"a",')}"b"]`,
    `CMD ${long('[')}`,
    `EXPOSE ${long('1-65535 ')}`,
    'EXPOSE 1-65535\n'.repeat(8),
    `ENV a=${'x'.repeat(60_000)}\nENV b=$a$a$a$a$a$a$a$a\n${'ENV c=$b\n'.repeat(20)}`,
    `ENV a=${'x'.repeat(60_000)}\nENV b=$a$a$a$a$a$a$a$a\n${'RUN x\n'.repeat(20)}`,
    `RUN <<E\n${'x\n'.repeat(50_000)}E\nNOTHING`,
    `HEALTHCHECK --interval=${long('1s')} CMD x`,
    `ADD ${long('git@')} /`,
    `ADD https://${long('/')}.git?${long('a=b&')} /`.slice(0, 60_000),
    `LABEL a=b \\\n${'\n'.repeat(50_000)}c=d`,
    'RUN x \\\n# c\n'.repeat(5000),
    `${'# comment\n'.repeat(20_000)}RUN x`,
  ];
  for (const line of lines) {
    const before = performance.now();
    const { error } = await checkDockerfile(`FROM alpine\n${line}`, { buildPlatform: AMD64 }, new FakeSources());
    if (error) mustBeOurs(error, 0);
    const took = performance.now() - before;
    assert.ok(took < 5000, `${line.slice(0, 40)} took ${took} ms`);
  }
});
