/** Containers made by other OCI runtimes under our shim: whatever one can do to a container can be done to these. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type Body, sh } from '../support/containers.ts';
import { Daemon } from '../support/daemon.ts';
import { runTool } from '../support/engines.ts';
import { eventually, pause } from '../support/eventually.ts';
import { cgroupsOf, processesOf } from '../support/leaks.ts';
import { missing, programPath } from '../support/needs.ts';
import { PrivateNetwork } from '../support/network.ts';

const NAMES = ['crun', 'runc'].filter((name) => programPath(name) !== undefined);
/** Debian's crun refuses a hybrid host whose unified hierarchy has controllers: the daemon's host has none. */
const WITHOUT_UNIFIED = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$0" "$@"';
/** SKIFF_TEST_RUNTIME_KILLS=50 takes three minutes. */
const KILLS = Number(process.env['SKIFF_TEST_RUNTIME_KILLS'] ?? 2);
const needs = missing('root', 'busybox', 'nsenter', 'unshare', 'ip', 'curl');
const SLEEP = sh('trap "exit 0" TERM; echo up; while :; do sleep 0.05; done');

/** A daemon that knows them all, on a host of its own. */
class Host implements AsyncDisposable {
  readonly network = new PrivateNetwork();
  readonly daemon = new Daemon([...this.network.enter, 'unshare', '-m', 'sh', '-c', WITHOUT_UNIFIED]);
  readonly config = `${this.daemon.folder}/daemon.json`;

  async start(runtimes: object = {}): Promise<void> {
    await this.network.ready();
    this.configure(runtimes);
    await this.restart();
    await this.daemon.import();
  }

  restart(): Promise<void> {
    return this.daemon.start('--bridge=skiff0', '--config-file', this.config);
  }

  configure(runtimes: object, more: object = {}): void {
    const installed = Object.fromEntries(NAMES.map((name) => [name, { path: programPath(name) }]));
    writeFileSync(this.config, JSON.stringify({ runtimes: { ...installed, ...runtimes }, ...more }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    await this.network[Symbol.asyncDispose]();
  }
}

const withRuntime = (name: string, body: Body): Body => ({
  ...body,
  HostConfig: { ...body.HostConfig, Runtime: name },
});

/** What a terminal shows until the pattern is there. */
async function shows(shown: { text: string }, pattern: RegExp): Promise<void> {
  await eventually(`the terminal shows ${pattern}`, () => pattern.test(shown.text), 5000).catch(() =>
    assert.match(shown.text, pattern),
  );
}

function watch(socket: Socket): { text: string } {
  const shown = { text: '' };
  socket.on('data', (chunk: Buffer) => (shown.text += chunk.toString()));
  return shown;
}

function parentOf(pid: number): number {
  return Number(runTool(['ps', '-o', 'ppid=', '-p', String(pid)]).stdout);
}

// Side by side, for each has a daemon of its own.
describe('foreign runtimes', { concurrency: true }, () => {
  for (const name of ['crun', 'runc']) {
    describe(`the runtime ${name}`, { skip: needs || missing(name), concurrency: 1, timeout: 120_000 }, () => {
      const host = new Host();
      const { daemon } = host;
      const { containers, http } = daemon;
      before(() => host.start());
      after(() => host[Symbol.asyncDispose]());
      const begin = (body: Body): Promise<string> => containers.begin(withRuntime(name, body));
      const isUp = (id: string) =>
        eventually('it is up', async () => (await containers.logs(id)).stdout.includes('up\n'));

      test('output, input, exit code, and what the container is made of', async () => {
        const script =
          'cat; echo err >&2; id -u; hostname; echo $GREETING; cat /proc/1/comm; grep -c " /sys sysfs ro" /proc/mounts; exit 7';
        const body = { Cmd: sh(script), Env: ['GREETING=hello'], Hostname: 'box' };
        assert.deepEqual(await containers.run(withRuntime(name, body), 'given\n'), {
          code: 7,
          stdout: 'given\n0\nbox\nhello\nsh\n1\n',
          stderr: 'err\n',
        });
        const rights = sh(
          'grep -E "CapEff|Seccomp:" /proc/self/status; cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
        );
        const own = await containers.run({ Cmd: rights });
        const theirs = await containers.run(withRuntime(name, { Cmd: rights }));
        assert.deepEqual(theirs, own, 'rights, filter and parameters of the network are those of our own runtime');
        const killed = await containers.run(withRuntime(name, { Cmd: sh('kill -9 $$'), HostConfig: { Init: true } }));
        assert.equal(killed.code, 137);
      });

      test('a terminal with a size, and another one', async () => {
        const wish = { Tty: true, OpenStdin: true, AttachStdin: true, AttachStdout: true, AttachStderr: true };
        const body = { ...wish, Cmd: ['sh'], HostConfig: { ConsoleSize: [33, 99] } };
        const id = await containers.create(withRuntime(name, body));
        const socket = await containers.attach(id);
        const shown = watch(socket);
        await containers.start(id);
        socket.write('stty size; tty\n');
        await shows(shown, /33 99\r\n\/dev\/(console|pts\/0)\r\n/);
        await http.call('POST', `/containers/${id}/resize?h=44&w=111`);
        socket.write('stty size; exit 3\n');
        await shows(shown, /44 111/);
        assert.equal(await containers.wait(id), 3);
        socket.destroy();
        await containers.remove(id);
      });

      test('exec: streams, exit code, user, a terminal, and what cannot run', async () => {
        const id = await begin({ Cmd: SLEEP, Env: ['GREETING=hello'] });
        const { code, stdout, stderr } = await containers.exec(
          id,
          { Cmd: sh('cat; echo $GREETING; id -un; ls /sys/class/net; echo e >&2; exit 5'), User: 'tester' },
          'in\n',
        );
        assert.deepEqual([code, stdout, stderr], [5, 'in\nhello\ntester\neth0\nlo\n', 'e\n']);
        // The program may run before crun has set the size.
        const size = sh('tty; sleep 0.2; stty size');
        const tty = await containers.exec(id, { Cmd: size, Tty: true, ConsoleSize: [21, 77] });
        assert.match(tty.stdout, /\/dev\/(console|pts\/\d+)\r\n21 77\r\n/);
        const missing = await containers.exec(id, { Cmd: ['no-such'] });
        assert.equal(missing.code, 127);
        assert.match(missing.stdout, /OCI runtime exec failed: .*no-such/);
        const forbidden = await containers.exec(id, { Cmd: ['/etc/passwd'] });
        assert.equal(forbidden.code, 126);
        await containers.remove(id);
      });

      test('pause, unpause, signals, stop, kill', async () => {
        const script = 'trap "echo usr1" USR1; trap "echo term; exit 4" TERM; echo up; while :; do sleep 0.05; done';
        const id = await begin({ Cmd: sh(script) });
        await isUp(id);
        await http.call('POST', `/containers/${id}/pause`);
        assert.equal((await containers.inspect(id)).State.Status, 'paused');
        await http.call('POST', `/containers/${id}/unpause`);
        await containers.kill(id, 'USR1');
        await eventually('the signal arrives', async () => (await containers.logs(id)).stdout.includes('usr1'));
        await containers.stop(id);
        const { State } = await containers.inspect(id);
        assert.deepEqual([State.ExitCode, (await containers.logs(id)).stdout], [4, 'up\nusr1\nterm\n']);
        await containers.start(id);
        await isUp(id);
        await containers.kill(id);
        assert.equal((await containers.inspect(id)).State.ExitCode, 137);
        await containers.remove(id);
      });

      test('limits: at the start, changed, counted, and what they kill', async () => {
        const id = await begin({ Cmd: SLEEP, HostConfig: { Memory: 32 << 20, PidsLimit: 50 } });
        const stats = async () =>
          (await http.call('GET', `/containers/${id}/stats?stream=0&one-shot=1`)).json<{
            memory_stats: { limit: number; usage: number };
            pids_stats: { limit: number; current: number };
          }>();
        const first = await stats();
        assert.deepEqual([first.memory_stats.limit, first.pids_stats.limit], [32 << 20, 50]);
        assert.ok(first.memory_stats.usage > 0 && first.pids_stats.current >= 1);
        await http.call('POST', `/containers/${id}/update`, { Memory: 48 << 20, MemorySwap: 48 << 20 });
        assert.equal((await stats()).memory_stats.limit, 48 << 20);
        const top = (await http.call('GET', `/containers/${id}/top`)).json<{ Processes: string[][] }>();
        assert.ok(top.Processes.some((row) => row.at(-1)!.includes('trap')));
        await containers.remove(id);
        const greedy = { Cmd: sh('tail /dev/zero'), HostConfig: { Memory: 16 << 20, MemorySwap: 16 << 20 } };
        const oom = await begin(greedy);
        await containers.wait(oom);
        assert.equal((await containers.inspect(oom)).State.OOMKilled, true);
        await containers.remove(oom);
      });

      test('files go in and out, and the layer stays what it was', async () => {
        const id = await begin({ Cmd: SLEEP });
        await containers.exec(id, { Cmd: sh('echo made > /made') });
        const archive = async (path: string) => (await http.call('GET', `/containers/${id}/archive?path=${path}`)).text;
        assert.match(await archive('/made'), /made\n/);
        await containers.stop(id, 0);
        assert.match(await archive('/made'), /made\n/);
        const volume = `${name}-data`;
        const first = { Cmd: sh('mkdir /v/sub; echo kept > /v/sub/file'), HostConfig: { Binds: [`${volume}:/v`] } };
        assert.equal((await containers.run(withRuntime(name, first))).code, 0);
        const mount = {
          Type: 'volume',
          Source: volume,
          Target: '/v',
          VolumeOptions: { Subpath: 'sub' },
          ReadOnly: true,
        };
        const second = { Cmd: sh('cat /v/file; touch /v/x || echo closed'), HostConfig: { Mounts: [mount] } };
        assert.equal((await containers.run(withRuntime(name, second))).stdout, 'kept\nclosed\n');
        await http.call('DELETE', `/volumes/${volume}`);
        await containers.remove(id);
      });

      test('a published port, names, and the network of another container', async () => {
        const body = {
          Cmd: sh('echo hello > /tmp/index.html; exec httpd -f -p 80 -h /tmp'),
          HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } },
        };
        const web = await begin(body);
        const fetch = () => runTool([...host.network.enter, 'curl', '-s', '-m', '2', '127.0.0.1:8080']).stdout;
        await eventually('the port answers', () => fetch() === 'hello\n');
        const shared = { Cmd: sh('wget -q -O - 127.0.0.1'), HostConfig: { NetworkMode: `container:${web}` } };
        assert.equal((await containers.run(withRuntime(name, shared))).stdout, 'hello\n');
        await http.call('POST', '/networks/create', { Name: 'named' });
        const peer = await begin({ Cmd: SLEEP, HostConfig: { NetworkMode: 'named' }, Hostname: 'peer' });
        const asked = { Cmd: sh(`nslookup ${peer.slice(0, 12)} | grep -c Name`), HostConfig: { NetworkMode: 'named' } };
        assert.equal((await containers.run(withRuntime(name, asked))).stdout, '1\n');
        for (const id of [web, peer]) await containers.remove(id);
        await http.call('DELETE', '/networks/named');
      });

      test('what cannot be started is told in the runtime’s words, with 127 or 126, and leaves nothing', async () => {
        for (const [command, code, words] of [
          ['no-such', 127, /no-such/],
          ['/etc/passwd', 126, /permission denied/i],
        ] as const) {
          const id = await containers.create(withRuntime(name, { Cmd: [command] }));
          const answer = await http.send('POST', `/containers/${id}/start`);
          assert.equal(answer.status, 400);
          assert.match(answer.text, /failed to create task for container: .*OCI runtime create failed: /);
          assert.match(answer.text, words);
          const { State } = await containers.inspect(id);
          assert.deepEqual([State.Status, State.ExitCode], ['created', code]);
          assert.deepEqual(
            await containers.logs(id),
            { stdout: '', stderr: '' },
            'the runtime’s words are not its output',
          );
          assert.ok(!existsSync(`${daemon.execRoot}/containers/${id}`));
          assert.ok(!cgroupsOf(daemon.traces).some((folder) => folder.includes(id)));
          await containers.remove(id);
        }
      });

      test('a restart policy, a health check, --rm', async () => {
        const restart = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } };
        const id = await begin({ Cmd: sh('echo run; exit 1'), HostConfig: restart });
        const ended = async () => (await containers.inspect(id)).State.Status === 'exited';
        await eventually('it is given up', ended, 10_000);
        assert.equal((await containers.logs(id)).stdout, 'run\nrun\nrun\n');
        await containers.remove(id);
        const check = { Test: ['CMD-SHELL', 'test -e /proc/1'], Interval: 50_000_000 };
        const healthy = await begin({ Cmd: SLEEP, Healthcheck: check, HostConfig: { AutoRemove: true } });
        const health = async () =>
          ((await containers.inspect(healthy)).State as { Health?: { Status: string } }).Health?.Status === 'healthy';
        await eventually('it is healthy', health, 5000);
        await containers.stop(healthy, 0);
        const gone = async () => (await http.send('GET', `/containers/${healthy}/json`)).status === 404;
        await eventually('it is gone', gone);
      });

      test('the daemon is killed: containers go on, and a new one has them again, also when the runtime has gone', async () => {
        const id = await begin({ Cmd: sh('trap "exit 6" TERM; echo up; i=0; while :; do sleep 0.05; done') });
        const short = await begin({ Cmd: sh('sleep 0.5; exit 9') });
        const lost = await begin({ Cmd: SLEEP });
        await isUp(id);
        const { Pid: pid } = (await containers.inspect(id)).State;
        const { Pid: lostPid } = (await containers.inspect(lost)).State;
        await daemon.end('SIGKILL');
        // With its shim, too: nobody sees that one's end.
        for (const shim of readdirSync(`/proc/${lostPid}/task`).map(() => parentOf(lostPid)))
          process.kill(shim, 'SIGKILL');
        writeFileSync(host.config, '{}');
        await host.restart();
        const { State } = await containers.inspect(id);
        assert.deepEqual([State.Status, State.Pid], ['running', pid]);
        assert.equal((await containers.exec(id, { Cmd: ['hostname'] })).stdout, `${id.slice(0, 12)}\n`);
        assert.equal(await containers.wait(short), 9);
        assert.equal(await containers.wait(lost), 137);
        await containers.stop(id);
        assert.equal((await containers.inspect(id)).State.ExitCode, 6);
        const again = await http.send('POST', `/containers/${id}/start`);
        // Nobody else is called runc any more: that is our own by its other name.
        if (name === 'runc') await containers.stop(id, 0);
        else
          assert.deepEqual([again.status, again.json()['message']], [400, `unknown or invalid runtime name: ${name}`]);
        host.configure({});
        process.kill(daemon.pid, 'SIGHUP');
        await eventually('the runtime is known again', async () => {
          return (await http.send('POST', `/containers/${id}/start`)).status === 204;
        });
        for (const each of [id, short, lost]) await containers.remove(each);
        assert.deepEqual(readdirSync(`${daemon.execRoot}/containers`), []);
      });
    });
  }

  describe('runtimes of the daemon', {
    skip: needs || missing('crun'),
    concurrency: 1,
    timeout: 60_000 + KILLS * 10_000,
  }, () => {
    const host = new Host();
    const { daemon } = host;
    const { containers, http } = daemon;
    const broken = '/no/such/runtime';
    before(() => host.start({ broken: { path: broken }, noisy: { path: 'crun', runtimeArgs: ['--debug'] } }));
    after(() => host[Symbol.asyncDispose]());
    interface Info {
      readonly Runtimes: Readonly<Record<string, object>>;
      readonly DefaultRuntime: string;
    }
    const info = async (): Promise<Info> => (await http.call('GET', '/info')).json<Info>();
    const runtimeOf = async (HostConfig: object): Promise<unknown> => {
      const id = await containers.create({ Cmd: ['true'], HostConfig: { ...HostConfig } });
      const { HostConfig: shown } = await containers.inspect(id);
      await containers.remove(id);
      return shown['Runtime'];
    };

    test('they are listed, and ours is the default', async () => {
      const { Runtimes, DefaultRuntime } = await info();
      assert.equal(DefaultRuntime, 'skiff');
      assert.deepEqual(Runtimes['skiff'], { path: 'skiff-runtime' });
      assert.deepEqual(Runtimes['noisy'], { path: 'crun', runtimeArgs: ['--debug'] });
      assert.equal(await runtimeOf({}), 'skiff');
      assert.equal(await runtimeOf({ Runtime: 'noisy' }), 'noisy');
    });

    test('its arguments are given to it, and a name is looked for in PATH', async () => {
      const { code, stdout, stderr } = await containers.run(withRuntime('noisy', { Cmd: ['echo', 'x'] }));
      assert.deepEqual([code, stdout, stderr], [0, 'x\n', '']);
    });

    test('one nobody knows is refused at the creation, one that is not there at the start', async () => {
      const unknown = await http.send('POST', '/containers/create', {
        Image: 'busybox',
        HostConfig: { Runtime: 'nobody' },
      });
      assert.deepEqual([unknown.status, unknown.json().message], [400, 'unknown or invalid runtime name: nobody']);
      const id = await containers.create(withRuntime('broken', { Cmd: ['true'] }));
      const answer = await http.send('POST', `/containers/${id}/start`);
      assert.match(
        answer.json().message as string,
        /OCI runtime create failed: fork\/exec \/no\/such\/runtime: no such file or directory/,
      );
      assert.ok(!existsSync(`${daemon.execRoot}/containers/${id}`));
      await containers.remove(id);
    });

    test('SIGHUP takes in runtimes and the default', async () => {
      host.configure({ second: { path: programPath('crun') } }, { 'default-runtime': 'second' });
      process.kill(daemon.pid, 'SIGHUP');
      await eventually('it is read again', async () => (await info()).DefaultRuntime === 'second');
      const { Runtimes } = await info();
      assert.ok('second' in Runtimes && !('noisy' in Runtimes));
      assert.equal(await runtimeOf({}), 'second');
      assert.equal(await runtimeOf({ Runtime: 'skiff' }), 'skiff');
      assert.equal((await containers.run({ Cmd: ['echo', 'y'] })).stdout, 'y\n');
    });

    test('a daemon killed in the middle of starts and execs leaves nothing a new one does not end', async () => {
      host.configure({});
      for (let round = 0; round < KILLS; round++) {
        const name = NAMES[round % NAMES.length]!;
        const ids = await Promise.all([1, 2, 3].map(() => containers.create(withRuntime(name, { Cmd: SLEEP }))));
        const execs = ids.map(async (id) => {
          await containers.start(id);
          await containers.exec(id, { Cmd: ['sleep', '100'] });
        });
        const settled = Promise.allSettled(execs);
        await pause(((round * 37) % 25) * 10);
        await daemon.end('SIGKILL');
        await settled;
        await host.restart();
        for (const id of ids) {
          const { State } = await containers.inspect(id);
          assert.ok(['created', 'running'].includes(State.Status), `${id} is ${State.Status}`);
          // One that runs has been started already.
          const { status } = await http.send('POST', `/containers/${id}/start`);
          assert.equal(status, State.Status === 'running' ? 304 : 204);
          assert.equal((await containers.exec(id, { Cmd: ['true'] })).code, 0);
          await containers.remove(id);
        }
        assert.deepEqual(readdirSync(`${daemon.execRoot}/containers`), []);
        const rest = processesOf(daemon.traces).filter(({ pid }) => pid !== daemon.pid);
        const left = () => processesOf(daemon.traces).filter(({ command }) => command.startsWith('skiff-shim'));
        await eventually(`no shim is left of ${JSON.stringify(rest)}`, () => left().length === 0);
      }
    });

    test('what cannot be honoured is refused by its name', async () => {
      const folder = `${daemon.folder}/wrong`;
      mkdirSync(folder, { recursive: true });
      for (const [runtime, words] of [
        [{ runtimeType: 'io.containerd.runc.v2' }, /'runtimeType' is not supported/],
        [{ path: 'crun', options: {} }, /'options' is not supported/],
        [{ path: 'crun', runtimeArgs: ['--systemd-cgroup'] }, /'--systemd-cgroup' is not supported/],
      ] as const) {
        writeFileSync(`${folder}/daemon.json`, JSON.stringify({ runtimes: { x: runtime } }));
        const flags = ['--validate', '--config-file', `${folder}/daemon.json`];
        const { status, stderr } = runTool([`${import.meta.dirname}/../../bin/skiffd`, ...flags]);
        assert.equal(status, 1);
        assert.match(stderr, words);
      }
    });
  });
});
