import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TerminalOutput } from '../command.ts';
import { showProgress } from './progress.ts';

/** What a pull of one layer writes to an output; ESC is shown as `^`. */
function written(terminal: { readonly isTTY: boolean; readonly columns?: number }): string {
  let text = '';
  const output = { ...terminal, write: (more: string) => (text += more) !== '' } as unknown as TerminalOutput;
  const show = showProgress(output);
  show({ status: 'Pulling from app', id: '1' });
  show({ id: 'abc', status: 'Pulling fs layer', progressDetail: {} });
  show({ id: 'abc', status: 'Downloading', progressDetail: { current: 500, total: 1000 } });
  show({ id: 'abc', status: 'Pull complete', progressDetail: {} });
  show({ status: 'Digest: x' });
  return text.replaceAll('\x1b', '^');
}

test('a terminal writes over the line of a layer, as wide as it is', () => {
  const over = (text: string): string => `^[1A\r^[2K${text}\r^[1B`;
  const lines = (downloading: string): string =>
    `1: Pulling from app\nabc: Pulling fs layer\n${over(downloading)}${over('abc: Pull complete')}Digest: x\n`;
  const wide = written({ isTTY: true, columns: 100 });
  assert.match(wide, /Downloading \[=+> +\] +500B\/1kB/);
  assert.equal(written({ isTTY: true, columns: 30 }), lines('abc: Downloading     500B/1kB'));
  // No size is known: nothing is cut off.
  assert.match(written({ isTTY: true, columns: 0 }), /abc: Pull complete\r/);
});

test('elsewhere each change of state is a line, without amounts', () => {
  assert.equal(
    written({ isTTY: false }),
    '1: Pulling from app\nabc: Pulling fs layer\nabc: Pull complete\nDigest: x\n',
  );
});
