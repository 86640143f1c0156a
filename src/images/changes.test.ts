import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandWord, splitWords } from './change-words.ts';
import { applyChanges } from './changes.ts';
import { emptyImageConfig, type ImageConfig } from './image-record.ts';

/** What the instructions set in an empty config. */
function check(changes: string | string[], expected: Partial<ImageConfig>): void {
  assert.deepEqual(applyChanges(emptyImageConfig, [changes].flat()), { ...emptyImageConfig, ...expected });
}

function refused(change: string, message: RegExp): void {
  assert.throws(() => applyChanges(emptyImageConfig, [change]), { kind: 'invalid', message }, change);
}

test('CMD and ENTRYPOINT take JSON or a shell command', () => {
  check('CMD ["sh", "-c", "echo \\"a\\""]', { command: ['sh', '-c', 'echo "a"'] });
  check('cmd echo $HOME "a b"', { command: ['/bin/sh', '-c', 'echo $HOME "a b"'] });
  check('CMD []', { command: [] });
  check('CMD [not json', { command: ['/bin/sh', '-c', '[not json'] });
  check(['CMD a', 'CMD ["b"]', 'ENTRYPOINT ["e"]'], { command: ['b'], entrypoint: ['e'] });
  refused('CMD ["a", 1]', /arrays must be comprised of strings only/);
  refused('CMD', /CMD requires at least one argument/);
});

test('ENV and LABEL take pairs with quotes, the old form, and earlier variables', () => {
  check('ENV A=1 B="two words" C=a\\ b D=\'$A\'', { env: ['A=1', 'B=two words', 'C=a b', 'D=$A'] });
  check('ENV NAME the  rest of it', { env: ['NAME=the  rest of it'] });
  check(['ENV A=1', 'ENV B=${A}2 A=3', 'ENV C=$A'], { env: ['B=12', 'A=3', 'C=3'] });
  check('ENV A=', { env: ['A='] });
  check('ENV A=b=c', { env: ['A=b=c'] });
  check(['LABEL a=1 "b c"="d"', 'LABEL a=2', 'LABEL __proto__x=1'], {
    labels: { a: '2', 'b c': 'd', __proto__x: '1' },
  });
  refused('ENV A', /ENV must have two arguments/);
  refused('ENV A=1 B', /can't find = in "B"/);
  refused('ENV ="x"', /ENV names can not be blank/);
  refused('LABEL a="open', /looking for matching "/);
});

test('EXPOSE takes ports, protocols and ranges', () => {
  check('EXPOSE 80 53/udp 8000-8002/TCP 80/tcp', {
    exposedPorts: ['80/tcp', '53/udp', '8000/tcp', '8001/tcp', '8002/tcp'],
  });
  check(['ENV P=1', 'EXPOSE ${P}0 $NONE'], { env: ['P=1'], exposedPorts: ['10/tcp'] });
  for (const port of ['0', '65536', '2-1', 'x', '80/', '1-70000'])
    refused(`EXPOSE ${port}`, /invalid (containerPort|range)/);
  refused('EXPOSE 80/icmp', /invalid proto: icmp/);
});

test('USER, WORKDIR, VOLUME and STOPSIGNAL', () => {
  check('USER 1000:1000', { user: '1000:1000' });
  check(['WORKDIR /a', 'WORKDIR b/../c', 'WORKDIR d e'], { workingDirectory: '/a/c/d e' });
  check(['WORKDIR rel'], { workingDirectory: '/rel' });
  check(['VOLUME /a /b', 'VOLUME ["/c d", "/a"]'], { volumes: ['/a', '/b', '/c d'] });
  check('STOPSIGNAL SIGRTMIN+3', { stopSignal: 'SIGRTMIN+3' });
  check('STOPSIGNAL 9', { stopSignal: '9' });
  refused('STOPSIGNAL SIGNOTHING', /invalid signal: SIGNOTHING/);
  refused('USER a b', /USER requires exactly one argument/);
  refused('VOLUME [""]', /can not be an empty string/);
});

test('a change may hold several lines, comments and continuations', () => {
  check('# a comment\nENV A=1 \\\n  # another\n  B=2\r\n\nUSER me\n', { env: ['A=1', 'B=2'], user: 'me' });
});

test('other instructions are refused', () => {
  for (const change of ['RUN true', 'FROM x', 'COPY a b', 'toString x', '__proto__ x']) {
    const name = change.split(' ')[0]!.toLowerCase();
    assert.throws(() => applyChanges(emptyImageConfig, [change]), {
      code: 'image.badChange',
      message: `${name} is not a valid change command`,
    });
  }
});

test('ONBUILD keeps instructions for later, but not all', () => {
  check('ONBUILD RUN a  b\nonbuild COPY . .', { onBuild: ['RUN a  b', 'COPY . .'] });
  for (const change of ['ONBUILD ONBUILD RUN x', 'ONBUILD from x', 'ONBUILD MAINTAINER me', 'ONBUILD']) {
    assert.throws(() => applyChanges(emptyImageConfig, [change]), { code: 'image.changeSyntax' }, change);
  }
});

test('words are split outside quotes and keep them', () => {
  const check = (text: string, expected: string[]): void => assert.deepEqual(splitWords(text), expected, text);
  check('  a  b\tc ', ['a', 'b', 'c']);
  check('a="b c" d', ['a="b c"', 'd']);
  check("a='b c'd", ["a='b c'd"]);
  check('a\\ b c\\', ['a\\ b', 'c\\']);
  check('"a\\" b" c', ['"a\\" b"', 'c']);
  check('', []);
});

test('variables are replaced as in a Dockerfile', () => {
  const values: Record<string, string> = { A: '1', EMPTY: '' };
  const check = (word: string, expected: string): void =>
    assert.equal(
      expandWord(word, (name) => values[name]),
      expected,
      word,
    );
  check('$A${A}', '11');
  check('$NONE-', '-');
  check('\\$A', '$A');
  check("'$A'", '$A');
  check('"$A\\"\\x"', '1"\\x');
  check('${NONE:-d}${EMPTY:-d}${EMPTY-d}${A:-d}', 'dd1');
  check('${NONE:+s}${EMPTY:+s}${EMPTY+s}${A:+s}', 'ss');
  check('${NONE:-${A}x}', '1x');
  check('$', '$');
  check('a$/b', 'a$/b');
  for (const bad of ['${A', '${}', '${A:x}', '${A/b/c}', '${NONE:?must be set}']) {
    assert.throws(() => expandWord(bad, () => undefined), /bad substitution|must be set/, bad);
  }
});
