import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instruction } from './instruction.ts';
import { parseDockerfile } from './parse-dockerfile.ts';

/** What one instruction says, besides where it stands. */
function parse(text: string, head = ''): Record<string, unknown> {
  const instruction: Instruction = parseDockerfile(`${head}FROM a\n${text}`).stages[0]!.instructions[0]!;
  const { keyword: _keyword, text: _text, range: _range, comments: _comments, ...rest } = instruction;
  return rest;
}

function check(cases: readonly (readonly [text: string, expected: Record<string, unknown>])[], head = ''): void {
  for (const [text, expected] of cases) {
    const actual = parse(text, head);
    const picked = Object.fromEntries(Object.keys(expected).map((key) => [key, actual[key]]));
    assert.deepEqual(picked, expected, text);
  }
}

function checkRefused(cases: readonly (readonly [text: string, message: string])[]): void {
  for (const [text, message] of cases) {
    const isOfLines = /^when using JSON|must have two arguments$|^Syntax error/.test(message);
    const prefix = isOfLines ? '' : 'dockerfile parse error on line 2: ';
    const expected = { name: 'SkiffError', message: prefix + message };
    assert.throws(() => parseDockerfile(`FROM a\n${text}`), expected, text);
  }
}

const shell = (line: string): object => ({ form: 'shell', line });
const exec = (...words: string[]): object => ({ form: 'exec', words });

test('commands are JSON, or a line for the shell', () => {
  check([
    ['CMD echo hi', { kind: 'cmd', command: shell('echo hi') }],
    ['CMD ["echo", "hi"]', { kind: 'cmd', command: exec('echo', 'hi') }],
    ['CMD  [ "echo" ,"hi" ]  ', { command: exec('echo', 'hi') }],
    ['CMD []', { command: exec() }],
    ['CMD', { command: shell('') }],
    ["CMD ['echo']", { command: shell("['echo']") }],
    ['CMD ["echo]', { command: shell('["echo]') }],
    ['CMD ["echo"] hi', { command: shell('["echo"] hi') }],
    ['CMD ["a\\n\\u00e9"]', { command: exec('a\né') }],
    ['CMD {"a": 1}', { command: shell('{"a": 1}') }],
    ['ENTRYPOINT ["x"]', { kind: 'entrypoint', command: exec('x') }],
    ['ENTRYPOINT x  y', { kind: 'entrypoint', command: shell('x  y') }],
    ['RUN [ "$x" = 1 ] && y', { command: shell('[ "$x" = 1 ] && y') }],
    ['RUN ["a", \\\n "b"]', { command: exec('a', 'b') }],
    ['RUN a \\\n b', { command: shell('a  b') }],
    ['SHELL ["/bin/bash", "-c"]', { kind: 'shell', words: ['/bin/bash', '-c'] }],
  ]);
  checkRefused([
    ['CMD [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['RUN ["a", null]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['ENTRYPOINT [["a"]]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['COPY ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['SHELL /bin/bash -c', 'SHELL requires the arguments to be in JSON form'],
    ['SHELL []', 'SHELL requires at least one argument'],
    ['SHELL', 'SHELL requires at least one argument'],
    ['CMD --flag=x y', 'unknown flag: --flag'],
    ['ENTRYPOINT --x', 'unknown flag: --x'],
  ]);
});

test('ENV, LABEL and ARG are pairs', () => {
  check([
    ['ENV a=b', { kind: 'env', pairs: [['a', 'b']], isLegacy: false }],
    [
      'ENV a=b c="d e" f=\'g h\' i=j\\ k',
      {
        pairs: [
          ['a', 'b'],
          ['c', '"d e"'],
          ['f', "'g h'"],
          ['i', 'j\\ k'],
        ],
      },
    ],
    ['ENV a=', { pairs: [['a', '']] }],
    ['ENV a==b=c', { pairs: [['a', '=b=c']] }],
    ['ENV a b c', { pairs: [['a', 'b c']], isLegacy: true }],
    ['ENV a   "b  c" ', { pairs: [['a', '"b  c"']], isLegacy: true }],
    ['ENV a b=c', { pairs: [['a', 'b=c']], isLegacy: true }],
    [
      'ENV a=b \\\n    c=d',
      {
        pairs: [
          ['a', 'b'],
          ['c', 'd'],
        ],
      },
    ],
    ['ENV a="b\\"c"', { pairs: [['a', '"b\\"c"']] }],
    [
      "ENV a='b\\' c=d",
      {
        pairs: [
          ['a', "'b\\'"],
          ['c', 'd'],
        ],
      },
    ],
    ['ENV "a b"=c', { pairs: [['"a b"', 'c']] }],
    [
      'LABEL a.b-c="x" d=e',
      {
        kind: 'label',
        pairs: [
          ['a.b-c', '"x"'],
          ['d', 'e'],
        ],
      },
    ],
    ['LABEL a b', { kind: 'label', pairs: [['a', 'b']], isLegacy: true }],
    ['ARG a', { kind: 'arg', args: [{ name: 'a', value: undefined }] }],
    ['ARG a=', { args: [{ name: 'a', value: '' }] }],
    [
      'ARG a=b c d="e f"',
      {
        args: [
          { name: 'a', value: 'b' },
          { name: 'c', value: undefined },
          { name: 'd', value: '"e f"' },
        ],
      },
    ],
  ]);
  check([['ENV a=b` c', { pairs: [['a', 'b` c']] }]], '# escape=`\n');
  checkRefused([
    ['ENV', 'ENV requires at least one argument'],
    ['ENV a', 'ENV must have two arguments'],
    ['ENV =b', 'ENV names can not be blank'],
    ['ENV a=b =c', 'ENV names can not be blank'],
    ['ENV a=b c', `Syntax error - can't find = in "c". Must be of the form: name=value`],
    ['LABEL', 'LABEL requires at least one argument'],
    ['LABEL a', 'LABEL must have two arguments'],
    ['LABEL =b', 'LABEL names can not be blank'],
    ['ARG', 'ARG requires at least one argument'],
    ['ARG =b', 'ARG names can not be blank'],
    ['ARG a =b', 'ARG names can not be blank'],
    ['ENV --x a=b', 'unknown flag: --x'],
  ]);
});

test('FROM has one word, or three', () => {
  const from = (text: string): unknown[] => {
    const { from } = parseDockerfile(text).stages[0]!;
    return [from.base, from.name, from.platform];
  };
  assert.deepEqual(from('FROM a'), ['a', '', '']);
  assert.deepEqual(from('from a:1@sha256:b as C'), ['a:1@sha256:b', 'c', '']);
  assert.deepEqual(from('FROM a AS b-c_d.e1'), ['a', 'b-c_d.e1', '']);
  assert.deepEqual(from('FROM --platform=linux/arm64 a'), ['a', '', 'linux/arm64']);
  assert.deepEqual(from('FROM --platform=$BUILDPLATFORM ${x:-a} aS b'), ['${x:-a}', 'b', '$BUILDPLATFORM']);
  checkRefused([
    ['FROM', 'FROM requires either one or three arguments'],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM a AS', 'FROM requires either one or three arguments'],
    ['FROM a IS b', 'FROM requires either one or three arguments'],
    ['FROM a AS b c', 'FROM requires either one or three arguments'],
    ['FROM a AS 1b', `invalid name for build stage: "1b", name can't start with a number or contain symbols`],
    ['FROM a AS b@c', `invalid name for build stage: "b@c", name can't start with a number or contain symbols`],
    ['FROM --platfrom=x a', 'unknown flag: --platfrom (did you mean platform?)'],
    ['FROM --platform a', 'missing a value on flag: --platform'],
  ]);
});

test('COPY and ADD have sources, a destination and flags', () => {
  check([
    ['COPY a b', { kind: 'copy', sources: ['a'], target: 'b', from: '', isLinked: false, mode: '', owner: '' }],
    ['COPY a b c/', { sources: ['a', 'b'], target: 'c/' }],
    ['COPY ["a b", "c d"]', { sources: ['a b'], target: 'c d' }],
    ['COPY "a b', { sources: ['"a'], target: 'b' }],
    ['COPY --from=x a b', { from: 'x' }],
    ['COPY --chown=1:2 --chmod=755 a b', { owner: '1:2', mode: '755' }],
    ['COPY --link a b', { isLinked: true }],
    ['COPY --link=true a b', { isLinked: true }],
    ['COPY --link=TRUE a b', { isLinked: true }],
    ['COPY --link=false a b', { isLinked: false }],
    ['COPY --link= a b', { isLinked: true }],
    ['COPY --parents a b', { keepsParents: true }],
    ['COPY --exclude=*.md --exclude=x a b', { excludes: ['*.md', 'x'] }],
    ['COPY --chown="a b" a b', { owner: 'a b' }],
    ['COPY --chown=a\\ b a b', { owner: 'a b' }],
    ['COPY -- --a b', { sources: ['--a'], target: 'b' }],
    ['COPY a --from=b c', { sources: ['a', '--from=b'], target: 'c', from: '' }],
    ['COPY --link \\\n  a \\\n  b', { sources: ['a'], target: 'b', isLinked: true }],
    ['ADD a b', { kind: 'add', unpacks: undefined, keepsGitFolder: undefined, checksum: '' }],
    ['ADD --unpack a b', { unpacks: true }],
    ['ADD --unpack=false a b', { unpacks: false }],
    ['ADD --keep-git-dir=true a b', { keepsGitFolder: true }],
    ['ADD --checksum=sha256:x a b', { checksum: 'sha256:x' }],
    ['ADD --chown=x --chmod=u+x --link --exclude=y a b', { owner: 'x', mode: 'u+x', isLinked: true, excludes: ['y'] }],
  ]);
  const no = (name: string): string =>
    `${name} requires at least two arguments, but only one was provided. Destination could not be determined`;
  checkRefused([
    ['COPY', no('COPY')],
    ['COPY a', no('COPY')],
    ['COPY --from=x a', no('COPY')],
    ['COPY ["a"]', no('COPY')],
    ['ADD a', no('ADD')],
    ['COPY --checksum=x a b', 'unknown flag: --checksum'],
    ['COPY --unpack a b', 'unknown flag: --unpack'],
    ['ADD --from=x a b', 'unknown flag: --from'],
    ['ADD --parents a b', 'unknown flag: --parents'],
    ['COPY --chmodd=1 a b', 'unknown flag: --chmodd (did you mean chmod?)'],
    ['COPY --fromm=1 a b', 'unknown flag: --fromm (did you mean from?)'],
    ['COPY --link=maybe a b', 'expecting boolean value for flag --link, not: maybe'],
    ['COPY --link --link a b', 'duplicate flag specified: --link'],
    ['COPY --from=a --from=b a b', 'duplicate flag specified: --from'],
    ['COPY --from a b', 'missing a value on flag: --from'],
    [
      'COPY --from=$x a b',
      'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a ' +
        'workaround',
    ],
    ['COPY --=x a b', 'unknown flag: --'],
  ]);
});

test('RUN has mounts, a network and a sandbox', () => {
  check([
    ['RUN a', { kind: 'run', command: shell('a'), mounts: [], network: 'default', isPrivileged: false }],
    ['RUN --network=none a', { network: 'none' }],
    ['RUN --network=Host a', { network: 'host' }],
    ['RUN --network=default a', { network: 'default' }],
    ['RUN --security=insecure a', { isPrivileged: true }],
    ['RUN --security=sandbox a', { isPrivileged: false }],
    ['RUN --mount=type=cache,target=/x --mount=target=/y a', { mounts: ['type=cache,target=/x', 'target=/y'] }],
    ['RUN --mount="type=tmpfs,target=/a b" c', { mounts: ['type=tmpfs,target=/a b'], command: shell('c') }],
    ['RUN --mount=target=/x ["a"]', { command: exec('a') }],
    ['RUN a --network=none', { command: shell('a --network=none'), network: 'default' }],
    ['RUN -- --a', { command: shell('--a') }],
  ]);
  checkRefused([
    ['RUN --network=bridge a', 'invalid network mode "bridge"'],
    ['RUN --security=none a', 'security "none" is not valid'],
    ['RUN --netwrok=none a', 'unknown flag: --netwrok (did you mean network?)'],
    ['RUN --mount a', 'missing a value on flag: --mount'],
    ['RUN --mount= a', 'failed to parse csv mounts: EOF'],
    ['RUN --mount=from=$x,target=/y a', "'from' doesn't support variable expansion, define alias stage instead"],
    ["RUN --mount='type=a\"b' a", 'failed to parse csv mounts: bare " in non-quoted-field at character 1'],
    ['RUN --device=name=x a', 'RUN --device=name=x: devices are not given to builds here: leave the flag out'],
    ['RUN --network=none --network=none a', 'duplicate flag specified: --network'],
  ]);
});

test('HEALTHCHECK is a command with times, or NONE', () => {
  const zero = { interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
  const health = (text: string): unknown => parse(text)['healthcheck'];
  assert.deepEqual(health('HEALTHCHECK NONE'), { test: ['NONE'], ...zero });
  assert.deepEqual(health('HEALTHCHECK none'), { test: ['NONE'], ...zero });
  assert.deepEqual(health('HEALTHCHECK CMD a b'), { test: ['CMD-SHELL', 'a b'], ...zero });
  assert.deepEqual(health('HEALTHCHECK cmd ["a", "b"]'), { test: ['CMD', 'a', 'b'], ...zero });
  assert.deepEqual(
    health('HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2h --start-interval=1s --retries=4 CMD a'),
    {
      test: ['CMD-SHELL', 'a'],
      interval: 90e9,
      timeout: 5e8,
      startPeriod: 7200e9,
      startInterval: 1e9,
      retries: 4,
    },
  );
  assert.deepEqual(health('HEALTHCHECK --interval=0s --retries=0 CMD a'), { test: ['CMD-SHELL', 'a'], ...zero });
  assert.deepEqual(health('HEALTHCHECK --interval= CMD a'), { test: ['CMD-SHELL', 'a'], ...zero });
  checkRefused([
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK NONE a', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK FOO a', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK curl x', 'Unknown type "CURL" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK CMD []', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK --interval=1us CMD a', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --timeout=-1s CMD a', 'Interval "timeout" cannot be less than 1ms'],
    ['HEALTHCHECK --interval=5 CMD a', 'time: missing unit in duration "5"'],
    ['HEALTHCHECK --interval=5x CMD a', 'time: unknown unit "x" in duration "5x"'],
    ['HEALTHCHECK --interval=soon CMD a', 'time: invalid duration "soon"'],
    ['HEALTHCHECK --retries=x CMD a', 'strconv.ParseInt: parsing "x": invalid syntax'],
    ['HEALTHCHECK --retries=-1 CMD a', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --interval=1s --interval=2s CMD a', 'duplicate flag specified: --interval'],
    ['HEALTHCHECK --retry=1 CMD a', 'unknown flag: --retry'],
  ]);
});

test('the others take words, or the rest of the line', () => {
  check([
    ['EXPOSE 80', { kind: 'expose', words: ['80'] }],
    ['EXPOSE 80/tcp  8000-8010/udp $x', { words: ['80/tcp', '8000-8010/udp', '$x'] }],
    ['VOLUME /a /b', { kind: 'volume', words: ['/a', '/b'] }],
    ['VOLUME ["/a b", "/c"]', { words: ['/a b', '/c'] }],
    ['USER me:us', { kind: 'user', value: 'me:us' }],
    ['WORKDIR /a b/c', { kind: 'workdir', value: '/a b/c' }],
    ['STOPSIGNAL SIGTERM', { kind: 'stopsignal', value: 'SIGTERM' }],
    ['MAINTAINER me <me@x.org>', { kind: 'maintainer', value: 'me <me@x.org>' }],
    ['ONBUILD RUN a b', { kind: 'onbuild', trigger: 'RUN a b' }],
    ['ONBUILD   copy --from=x  a b', { trigger: 'copy --from=x  a b' }],
    ['ONBUILD ENV a=b \\\n c=d', { trigger: 'ENV a=b  c=d' }],
  ]);
  checkRefused([
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['USER', 'USER requires exactly one argument'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['STOPSIGNAL', 'STOPSIGNAL requires exactly one argument'],
    ['MAINTAINER', 'MAINTAINER requires exactly one argument'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['ONBUILD ONBUILD RUN a', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD from a', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD MAINTAINER a', "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ['ONBUILD RUNN a', 'unknown instruction: RUNN (did you mean RUN?)'],
    ['USER --x a', 'unknown flag: --x'],
    ['ONBUILD --x RUN a', 'unknown flag: --x'],
  ]);
});
