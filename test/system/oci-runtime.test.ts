/** The OCI command line with real containers: lifecycle, exec, hooks, terminals, limits, and what a failure leaves. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCgroup, readCgroupHost } from '#linux';
import type { Hook } from '#specs';
import { type ConfigChange, config, makeRootfs, reasonToSkip, runtimeProgram } from '../support/bundle.ts';

const skip = reasonToSkip();
const options = { skip, timeout: 60_000 };
const folder = mkdtempSync(`${tmpdir()}/skiff-oci-`);
const parent = `/skiff-oci-${process.pid}`;
let next = 0;

before(() => {
  if (skip === false) makeRootfs(`${folder}/rootfs`);
});

after(async () => {
  if (skip === false) await openCgroup(parent).remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One call, without a pipe that a container could keep open: its output goes to files. */
function call(args: readonly string[], fds: readonly number[] = []): Result {
  const out = `${folder}/out`;
  const err = `${folder}/err`;
  const [stdout, stderr] = [openSync(out, 'w'), openSync(err, 'w')];
  const { status } = spawnSync(runtimeProgram, ['--root', `${folder}/state`, ...args], {
    stdio: ['ignore', stdout, stderr, ...fds],
  });
  closeSync(stdout);
  closeSync(stderr);
  return { status, stdout: readFileSync(out, 'utf8'), stderr: unquoted(readFileSync(err, 'utf8')) };
}

/** The log quotes its messages. */
const unquoted = (text: string): string => text.replaceAll('\\"', '"');

interface TestContainer {
  readonly id: string;
  readonly bundle: string;
  readonly cgroup: string;
  status(): string;
  pid(): number;
}

/** A bundle with this config; whatever becomes of the container, it is gone after the test. */
function bundle(context: TestContext, change: ConfigChange = {}): TestContainer {
  const id = `t${next++}`;
  const path = `${folder}/${id}`;
  const cgroup = `${parent}/${id}`;
  mkdirSync(path);
  const root = { path: '../rootfs', ...change.root };
  writeFileSync(`${path}/config.json`, JSON.stringify(config(cgroup, { ...change, root })));
  context.after(() => assert.equal(call(['delete', '--force', id]).status, 0));
  const state = (): { status: string; pid: number } => JSON.parse(call(['state', id]).stdout);
  return { id, bundle: path, cgroup, status: () => state().status, pid: () => state().pid };
}

function created(context: TestContext, change: ConfigChange = {}): TestContainer {
  const container = bundle(context, change);
  const { status, stderr } = call(['create', '--bundle', container.bundle, container.id]);
  assert.equal(status, 0, stderr);
  return container;
}

function running(context: TestContext, change: ConfigChange = {}): TestContainer {
  const container = created(context, { ...change, process: { args: ['sleep', '1000'], ...change.process } });
  const { status, stderr } = call(['start', container.id]);
  assert.equal(status, 0, stderr);
  return container;
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if (condition()) return;
    await sleep(50);
  }
  assert.fail('did not happen in time');
}

const folders = (cgroup: string): string[] => {
  const { hierarchies, unified } = readCgroupHost();
  const all = hierarchies.length > 0 ? hierarchies : unified ? [unified] : [];
  return all.map(({ mountPoint }) => `${mountPoint}${cgroup}`).filter((path) => existsSync(path));
};

test(
  'a container is created, started, killed and deleted, and each step refuses what does not fit',
  options,
  async (t) => {
    const container = created(t, { process: { args: ['sleep', '1000'] }, annotations: { some: 'thing' } });
    const state = JSON.parse(call(['state', container.id]).stdout) as Record<string, unknown>;
    assert.equal(state['status'], 'created');
    assert.equal(state['bundle'], container.bundle);
    assert.deepEqual(state['annotations'], { some: 'thing' });
    assert.match(readFileSync(`/proc/${container.pid()}/cgroup`, 'utf8'), new RegExp(`:${container.cgroup}$`, 'm'));
    assert.match(call(['create', '--bundle', container.bundle, container.id]).stderr, /already exists/);
    assert.match(call(['resume', container.id]).stderr, /not paused/);

    assert.equal(call(['start', container.id]).status, 0);
    assert.equal(container.status(), 'running');
    assert.match(call(['start', container.id]).stderr, /it is running/);
    assert.match(call(['delete', container.id]).stderr, /it is running/);
    assert.equal(JSON.parse(call(['list', '--format', 'json']).stdout)[0].id, container.id);

    assert.equal(call(['kill', container.id, 'KILL']).status, 0);
    await until(() => container.status() === 'stopped');
    assert.match(call(['kill', container.id, 'KILL']).stderr, /container not running/);
    assert.equal(call(['delete', container.id]).status, 0);
    assert.match(call(['state', container.id]).stderr, /container does not exist/);
    assert.deepEqual(folders(container.cgroup), []);
  },
);

test('run gives the exit code of the program and deletes the container', options, (t) => {
  const check = (args: string[], expected: number): void => {
    const container = bundle(t, { process: { args } });
    const { status, stderr } = call(['run', '--bundle', container.bundle, container.id]);
    assert.equal(status, expected, `${args.join(' ')}: ${stderr}`);
    assert.match(call(['state', container.id]).stderr, /does not exist/, 'it is deleted afterwards');
  };
  check(['true'], 0);
  check(['sh', '-c', 'exit 42'], 42);
});

test('a program that cannot run is told from a missing one, in the words that callers look for', options, (t) => {
  const check = (args: string[], expected: RegExp): void => {
    const container = bundle(t, { process: { args } });
    const log = `${container.bundle}/log`;
    const { status, stderr } = call([
      '--log',
      log,
      '--log-format',
      'json',
      'run',
      '-b',
      container.bundle,
      container.id,
    ]);
    assert.equal(status, 1);
    assert.match(stderr, expected);
    const entry = JSON.parse(readFileSync(log, 'utf8').trim().split('\n').at(-1)!) as { level: string; msg: string };
    assert.equal(entry.level, 'error');
    assert.match(entry.msg, expected);
  };
  check(['nosuch'], /unable to start container process: exec: "nosuch": executable file not found in \$PATH/);
  check(['/nosuch'], /unable to start container process: exec: "\/nosuch": stat \/nosuch: no such file or directory/);
  check(['/etc/passwd'], /unable to start container process: exec: "\/etc\/passwd": permission denied/);
});

test('a create that fails leaves no mount, cgroup, process or state', options, (t) => {
  // Others mount theirs meanwhile.
  const mounted = (): string[] =>
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(folder));
  const before = mounted();
  const check = (change: ConfigChange, expected: RegExp): void => {
    const container = bundle(t, change);
    const pidFile = `${container.bundle}/pid`;
    const { status, stderr } = call(['create', '-b', container.bundle, '--pid-file', pidFile, container.id]);
    assert.equal(status, 1);
    assert.match(stderr, expected);
    assert.equal(existsSync(`${folder}/state/${container.id}`), false);
    assert.equal(existsSync(pidFile), false);
    assert.deepEqual(folders(container.cgroup), []);
  };
  check({ ociVersion: '2.0.0' }, /ociVersion is "2.0.0"/);
  check({ process: { cwd: 'relative' } }, /process.cwd/);
  check({ mounts: [{ destination: '/x', type: 'nosuchfs', source: 'x' }] }, /nosuchfs/);
  check({ hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo why >&2; exit 3'] }] } }, /why/);
  check({ linux: { resources: { memory: { limit: -5 } } } }, /memory/);
  assert.deepEqual(mounted(), before);
});

test('exec joins the container with its own user, environment, folder and exit code', options, (t) => {
  const container = running(t);
  const exec = (...args: string[]): Result => call(['exec', ...args]);
  assert.equal(exec(container.id, 'sh', '-c', 'exit 7').status, 7);
  assert.equal(exec(container.id, 'sh', '-c', 'kill -TERM $$').status, 128 + 15);
  assert.equal(exec(container.id, 'hostname').stdout, 'test\n');
  assert.equal(
    exec('-u', '1000:5', container.id, 'sh', '-c', 'echo $(id -u) $(id -g) $HOME').stdout,
    '1000 5 /home/dan\n',
  );
  assert.equal(exec('-e', 'A=b', '--cwd', '/tmp', container.id, 'sh', '-c', 'echo $A; pwd').stdout, 'b\n/tmp\n');
  assert.equal(exec('-e', 'PATH=/none:/bin', container.id, 'sh', '-c', 'echo $PATH').stdout, '/none:/bin\n');
  assert.equal(
    exec('--no-new-privs', container.id, 'grep', 'NoNewPrivs', '/proc/self/status').stdout,
    'NoNewPrivs:\t1\n',
  );
  assert.match(exec('--cap', 'CAP_KILL', container.id, 'grep', 'CapEff', '/proc/self/status').stdout, /0{14}20$/m);
  assert.equal(exec(container.id, 'nosuch').status, 255);
  assert.match(exec(container.id, 'nosuch').stderr, /exec failed: unable to start container process: exec: "nosuch"/);

  const file = `${container.bundle}/process.json`;
  writeFileSync(
    file,
    JSON.stringify({ args: ['sh', '-c', 'pwd'], cwd: '/etc', env: ['PATH=/bin'], user: { uid: 1000 } }),
  );
  assert.equal(exec('--process', file, container.id).stdout, '/etc\n');

  const pidFile = `${container.bundle}/exec-pid`;
  assert.equal(exec('-d', '--pid-file', pidFile, container.id, 'sleep', '999').status, 0);
  const pids = JSON.parse(call(['ps', '--format', 'json', container.id]).stdout) as number[];
  assert.ok(pids.includes(Number(readFileSync(pidFile, 'utf8'))));
  assert.match(call(['ps', container.id]).stdout, /sleep 999/);
});

test('a paused container stands still, refuses exec and can be resumed and killed', options, async (t) => {
  const container = running(t);
  assert.equal(call(['pause', container.id]).status, 0);
  assert.equal(container.status(), 'paused');
  assert.match(call(['exec', container.id, 'true']).stderr, /it is paused/);
  assert.equal(call(['resume', container.id]).status, 0);
  assert.equal(call(['exec', container.id, 'true']).status, 0);
  assert.equal(call(['pause', container.id]).status, 0);
  assert.equal(call(['kill', container.id, 'KILL']).status, 0);
  await until(() => container.status() === 'stopped');
});

test('update changes limits by flags and by JSON, and events shows them', options, (t) => {
  const container = running(t, { linux: { resources: { memory: { limit: 64 * 1024 * 1024 } } } });
  assert.equal(call(['update', '--memory', '96m', '--pids-limit', '33', container.id]).status, 0);
  const stats = JSON.parse(call(['events', '--stats', container.id]).stdout);
  assert.equal(stats.type, 'stats');
  assert.equal(stats.data.memory.usage.limit, 96 * 1024 * 1024);
  assert.deepEqual(stats.data.pids, { current: 1, limit: 33 });
  const file = `${container.bundle}/resources.json`;
  writeFileSync(file, JSON.stringify({ memory: { limit: 80 * 1024 * 1024 } }));
  assert.equal(call(['update', '--resources', file, container.id]).status, 0);
  assert.equal(JSON.parse(call(['events', '--stats', container.id]).stdout).data.memory.usage.limit, 80 * 1024 * 1024);
});

test('all kinds of hooks run in the order of the specification and read the state', options, (t) => {
  const record = `${folder}/hooks`;
  const hook = (name: string, path = '/bin/sh'): Hook => ({
    path,
    args: ['sh', '-c', `{ printf '${name} '; cat; echo; } >> ${record}`],
  });
  // startContainer is looked up and runs inside the container, so its record is bound into it.
  writeFileSync(record, '');
  const container = bundle(t, {
    process: { args: ['sh', '-c', `echo program >> ${record}`] },
    mounts: [...config('').mounts!, { destination: record, source: record, options: ['bind'] }],
    hooks: {
      prestart: [hook('prestart')],
      createRuntime: [hook('createRuntime')],
      createContainer: [hook('createContainer')],
      startContainer: [hook('startContainer')],
      poststart: [hook('poststart'), { path: '/bin/false' }],
      poststop: [hook('poststop')],
    },
  });
  const { status, stderr } = call(['run', '-b', container.bundle, container.id]);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /poststart hook: .*false/, 'a failing poststart hook is a warning');
  const lines = readFileSync(record, 'utf8').trim().split('\n');
  const names = lines.map((line) => line.split(' ')[0]);
  // The program and the poststart hook run at the same time.
  assert.deepEqual(
    names.filter((name) => name !== 'program'),
    ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
  );
  assert.ok(names.indexOf('program') > names.indexOf('startContainer'));
  const statuses: Record<string, string> = {
    prestart: 'creating',
    createRuntime: 'creating',
    createContainer: 'creating',
    startContainer: 'created',
    poststart: 'running',
    poststop: 'stopped',
  };
  for (const line of lines.filter((each) => each !== 'program')) {
    const [name = '', json = ''] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)];
    const state = JSON.parse(json) as Record<string, unknown>;
    assert.equal(state['status'], statuses[name], name);
    assert.equal(state['id'], container.id);
    assert.equal(state['bundle'], container.bundle);
    assert.equal(typeof state['pid'], 'number');
  }
});

test('a terminal is handed over on the console socket', options, async (t) => {
  const container = bundle(t, {
    process: { args: ['sh', '-c', 'tty; stty size'], terminal: true, consoleSize: { height: 33, width: 99 } },
  });
  assert.match(call(['create', '-b', container.bundle, container.id]).stderr, /needs --console-socket/);
  const socket = `${container.bundle}/console.sock`;
  const received = `${container.bundle}/received`;
  // Node cannot receive descriptors: a few lines of Python do.
  const receiver = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(1)
open(sys.argv[2] + '.ready', 'w').close()
c, _ = s.accept()
_, anc, _, _ = c.recvmsg(4096, socket.CMSG_SPACE(4))
fd = array.array('i', anc[0][2])[0]
out = b''
while True:
  try: part = os.read(fd, 4096)
  except OSError: break
  if not part: break
  out += part
open(sys.argv[2], 'wb').write(out)`;
  if (reasonToSkip('python3') !== false) return t.skip('needs python3');
  const python = spawn('python3', ['-c', receiver, socket, received], { stdio: 'inherit' });
  t.after(() => python.kill());
  await until(() => existsSync(`${received}.ready`));
  const { status, stderr } = call(['create', '-b', container.bundle, '--console-socket', socket, container.id]);
  assert.equal(status, 0, stderr);
  assert.equal(call(['start', container.id]).status, 0);
  await until(() => existsSync(received));
  assert.equal(readFileSync(received, 'utf8'), '/dev/pts/0\r\n33 99\r\n');
});

test('preserved file descriptors reach the program, others do not', options, (t) => {
  const file = `${folder}/preserved`;
  writeFileSync(file, 'from outside\n');
  const fd = openSync(file, 'r');
  t.after(() => closeSync(fd));
  const check = (count: number, expected: string): void => {
    const container = bundle(t, { process: { args: ['sh', '-c', 'cat <&3 2>/dev/null || echo closed'] } });
    const { stdout, stderr } = call(['run', '--preserve-fds', `${count}`, '-b', container.bundle, container.id], [fd]);
    assert.equal(stdout, expected, stderr);
  };
  check(1, 'from outside\n');
  check(0, 'closed\n');
  const container = bundle(t);
  assert.match(call(['run', '--preserve-fds', '9', '-b', container.bundle, container.id]).stderr, /it is not open/);
});

test('what a killed create left behind is removed by delete --force', options, (t) => {
  const container = created(t, { process: { args: ['sleep', '1000'] } });
  const file = `${folder}/state/${container.id}/state.json`;
  const pid = container.pid();
  const state = JSON.parse(readFileSync(file, 'utf8')) as { life: object };
  writeFileSync(file, JSON.stringify({ ...state, life: { phase: 'creating', pid: 999999, startTime: '1' } }));
  assert.equal(container.status(), 'stopped');
  assert.equal(call(['delete', '--force', container.id]).status, 0);
  assert.equal(existsSync(`/proc/${pid}/ns`) && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') S '), false);
  assert.deepEqual(folders(container.cgroup), []);
});

test('somebody who connects to the start socket and leaves has not started the container', options, async (t) => {
  const container = created(t, { process: { args: ['sleep', '1000'] } });
  const socket = connect(`${folder}/state/${container.id}/start.sock`);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  await sleep(50);
  assert.equal(container.status(), 'created');
  assert.equal(call(['start', container.id]).status, 0);
  assert.equal(container.status(), 'running');
});
