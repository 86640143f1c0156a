/** The daemon as an operator has it: options and their file, SIGHUP, how it ends, and the name dockerd. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { sh } from '../support/containers.ts';
import { Daemon } from '../support/daemon.ts';
import { eventually } from '../support/eventually.ts';
import { missing } from '../support/needs.ts';

interface Info {
  readonly ID: string;
  readonly Debug: boolean;
  readonly Labels: readonly string[];
  readonly LiveRestoreEnabled: boolean;
  readonly SecurityOptions: readonly string[];
  readonly RegistryConfig: { readonly Mirrors: readonly string[] };
}

const infoOf = async ({ http }: Daemon): Promise<Info> => (await http.call('GET', '/info')).json<Info>();

function writeConfig({ folder }: Daemon, content: object | string): string {
  const path = `${folder}/daemon.json`;
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

const TRAP = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';

describe('options of the daemon', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  test('what containers do not say, the operator has said', async () => {
    await using daemon = new Daemon();
    const profile = `${daemon.folder}/seccomp.json`;
    const deny = [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }];
    writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: deny }));
    const config = writeConfig(daemon, {
      'default-shm-size': '8M',
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 77, Hard: 99 } },
      'no-new-privileges': true,
      'seccomp-profile': profile,
      'log-opts': { 'max-size': '3m' },
      init: true,
      labels: ['where=here'],
      'oom-score-adjust': 17,
      iptables: false,
    });
    await daemon.start('--config-file', config);
    await daemon.import();
    const { containers } = daemon;
    const script =
      'ulimit -n; df -k /dev/shm | tail -1 | while read a b c; do echo $b; done; grep NoNewPrivs /proc/self/status; ' +
      'tr "\\0" " " < /proc/1/cmdline; echo; mkdir /x 2>&1';
    const { stdout } = await containers.run({ Cmd: sh(script) });
    const [files, shm, privileges, init, made] = stdout.split('\n');
    assert.deepEqual([files, shm, privileges], ['77', '8192', 'NoNewPrivs:\t1']);
    assert.match(init!, /^\/sbin\/docker-init /);
    assert.match(made!, /Operation not permitted/);
    const own = await containers.run({
      Cmd: sh('ulimit -n; cat /proc/1/comm; mkdir /x && echo made'),
      HostConfig: {
        Init: false,
        Ulimits: [{ Name: 'nofile', Soft: 55, Hard: 55 }],
        SecurityOpt: ['seccomp=unconfined'],
      },
    });
    assert.equal(own.stdout, '55\nsh\nmade\n', 'what a container says counts');
    const id = await containers.create({ Cmd: ['true'] });
    const { HostConfig } = await containers.inspect(id);
    assert.deepEqual(HostConfig['LogConfig'], { Type: 'json-file', Config: { 'max-size': '3m', 'max-file': '5' } });
    const info = await infoOf(daemon);
    assert.deepEqual([info.Labels, info.SecurityOptions], [['where=here'], [`name=seccomp,profile=${profile}`]]);
    assert.equal(spawnSync('cat', [`/proc/${daemon.pid}/oom_score_adj`]).stdout.toString(), '17\n');
    assert.match(daemon.output, /level=warn msg="the option 'iptables' has no effect: [^\n]+"\n/);
  });

  test('SIGHUP takes in what can be changed and tells it; a mistake in the file changes nothing', async () => {
    await using daemon = new Daemon();
    const config = writeConfig(daemon, { labels: ['a=1'] });
    await daemon.start('--config-file', config);
    const { ID: id, Debug: debug } = await infoOf(daemon);
    assert.equal(debug, false);
    writeConfig(daemon, {
      labels: ['a=2'],
      debug: true,
      'live-restore': true,
      'registry-mirrors': ['https://mirror.test'],
      'default-shm-size': '1M',
      'shutdown-timeout': 3,
      'data-root': daemon.dataRoot,
    });
    // A key that is a flag too: refused as at the start.
    process.kill(daemon.pid, 'SIGHUP');
    await eventually('the mistake is told', () => daemon.output.includes('nothing has changed'), 5000);
    assert.deepEqual((await infoOf(daemon)).Labels, ['a=1']);
    writeConfig(daemon, {
      labels: ['a=2'],
      debug: true,
      'live-restore': true,
      'registry-mirrors': ['https://mirror.test'],
      'default-shm-size': '1M',
      'shutdown-timeout': 3,
    });
    process.kill(daemon.pid, 'SIGHUP');
    await eventually('it is read again', async () => (await infoOf(daemon)).Labels[0] === 'a=2', 5000);
    const info = await infoOf(daemon);
    assert.deepEqual(
      [info.ID, info.Debug, info.LiveRestoreEnabled, info.RegistryConfig.Mirrors],
      [id, true, true, ['https://mirror.test']],
    );
    const until = Math.floor(Date.now() / 1000) + 1;
    const answer = await daemon.http.call('GET', `/events?since=0&until=${until}`);
    const [event] = answer.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { Type: string; Action: string; Actor: { ID: string; Attributes: object } })
      .filter(({ Type }) => Type === 'daemon');
    assert.equal(event?.Action, 'reload');
    assert.equal(event.Actor.ID, id);
    const attributes = event.Actor.Attributes as Record<string, string>;
    assert.deepEqual(
      [attributes['labels'], attributes['default-shm-size'], attributes['shutdown-timeout'], attributes['debug']],
      ['["a=2"]', '1048576', '3', 'true'],
    );
    writeConfig(daemon, '{"labels": [');
    process.kill(daemon.pid, 'SIGHUP');
    await eventually('it is told', () => daemon.output.split('nothing has changed').length === 3, 5000);
    assert.deepEqual((await infoOf(daemon)).Labels, ['a=2']);
  });

  test('at its end each container has its own stop timeout; with --live-restore they go on', async () => {
    await using daemon = new Daemon();
    await daemon.start();
    await daemon.import();
    const stubborn = await daemon.containers.begin({ Cmd: sh(TRAP), StopTimeout: 1 });
    const polite = await daemon.containers.begin({
      Cmd: sh('trap "exit 4" TERM; echo ready; while :; do sleep 0.1; done'),
    });
    for (const id of [stubborn, polite])
      await eventually('it traps', async () => (await daemon.containers.logs(id)).stdout === 'ready\n', 5000);
    const from = performance.now();
    assert.equal(await daemon.end(), 0);
    assert.ok(performance.now() - from > 900, 'the stubborn one got its second');
    assert.ok(performance.now() - from < 8000, 'and the daemon did not wait for more');
    await daemon.start('--live-restore');
    const codes = [stubborn, polite].map(async (id) => (await daemon.containers.inspect(id)).State.ExitCode);
    assert.deepEqual(await Promise.all(codes), [137, 4]);
    await daemon.containers.start(polite);
    const { Pid: pid } = (await daemon.containers.inspect(polite)).State;
    assert.equal(await daemon.end('SIGINT'), 0);
    assert.doesNotThrow(() => process.kill(pid, 0), 'it goes on');
    await daemon.start();
    assert.equal((await daemon.containers.inspect(polite)).State.Pid, pid);
  });

  test('the third signal ends it at once', async () => {
    await using daemon = new Daemon();
    await daemon.start();
    await daemon.import();
    const id = await daemon.containers.begin({ Cmd: sh(TRAP), StopTimeout: 60 });
    await eventually('it traps', async () => (await daemon.containers.logs(id)).stdout === 'ready\n', 5000);
    const { pid } = daemon;
    for (const _ of [1, 2]) {
      process.kill(pid, 'SIGTERM');
      await eventually('it is heard', () => daemon.output.includes('signal=SIGTERM'), 5000);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.doesNotThrow(() => process.kill(pid, 0), 'two are not enough');
    assert.equal(await daemon.end('SIGTERM'), 143);
    await daemon.start();
    assert.equal((await daemon.containers.inspect(id)).State.Status, 'running');
  });

  test('--validate, --data-root of Docker, a pid file of another, a group nobody knows', async () => {
    await using daemon = new Daemon();
    const run = (program: string, ...args: string[]) =>
      spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, HOME: '/root' } });
    const skiffd = `${import.meta.dirname}/../../bin/skiffd`;
    const good = writeConfig(daemon, { debug: true });
    const valid = run(skiffd, '--validate', '--config-file', good);
    assert.deepEqual([valid.status, valid.stderr], [0, 'configuration OK\n']);
    writeConfig(daemon, { debugs: true });
    const invalid = run(skiffd, '--validate', '--config-file', good);
    assert.equal(invalid.status, 1);
    assert.match(invalid.stderr, /the following directives don't match any configuration option: debugs\n$/);

    const folder = mkdtempSync('/tmp/skiff-name-');
    try {
      symlinkSync(skiffd, `${folder}/dockerd`);
      const help = run(`${folder}/dockerd`, '--help').stdout;
      assert.match(help, /^Usage: dockerd \[OPTIONS\]/);
      assert.match(help, /\/etc\/docker\/daemon\.json/);
    } finally {
      rmSync(folder, { recursive: true });
    }
    for (const name of ['image', 'containers']) mkdirSync(`${daemon.dataRoot}/${name}`, { recursive: true });
    const foreign = await daemon.startInVain();
    assert.match(foreign.output, /is Docker's own data folder, whose layout Skiff does not read/);
    rmSync(daemon.dataRoot, { recursive: true });
    const group = await daemon.startInVain('--group=no-such-group');
    assert.match(group.output, /there is no group 'no-such-group' on this host/);
    await daemon.start();
    const second = new Daemon();
    try {
      const taken = await second.startInVain(`--pidfile=${daemon.folder}/skiffd.pid`);
      assert.match(taken.output, new RegExp(`the pid file .* names process ${daemon.pid}, which runs`));
    } finally {
      await second[Symbol.asyncDispose]();
    }
    const { mode } = statSync(daemon.socket);
    assert.equal(mode & 0o777, 0o660);
  });
});
