import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDockerfile } from './parse/parse-dockerfile.ts';
import { excerpt } from './source-text.ts';
import { nearest } from './suggest.ts';
import { listTargets, outline } from './targets.ts';

const TEXT = `# version what to take
ARG version=1
ARG other=2
# build compiles
# build twice
FROM --platform=$BUILDPLATFORM alpine:$version AS build
# mode fast or small
ARG mode=fast
ARG unset
RUN --mount=type=secret,id=key --mount=type=cache,target=/c x
RUN --mount=type=secret,id=key,required --mount=type=ssh y

FROM scratch AS unused
ARG never
FROM scratch
COPY --from=build /x /
`;

test('listTargets() names the stages', () => {
  const targets = listTargets(parseDockerfile(TEXT));
  assert.deepEqual(
    targets.map(({ name, isDefault, description, base, platform, range }) => [
      ...[name, isDefault, description, base, platform, range.start],
    ]),
    [
      ['build', false, 'compiles', 'alpine:$version', '$BUILDPLATFORM', 6],
      ['unused', false, '', 'scratch', '', 13],
      ['', true, '', 'scratch', '', 15],
    ],
  );
});

test('outline() tells what a target takes', () => {
  const file = parseDockerfile(TEXT);
  const { args, secrets, ssh, caches } = outline(file, '', { mode: 'small' });
  assert.deepEqual(
    args.map(({ name, value, description, range }) => [name, value, description, range.start]),
    [
      ['version', '1', 'what to take', 2],
      ['mode', 'small', 'fast or small', 8],
      ['unset', undefined, '', 9],
    ],
  );
  assert.deepEqual(secrets, [{ id: 'key', isRequired: true, range: { start: 10, end: 10 } }]);
  assert.deepEqual(ssh, [{ id: 'default', isRequired: false, range: { start: 11, end: 11 } }]);
  assert.deepEqual(
    caches.map(({ id }) => id),
    ['/c'],
  );
  assert.deepEqual(
    outline(file, 'unused').args.map(({ name }) => name),
    ['never'],
  );
  assert.equal(outline(file, 'build').description, 'compiles');
  assert.throws(() => outline(file, 'biuld'), { message: /did you mean build\?/ });
});

test('excerpt() shows the lines and those around them', () => {
  const text = 'FROM a\nRUN b \\\n  c\n\nCMD d\nCMD e';
  assert.equal(
    excerpt(text, { start: 2, end: 3 }),
    [
      'Dockerfile:2',
      '--------------------',
      '   1 |     FROM a',
      '   2 | >>> RUN b \\',
      '   3 | >>>   c',
      '   4 |',
      '   5 |     CMD d',
      '--------------------',
    ].join('\n'),
  );
  assert.match(excerpt(text, { start: 6, end: 6 }, 'x.Dockerfile'), /^x\.Dockerfile:6\n-+\n {3}4 \|\n[^]*CMD e\n-+$/);
});

test('nearest() takes words for each other that differ little', () => {
  const words = ['RUN', 'COPY', 'ENTRYPOINT'];
  assert.equal(nearest('RUNN', words), 'RUN');
  assert.equal(nearest('rnu', words), 'RUN');
  assert.equal(nearest('ENTRYPIONT', words), 'ENTRYPOINT');
  assert.equal(nearest('RUN', words), undefined);
  assert.equal(nearest('XYZABC', words), undefined);
  assert.equal(nearest('R', words), undefined);
  assert.equal(nearest('', words), undefined);
  assert.equal(nearest('run', words, true), undefined);
});
