/** The skiff command as a user has it: a terminal, pipes, exit codes, and the daemon it starts by itself. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

const skiff = `${import.meta.dirname}/../../bin/skiff`;

for (const door of ['on', 'off']) checkCommandLine(door);

/** Through the front door, and as a Node program: nobody is to see a difference. */
function checkCommandLine(door: string): void {
  describe(`skiff with its front door ${door}`, { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
    const daemon = useDaemon();
    const env = { ...process.env, SKIFF_DOOR: door };
    const run = (args: readonly string[], input = '') =>
      spawnSync(skiff, ['-H', `unix://${daemon.socket}`, ...args], {
        input,
        env,
        encoding: 'utf8',
        maxBuffer: 10_000_000,
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
      const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env });
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

    test('a size that changes is passed on, and the terminal is given back as it was', async () => {
      // stty sets rows and columns one after the other: two sizes, of which the second has to arrive, too.
      const inside = `trap 'size=$(stty size); echo seen $size; [ "$size" = "44 111" ] && exit 5' WINCH; echo ready; while true; do sleep 0.05; done`;
      const command = `${skiff} -H unix://${daemon.socket} run --rm -it busybox sh -c '${inside.replaceAll("'", `'\\''`)}'`;
      // The shell that changes the size is beside the command, on the same terminal.
      const go = `${daemon.folder}/resize`;
      const change = `(while [ ! -e ${go} ]; do sleep 0.02; done; stty rows 44 cols 111 </dev/tty) &`;
      const script = `stty rows 20 cols 50; before=$(stty -g); ${change} ${command}; echo code $?; [ "$before" = "$(stty -g)" ] && echo same`;
      // An end of script's input would be a character in the terminal: it stays open.
      const child = spawn('script', ['-qec', script, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'], env });
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (/ready\r\n/.test(output)) writeFileSync(go, '');
      });
      await once(child, 'close');
      clearTimeout(timer);
      rmSync(go, { force: true });
      assert.match(output, /^ready\r\n(?:seen [\d ]+\r\n)*seen 44 111\r\ncode 5\r\nsame\r\n$/);
    });

    test('input that no command reads stays where it is', () => {
      const loop = `printf 'a\\nb\\n' | while read line; do ${skiff} -H unix://${daemon.socket} ps -q; echo $line; done`;
      const { stdout, stderr } = spawnSync('sh', ['-c', loop], { encoding: 'utf8', env, timeout: 30_000 });
      assert.equal(stdout, 'a\nb\n', stderr);
    });

    test('an input that is closed is at its end, and the end of an answer is a no', () => {
      const command = `${skiff} -H unix://${daemon.socket}`;
      const shell = (script: string) => spawnSync('sh', ['-c', script], { encoding: 'utf8', env, timeout: 20_000 });
      const closed = shell(`${command} run --rm -i busybox cat <&-; echo $?`);
      assert.equal(closed.stdout, '0\n', closed.stderr);
      run(['volume', 'create', 'kept']);
      for (const answer of ['', 'n\n', 'yes\n']) {
        const { status, stdout } = run(['volume', 'prune', '--all'], answer);
        assert.deepEqual([status, stdout.endsWith('continue? [y/N] ')], [0, true], stdout);
      }
      assert.equal(run(['volume', 'ls', '-q']).stdout, 'kept\n');
      assert.match(run(['system', 'prune', '--all', '--volumes'], 'n\n').stdout, /- all build cache\n/);
      assert.match(run(['volume', 'prune', '--all'], 'y\n').stdout, /Deleted Volumes:\nkept\n/);
    });

    test('a source that begins with a dot is a path from where the command is run', () => {
      const folder = mkdtempSync(`${tmpdir()}/skiff-cli-`);
      try {
        const args = ['run', '--rm', '--mount', 'type=bind,src=.,dst=/here', 'busybox', 'ls', '/here'];
        writeFileSync(`${folder}/found`, '');
        const options = { encoding: 'utf8', env, cwd: folder } as const;
        const { stdout, stderr } = spawnSync(skiff, ['-H', `unix://${daemon.socket}`, ...args], options);
        assert.equal(stdout, 'found\n', stderr);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test('much output and input pass whole, and a reader that stops early ends the command', () => {
      const many = 'x'.repeat(3_000_000);
      const { stdout } = run(['run', '--rm', '-i', 'busybox', 'cat'], many);
      assert.equal(stdout === many, true, `${stdout.length} bytes`);
      const early = `${skiff} -H unix://${daemon.socket} run --rm busybox yes | head -1`;
      const { stdout: first, error } = spawnSync('sh', ['-c', early], { encoding: 'utf8', env, timeout: 10_000 });
      assert.deepEqual([first, error], ['y\n', undefined]);
      for (const id of run(['ps', '-aq']).stdout.split('\n').filter(Boolean)) run(['rm', '-f', id]);
    });

    test('signals are passed on to the program, and end a command that has none', async () => {
      const args = ['-H', `unix://${daemon.socket}`, 'run', '--rm', 'busybox', 'sh', '-c'];
      const trap = "trap 'exit 7' TERM; echo ready; while true; do sleep 0.1; done";
      const child = spawn(skiff, [...args, trap], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.once('data', () => child.kill('SIGTERM'));
      const [code] = (await once(child, 'exit')) as [number];
      assert.equal(code, 7);
      const events = spawn(skiff, ['-H', `unix://${daemon.socket}`, 'events'], { env, stdio: 'ignore' });
      await pause(1000);
      events.kill('SIGINT');
      const [, signal] = (await once(events, 'exit')) as [number, string];
      assert.equal(signal, 'SIGINT');
    });

    test("the user's own files are read by the user's own process", () => {
      const folder = mkdtempSync(`${tmpdir()}/skiff-cli-`);
      try {
        writeFileSync(`${folder}/env`, 'FROM_FILE=yes\nHERE\n');
        const args = ['run', '--rm', '--env-file', `${folder}/env`, '--cidfile', `${folder}/id`, 'busybox', 'env'];
        const { stdout, stderr, status } = spawnSync(skiff, ['-H', `unix://${daemon.socket}`, ...args], {
          encoding: 'utf8',
          env: { ...env, HERE: 'too' },
        });
        assert.equal(status, 0, stderr);
        assert.match(stdout, /FROM_FILE=yes\nHERE=too\n/);
        assert.match(readFileSync(`${folder}/id`, 'utf8'), /^[0-9a-f]{64}$/);
        const again = run(args);
        assert.equal(again.status, 125);
        assert.match(again.stderr, /container ID file found/);
        assert.match(run(['run', '--env-file', '/etc/no-such', 'busybox']).stderr, /open \/etc\/no-such: no such file/);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test('a client that is killed leaves its container running, and nothing of the command', async () => {
      const args = ['run', '--name', 'left', 'busybox', 'sleep', '60'];
      const child = spawn(skiff, ['-H', `unix://${daemon.socket}`, ...args], { env, stdio: 'ignore' });
      await eventually('it runs', () => run(['ps', '-q', '-f', 'status=running']).stdout !== '', 10_000);
      child.kill('SIGKILL');
      await once(child, 'exit');
      assert.match(run(['ps', '--format', '{{.Names}} {{.State}}']).stdout, /^left running/);
      run(['rm', '-f', 'left']);
    });

    test('without a daemon the first command starts one, in its usual places', () => {
      const script = `
      mount -t tmpfs t /run && mount -t tmpfs t /var/lib
      ${skiff} run --rm hello | grep -q Ahoy || exit 1
      ${skiff} ps -aq | wc -l
      kill $(cat /var/lib/skiff/lock.pid)
      while [ -S /run/skiff.sock ]; do sleep 0.05; done`;
      const options = { encoding: 'utf8', env, timeout: 60_000, killSignal: 'SIGKILL' } as const;
      const { status, stdout, stderr } = spawnSync('unshare', ['-m', '-n', 'sh', '-c', script], options);
      assert.deepEqual([status, stdout.trim()], [0, '0'], stderr);
    });
  });
}
