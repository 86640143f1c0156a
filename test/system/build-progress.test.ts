/** What `skiff build` shows on a terminal: steps side by side while they run, all of them when it has ended. */
import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { Screen } from '../support/screen.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;
const ROWS = 12;
const COLUMNS = 60;

const DOCKERFILE = `FROM busybox AS a
RUN for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do echo "a line $i of the first"; done; sleep 1; echo done > /a
FROM busybox AS b
RUN printf 'half\\rwhole \\033[31mred\\033[0m'; sleep 1; echo done > /b
FROM busybox
COPY --from=a /a /
COPY --from=b /b /
RUN echo last
`;

describe('the progress of a build', { skip: missing('root', 'busybox', 'script'), timeout: 90_000 }, () => {
  const daemon = useDaemon();
  let folder = '';
  before(() => {
    folder = mkdtempSync('/tmp/skiff-test-progress-');
    writeFileSync(`${folder}/Dockerfile`, DOCKERFILE);
    writeFileSync(`${folder}/Failing`, 'FROM busybox\nRUN echo before; echo why it failed >&2; exit 7\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** On a terminal of that size. */
  function onTerminal(args: string): {
    child: ChildProcessWithoutNullStreams;
    screen: Screen;
    ended: Promise<number | null>;
  } {
    const command = `stty cols ${COLUMNS} rows ${ROWS}; exec ${SKIFF} -H unix://${daemon.socket} build ${args}`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: folder,
      env: { ...process.env, HOME: folder, TERM: 'xterm' },
    });
    const screen = new Screen(COLUMNS, ROWS);
    const decoder = new TextDecoder();
    child.stdout.on('data', (bytes: Buffer) => screen.write(decoder.decode(bytes, { stream: true })));
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    return { child, screen, ended };
  }

  test('steps that run side by side are seen with what they write, in the window, and stay when it has ended', async () => {
    const { screen, ended } = onTerminal('-t shown .');
    await eventually('both steps run', () => /\[a 2\/2\][^]*\[b 2\/2\]/.test(screen.text), 20_000);
    await eventually(
      'both show the end of what they wrote',
      () => /=> => # a line 15 of the first/.test(screen.text) && /=> => # whole red\n/.test(`${screen.text}\n`),
    );
    const during = screen.text;
    assert.match(during, /^\[\+\] Building \d+\.\ds \(\d+\/\d+\)\n/);
    assert.ok(during.split('\n').length < ROWS, during);
    assert.ok(!screen.isCursorShown);
    assert.equal(await ended, 0, screen.text);
    assert.equal(screen.missed, 0, 'nothing was drawn over that had left the window');
    assert.match(screen.text, /^\[\+\] Building FINISHED \d+\.\ds \(\d+\/\d+\)\n/);
    assert.match(screen.text, /\[internal\] load build context[^]*\[a 2\/2\] RUN for i in[^\n]* [1-9]\d*\.\ds\n/);
    assert.match(screen.text, /Successfully tagged shown:latest$/);
    assert.doesNotMatch(screen.text, /a line/);
    assert.ok(screen.isCursorShown);
    const again = onTerminal('.');
    assert.equal(await again.ended, 0);
    assert.match(again.screen.text, /=> CACHED \[a 2\/2\]/);
  });

  test("a step that fails is marked, what it wrote is shown whole, and its code is the command's", async () => {
    const { screen, ended } = onTerminal('-f Failing .');
    assert.equal(await ended, 7);
    assert.match(screen.text, /^\[\+\] Building FAILED /);
    assert.match(screen.text, /=> ERROR \[2\/2\] RUN echo before/);
    assert.match(screen.text, /\n-+\n > \[2\/2\] RUN[^\n]*:\nbefore\nwhy it failed\n-+\n/);
    assert.match(screen.text, /returned a non-zero code: 7$/);
  });

  test('Ctrl-C ends it, with the cursor where it belongs and nothing left', async () => {
    const { child, screen, ended } = onTerminal('--no-cache .');
    await eventually('steps run', () => /\[a 2\/2\]/.test(screen.text), 20_000);
    child.stdin.write('\x03');
    assert.notEqual(await ended, 0);
    assert.ok(screen.isCursorShown, screen.text);
    assert.match(screen.text, /\[\+\] Building CANCELLED [^]*the build was cancelled$/);
    await eventually('nothing of the build is left', () => daemon.buildRests().length === 0);
  });

  test('elsewhere lines are written as they come, and --progress decides', async () => {
    const run = async (...args: readonly string[]): Promise<string> => {
      const child = spawn(SKIFF, ['-H', `unix://${daemon.socket}`, 'build', ...args, '.'], { cwd: folder });
      return Buffer.concat(await Array.fromAsync(child.stdout as AsyncIterable<Buffer>)).toString();
    };
    assert.match(await run(), /^Step 1\/\d+ : FROM busybox/);
    assert.match(await run('--progress=plain'), /^Step 1\/\d+ : FROM busybox/);
    assert.match(await run('--progress=quiet'), /^sha256:[0-9a-f]{64}\n$/);
    assert.match(await run('--progress=tty'), /\[\+\] Building FINISHED /);
    const lines = (await run('--progress=rawjson', '--no-cache')).trim().split('\n');
    const all = lines.map((line) => JSON.parse(line) as { vertexes?: { name: string }[]; logs?: { data: string }[] });
    assert.ok(all.some(({ vertexes = [] }) => vertexes.some(({ name }) => name.startsWith('[b 2/2] RUN'))));
    const text = all.flatMap(({ logs = [] }) => logs.map(({ data }) => Buffer.from(data, 'base64').toString()));
    assert.match(text.join(''), /a line 15 of the first\n/);
  });
});
