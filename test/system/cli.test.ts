/** The skiff command as a user has it: a terminal, pipes, exit codes, and the daemon it starts by itself. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

const skiff = `${import.meta.dirname}/../../bin/skiff`;

describe('skiff', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const run = (args: readonly string[], input = '') =>
    spawnSync(skiff, ['-H', `unix://${daemon.socket}`, ...args], {
      input,
      encoding: 'utf8',
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });

  test('run passes input, output and the exit code through', () => {
    const { status, stdout, stderr } = run(
      ['run', '--rm', '-i', 'busybox', 'sh', '-c', 'cat; echo err >&2; exit 9'],
      'in\n',
    );
    assert.deepEqual([status, stdout, stderr], [9, 'in\n', 'err\n']);
  });

  test('run -it gives a terminal: its size, Ctrl-C and the exit code', async () => {
    // No child beside the shell: which of two gets the signal first would decide the exit code.
    const script = `stty size; trap 'exit 42' INT; echo ready; while true; do true; done`;
    const command = `stty rows 33 cols 99; exec ${skiff} -H unix://${daemon.socket} run --rm -it busybox sh -c "${script}"`;
    // script(1) gives the command a terminal of its own, and its exit code.
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    let typed = false;
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (typed || !/ready/.test(output)) return;
      typed = true;
      // Once: what comes after it may be the last of a command that reads no more.
      child.stdin.write('\x03');
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    clearTimeout(timer);
    assert.equal(code, 42, `${String(code)}: ${output}`);
    assert.match(output, /33 99/);
  });

  test('what is not there, or not known, is refused with what to do', () => {
    for (const [args, code, words] of [
      [['run', '--network', 'bridge', 'busybox'], 125, /no default bridge network \(--bridge=none\): use --network/],
      [['run', '--no-such-flag', 'busybox'], 125, /unknown flag: --no-such-flag/],
      [['run', '--rm', 'no-such-image'], 125, /no-such-image/],
      [['run', '--rm', 'busybox', 'no-such-program'], 127, /executable file not found in \$PATH/],
      [['rm', 'no-such-container'], 1, /No such container: no-such-container/],
    ] as const) {
      const { status, stderr } = run(args);
      assert.equal(status, code, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, words);
    }
  });

  test('without a daemon the first command starts one, in its usual places', () => {
    const script = `
      mount -t tmpfs t /run && mount -t tmpfs t /var/lib
      ${skiff} run --rm hello | grep -q Ahoy || exit 1
      ${skiff} ps -aq | wc -l
      kill $(cat /var/lib/skiff/lock.pid)
      while [ -S /run/skiff.sock ]; do sleep 0.05; done`;
    const options = { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' } as const;
    const { status, stdout, stderr } = spawnSync('unshare', ['-m', '-n', 'sh', '-c', script], options);
    assert.deepEqual([status, stdout.trim()], [0, '0'], stderr);
  });
});
