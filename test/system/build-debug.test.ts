/** `skiff debug`: a shell where a step failed, with what the step had, and nothing of it afterwards. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

const SKIFF = `${import.meta.dirname}/../../bin/skiff`;

const DOCKERFILE = `FROM busybox AS other
RUN echo of the other > /o
FROM busybox
RUN mkdir -p /work && echo built > /work/file && echo 'app:x:1234:1234::/home/app:/bin/sh' >> /etc/passwd && mkdir -m 777 /open
ENV FROM_ENV=value
WORKDIR /work
USER app
RUN --mount=type=bind,target=/ctx --mount=type=bind,from=other,source=/o,target=/other --mount=type=cache,target=/open/cache,mode=0777 \\
  touch /open/by-the-step; exit 3
RUN echo never
`;

describe('looking at a failed step', { skip: missing('root', 'busybox', 'script'), timeout: 60_000 }, () => {
  const daemon = useDaemon();
  let folder = '';
  before(() => {
    folder = mkdtempSync('/tmp/skiff-test-debug-');
    writeFileSync(`${folder}/Dockerfile`, DOCKERFILE);
    writeFileSync(`${folder}/given`, 'in the context\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const skiff = (...args: readonly string[]) =>
    spawnSync(SKIFF, ['-H', `unix://${daemon.socket}`, ...args], { cwd: folder, encoding: 'utf8', timeout: 30_000 });

  async function type(lines: string, size = 'cols 77 rows 22'): Promise<{ text: string; code: number | null }> {
    const command = `stty ${size}; exec ${SKIFF} -H unix://${daemon.socket} debug`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], { env: { ...process.env, TERM: 'vt100' } });
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    await eventually('a prompt comes', () => /\/work \$ /.test(text), 15_000).catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${text}`);
    });
    child.stdin.write(lines);
    return { code: await ended, text: text.replaceAll(/\r+\n/g, '\n') };
  }

  test('without a failed step it says so', () => {
    const child = spawnSync('script', ['-qec', `${SKIFF} -H unix://${daemon.socket} debug`, '/dev/null'], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(child.status, 1);
    assert.match(child.stdout, /no failed step is kept/);
    assert.match(skiff('debug').stderr, /not a TTY/);
  });

  test('the shell has the files, mounts, user, folder and environment of the step, and its terminal', async () => {
    assert.equal(skiff('build', '.').status, 3);
    const { text, code } = await type(
      'cat file /ctx/given /other; id -u; pwd; echo "$FROM_ENV $TERM"; stty size; ls /open; touch /open/by-the-shell; exit 9\n',
    );
    assert.match(text, /^The state before \[stage-1 4\/5\] RUN --mount[^\n]*: changes are thrown away\.\n/m);
    assert.match(text, /\nbuilt\nin the context\nof the other\n1234\n\/work\nvalue vt100\n22 77\ncache\n/);
    assert.equal(code, 9);
    const again = await type('ls /open; exit\n');
    assert.match(again.text, /\ncache\n/);
    assert.doesNotMatch(again.text, /\ncache[^]*by-the|by-the-shell/);
    await eventually('nothing of it is left', () => daemon.buildRests().length === 0);
  });

  test('a shell whose client is killed ends, and what is kept goes with the daemon', async () => {
    const command = `exec ${SKIFF} -H unix://${daemon.socket} debug`;
    const child = spawn('script', ['-qefc', command, '/dev/null']);
    await eventually('the shell runs', () => daemon.buildRests().length > 0, 15_000);
    spawnSync('pkill', ['-KILL', '-P', String(child.pid)]);
    await eventually('nothing of it is left', () => daemon.buildRests().length === 0);
    child.kill('SIGKILL');
  });
});
