import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, heredocsOf, heredocStart } from './heredoc.ts';
import type { CopyInstruction, OnBuildInstruction, RunInstruction } from './instruction.ts';
import { parseDockerfile } from './parse-dockerfile.ts';
import { parseTrigger } from '../plan/triggers.ts';

const first = <T>(text: string): T => parseDockerfile(`FROM a\n${text}`).stages[0]!.instructions[0] as T;

test('heredocStart() knows what begins a heredoc', () => {
  const cases: readonly (readonly [word: string, expected: readonly [string, boolean, boolean] | undefined])[] = [
    ['<<EOF', ['EOF', false, true]],
    ['<<-EOF', ['EOF', true, true]],
    ['<<"EOF"', ['EOF', false, false]],
    ["<<'EOF'", ['EOF', false, false]],
    ['<<E"O"F', ['EOF', false, false]],
    ['<<\\EOF', ['EOF', false, false]],
    ['3<<EOF', ['EOF', false, true]],
    ['0<<-"end of"', ['end of', true, false]],
    ['<<$x', ['$x', false, true]],
    ['<<file.txt', ['file.txt', false, true]],
    ['<<', undefined],
    ['<<-', undefined],
    ['<<""', undefined],
    ['<EOF', undefined],
    ['<<<EOF', undefined],
    ['a<<EOF', undefined],
    ['<<EOF<', undefined],
    ['<< EOF', undefined],
    ['<<EOF x', undefined],
    ['<<"EOF', undefined],
    ['EOF', undefined],
    ['$((1<<2))', undefined],
  ];
  for (const [word, expected] of cases) {
    const start = heredocStart(word);
    assert.deepEqual(start && [start.name, start.stripsTabs, start.expands], expected, word);
  }
});

test('heredocsOf() finds them in RUN, COPY and ADD, outside of quotes', () => {
  const cases: readonly (readonly [text: string, names: readonly string[]])[] = [
    ['RUN <<EOF', ['EOF']],
    ['run cat <<A && cat <<B', ['A', 'B']],
    ['RUN cat <<A >x; cat <<-"B" 5<<C', ['A', 'B', 'C']],
    ['COPY <<A <<B /x/', ['A', 'B']],
    ['ADD <<A /x', ['A']],
    ['ONBUILD RUN <<A', ['A']],
    ['onbuild copy <<A /x', ['A']],
    ['RUN echo "<<A"', []],
    ["RUN echo '<<A'", []],
    ['RUN echo \\<<A', []],
    ['RUN cat <<<A', []],
    ["RUN echo it's <<A", []],
    ['RUN echo $((1 << 2))', []],
    ['RUN ["cat", "<<A"]', []],
    ['CMD cat <<A', []],
    ['ENV a=<<A', []],
    ['RUNX <<A', []],
    ['LABEL x=<<A', []],
  ];
  for (const [text, names] of cases) {
    assert.deepEqual(
      heredocsOf(text).map(({ name }) => name),
      names,
      text,
    );
  }
});

test('bodies are what stands between, whatever it looks like', () => {
  const body = (text: string): string => bodyOf(first<RunInstruction>(text).heredocs[0]!);
  assert.equal(body('RUN <<E\na\nE'), 'a\n');
  assert.equal(body('RUN <<E\nE'), '');
  assert.equal(body('RUN <<E\n# no comment\n\n  b \\\n c\nE\n'), '# no comment\n\n  b \\\n c\n');
  assert.equal(body('RUN <<E\n E\nE \nEE\nE'), ' E\nE \nEE\n');
  assert.equal(body('RUN <<-E\n\ta\n\t\tb\n c\n\tE'), 'a\nb\n c\n');
  assert.equal(body('RUN <<E\n\ta\nE'), '\ta\n');
  assert.equal(body('RUN <<E\na\r\nE\r\n'), 'a\r\n');
  assert.equal(body('RUN <<E\nFROM x\nE'), 'FROM x\n');
  assert.equal(body('RUN \\\n <<E\na\nE'), 'a\n');
});

test('several bodies follow each other in the order of their words', () => {
  const { heredocs, command } = first<RunInstruction>('RUN cat <<A && cat <<B\n1\nB\nA\n2\nA\nB');
  assert.deepEqual(
    heredocs.map(({ name, content }) => [name, content]),
    [
      ['A', '1\nB\n'],
      ['B', '2\nA\n'],
    ],
  );
  assert.deepEqual(command, { form: 'shell', line: 'cat <<A && cat <<B' });
});

test('COPY takes heredocs as sources, beside paths', () => {
  const { sources, target } = first<CopyInstruction>('COPY a <<B "<<C" /x/\n1\nB');
  assert.equal(target, '/x/');
  assert.deepEqual(
    sources.map((source) => (typeof source === 'string' ? source : [source.name, source.content])),
    ['a', ['B', '1\n'], '"<<C"'],
  );
});

test('the heredocs of ONBUILD go with the trigger', () => {
  const { trigger } = first<OnBuildInstruction>('ONBUILD RUN cat <<A <<-B\n1\nA\n\t2\n\tB');
  assert.equal(trigger, 'RUN cat <<A <<-B\n1\nA\n\t2\nB');
  const run = parseTrigger(trigger) as RunInstruction;
  assert.deepEqual(
    run.heredocs.map(({ content }) => content),
    ['1\n', '\t2\n'],
  );
});

test('a destination is no heredoc, and JSON takes none', () => {
  assert.throws(() => first('COPY a <<B\n1\nB'), { message: /COPY cannot accept a heredoc as a destination/ });
  assert.throws(() => first('ADD a <<B\n1\nB'), { message: /ADD cannot accept a heredoc as a destination/ });
});
