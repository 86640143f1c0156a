/** A whole distribution: Debian as debootstrap makes it, apt inside the container, interpreters, terminals. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { collect, demultiplex } from '../support/http.ts';
import { Containers, sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';
import { debianSource, debianTar } from '../support/rootfs.ts';

const needs =
  missing('root', 'busybox', 'debootstrap', 'apt-config') ||
  (debianSource() ? false : 'needs a mirror of Debian in apt’s sources');

describe('debian', { skip: needs, timeout: 600_000 }, () => {
  const daemon = useDaemon();
  const { http } = daemon;
  const debian = new Containers(http, 'debian');
  let id = '';

  before(async () => {
    await daemon.import(debianTar(), 'debian');
    id = await debian.begin({ Cmd: ['sleep', '10000'], HostConfig: { NetworkMode: 'host', Init: true } });
    daemon.containers.made.push(id);
  });

  const ok = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await debian.exec(id, { Cmd: sh(script) });
    assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
    return stdout;
  };

  test('the file system is Debian’s, owners and modes included', async () => {
    assert.match(await ok('cat /etc/os-release'), /ID=debian/);
    assert.match(await ok('stat -c "%a %U" /tmp /usr/bin/passwd /etc/shadow'), /^1777 root\n4755 root\n640 root\n$/);
    assert.equal((await ok('dpkg --verify 2>&1 | grep -v "/usr/share\\| c \\|missing" || true')).trim(), '');
  });

  test('apt-get updates and installs with the host’s network', { timeout: 300_000 }, async () => {
    const update = await ok('apt-get update 2>&1 || (cat /etc/resolv.conf; exit 1)');
    assert.doesNotMatch(update, /^(Err|W):/m);
    await ok(
      'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-minimal nodejs hello 2>&1',
    );
    assert.equal(await ok('hello'), 'Hello, world!\n');
  });

  test('sh, ps, Python and Node run', async () => {
    assert.match(await ok('ps -e -o pid,comm'), /^\s+PID COMMAND\n\s+1 docker-init\n\s+\d+ sleep\n/);
    assert.equal(await ok('python3 -c "import os, sys; print(os.getuid(), sys.version_info.major)"'), '0 3\n');
    assert.equal(
      await ok("node -e \"console.log(process.pid > 1, require('os').hostname() !== '', 6 * 7)\""),
      'true true 42\n',
    );
    const worker =
      'const { Worker, isMainThread, parentPort } = require("worker_threads"); if (isMainThread) new Worker(__filename).on("message", (m) => console.log(m)); else parentPort.postMessage("from a thread")';
    await ok(`echo '${worker}' > /tmp/worker.js`);
    assert.equal(await ok('node /tmp/worker.js'), 'from a thread\n');
    assert.equal(await ok('python3 -c "import subprocess; print(subprocess.run([\'true\']).returncode)"'), '0\n');
  });

  test('a Python and a Node process get Ctrl-C and sizes through a terminal, and their exit codes arrive', async () => {
    const python = [
      'import os, signal, sys, time',
      'signal.signal(signal.SIGWINCH, lambda *_: print(os.get_terminal_size(), flush=True))',
      'print("ready", flush=True)',
      'try:',
      '  while True: time.sleep(1)',
      'except KeyboardInterrupt:',
      '  print("interrupted", flush=True); sys.exit(42)',
    ].join('\n');
    const node = [
      'process.stdout.on("resize", () => console.log(process.stdout.columns + "x" + process.stdout.rows));',
      'process.on("SIGINT", () => { console.log("interrupted"); process.exit(43); });',
      'setInterval(() => {}, 1000); console.log("ready");',
    ].join('\n');
    for (const [Cmd, size, code] of [
      [['python3', '-c', python], /columns=111, lines=22/, 42],
      [['node', '-e', node], /111x22/, 43],
    ] as const) {
      const execId = await debian.createExec(id, { Cmd, Tty: true, AttachStdin: true, AttachStdout: true });
      const socket = await http.hijack(`/exec/${execId}/start`, { Tty: true });
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const shows = (pattern: RegExp): Promise<boolean> =>
        eventually(`${Cmd[0]} shows ${pattern}`, () => pattern.test(text), 10_000);
      await shows(/ready/);
      await http.call('POST', `/exec/${execId}/resize?h=22&w=111`);
      await shows(size);
      socket.write('\x03');
      await shows(/interrupted/);
      assert.equal(await debian.execExit(execId), code);
      socket.destroy();
    }
  });

  test('a server inside is reached over the host’s network', async () => {
    const script =
      'require("http").createServer((q, s) => s.end("hello from " + q.url)).listen(0, "127.0.0.1", function () { console.log("port " + this.address().port) })';
    const execId = await debian.createExec(id, { Cmd: ['node', '-e', script], AttachStdout: true });
    const socket = await http.hijack(`/exec/${execId}/start`, {});
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
    const [, port] = await eventually('it listens', () => /port (\d+)/.exec(bytes.toString()) ?? undefined, 10_000);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/x`)).text(), 'hello from /x');
    socket.destroy();
    await ok('kill $(pidof node)');
  });

  test('what was installed is in the container’s own layer only', async () => {
    const other = await debian.create({
      Cmd: sh('ls /usr/bin/hello; ls /usr/bin/dpkg'),
      AttachStdout: true,
      AttachStderr: true,
    });
    daemon.containers.made.push(other);
    const output = collect(await debian.attach(other));
    await debian.start(other);
    const { stdout, stderr } = demultiplex(await output);
    assert.equal(stdout.toString(), '/usr/bin/dpkg\n');
    assert.match(stderr.toString(), /hello.*No such file/);
    await debian.remove(other);
  });
});
