/** Containers from create to remove, as users run them: programs, users, folders, limits of processes, streams. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Body, sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { eventually, pause } from '../support/eventually.ts';
import { collect, demultiplex } from '../support/http.ts';
import { missing } from '../support/needs.ts';

const MIB = 1024 * 1024;

describe('run', { skip: missing('root', 'busybox'), timeout: 120_000 }, () => {
  const daemon = useDaemon();
  const { containers, http } = daemon;

  const check = async (body: Body, expected: { code?: number; stdout?: string | RegExp; stderr?: string | RegExp }) => {
    const { code, stdout, stderr } = await containers.run(body);
    const what = `${JSON.stringify(body)} → ${code}\n${stdout}${stderr}`;
    assert.equal(code, expected.code ?? 0, what);
    for (const [text, wanted] of [
      [stdout, expected.stdout],
      [stderr, expected.stderr],
    ] as const) {
      if (wanted instanceof RegExp) assert.match(text, wanted, what);
      else if (wanted !== undefined) assert.equal(text, wanted, what);
    }
  };

  /** A container that must not start: the message, and the exit code it keeps. */
  const refused = async (body: Body, status: number, message: RegExp, code?: number) => {
    const id = await containers.create(body);
    const answer = await http.send('POST', `/containers/${id}/start`);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, message);
    const { State } = await containers.inspect(id);
    assert.equal(State.Running, false);
    assert.match(State.Error, message);
    if (code !== undefined) assert.equal(State.ExitCode, code);
    await containers.remove(id);
  };

  test('the exit code is the program’s, or 128 and the signal', async () => {
    await check({ Cmd: ['true'] }, { code: 0, stdout: '', stderr: '' });
    await check({ Cmd: sh('echo out; echo err >&2; exit 7') }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
    await check({ Cmd: sh('exit 255') }, { code: 255 });
    await check({ Cmd: sh('sh -c "kill -TERM \\$\\$"; exit $?') }, { code: 143 });
    for (const [signal, code] of [
      ['KILL', 137],
      ['TERM', 143],
      ['9', 137],
      ['SIGUSR1', 138],
    ] as const) {
      // Pid 1 ignores what it has no handler for, so the handler ends it by exiting as a shell would.
      const id = await containers.begin({
        Cmd: sh('trap "exit 143" TERM; trap "exit 138" USR1; while :; do sleep 0.02; done'),
      });
      await pause(50);
      await containers.kill(id, signal);
      assert.equal(await containers.wait(id), code, signal);
      assert.equal((await containers.inspect(id)).State.ExitCode, code, signal);
      await containers.remove(id);
    }
  });

  test('a program that is missing is 127, one that cannot be executed 126', async () => {
    await refused({ Cmd: ['no-such-program'] }, 400, /no-such-program.*executable file not found in \$PATH/, 127);
    await refused({ Cmd: ['/no/such'] }, 400, /\/no\/such.*no such file or directory/, 127);
    await refused({ Cmd: ['/etc/passwd'] }, 400, /\/etc\/passwd.*permission denied/, 126);
    await refused({ Cmd: ['/etc'] }, 400, /\/etc.*(permission denied|is a directory)/, 126);
  });

  test('the environment is PATH, HOSTNAME, HOME and what was given', async () => {
    await check(
      { Cmd: ['env'], Hostname: 'box', Env: ['A=1', 'B=two words', 'EMPTY='] },
      {
        stdout:
          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOSTNAME=box\nA=1\nB=two words\nEMPTY=\nHOME=/root\n',
      },
    );
    await check({ Cmd: sh('echo $HOME'), User: 'tester' }, { stdout: '/home/tester\n' });
    await check({ Cmd: sh('echo $HOME'), Env: ['HOME=/own'] }, { stdout: '/own\n' });
    await check({ Cmd: sh('echo $TERM'), Tty: true }, { stdout: 'xterm\r\n' });
  });

  test('the working directory is made when it is missing', async () => {
    await check({ Cmd: ['pwd'] }, { stdout: '/\n' });
    await check({ Cmd: ['pwd'], WorkingDir: '/new/deep/folder' }, { stdout: '/new/deep/folder\n' });
    await check(
      { Cmd: sh('touch file && pwd'), WorkingDir: '/home/tester', User: 'tester' },
      { stdout: '/home/tester\n' },
    );
    await refused({ Cmd: ['pwd'], WorkingDir: '/etc/passwd' }, 400, /working directory.*not a directory/i);
  });

  test('a user goes by name or number, with its groups', async () => {
    await check({ Cmd: ['id'] }, { stdout: /^uid=0\(root\) gid=0\(root\) groups=0\(root\)/ });
    await check(
      { Cmd: ['id'], User: 'tester' },
      { stdout: 'uid=1000(tester) gid=1000(tester) groups=50(staff),1000(tester)\n' },
    );
    await check(
      { Cmd: ['id'], User: '1000' },
      { stdout: 'uid=1000(tester) gid=1000(tester) groups=50(staff),1000(tester)\n' },
    );
    await check({ Cmd: ['id', '-u'], User: '4711' }, { stdout: '4711\n' });
    await check({ Cmd: sh('id -u; id -g'), User: '4711:staff' }, { stdout: '4711\n50\n' });
    await check(
      { Cmd: ['id', '-G'], User: 'tester', HostConfig: { GroupAdd: ['nogroup', '77'] } },
      { stdout: /\b65534\b.*\b77\b|\b77\b.*\b65534\b/ },
    );
    await refused({ Cmd: ['id'], User: 'stranger' }, 400, /unable to find user stranger/);
    await refused({ Cmd: ['id'], User: 'tester:strangers' }, 400, /unable to find group strangers/);
  });

  test('the host name is the short id, or what was given, in the kernel and in /etc/hosts', async () => {
    const id = await containers.begin({ Cmd: sh('hostname; cat /etc/hostname; grep -c localhost /etc/hosts') });
    await containers.wait(id);
    const { stdout } = await containers.logs(id);
    assert.equal(stdout, `${id.slice(0, 12)}\n${id.slice(0, 12)}\n2\n`);
    await containers.remove(id);
    const given = { Hostname: 'box', Domainname: 'example.org', HostConfig: { ExtraHosts: ['db:10.1.2.3'] } };
    await check(
      { Cmd: sh('hostname; cat /proc/sys/kernel/domainname; cat /etc/hosts'), ...given },
      { stdout: /^box\nexample.org\n(.*\n)*10\.1\.2\.3\s+db\n/ },
    );
  });

  test('a read-only root refuses writes, but not to a tmpfs on it', async () => {
    await check(
      {
        Cmd: sh('touch /x; echo one > /tmp/x && cat /tmp/x; grep " /tmp " /proc/mounts; echo x > /etc/hosts'),
        HostConfig: { ReadonlyRootfs: true, Tmpfs: { '/tmp': 'size=1m,mode=1777' } },
      },
      {
        code: 1,
        stdout: /^one\ntmpfs \/tmp tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k/,
        stderr: /touch: \/x: Read-only file system\n(.*\n)*.*\/etc\/hosts: Read-only file system/,
      },
    );
    await check(
      { Cmd: sh('dd if=/dev/zero of=/t/x bs=1M count=2 2>&1 | tail -1'), HostConfig: { Tmpfs: { '/t': 'size=1m' } } },
      { stdout: /./ },
    );
  });

  test('a bind mount is read and written, or only read; a missing source is made for -v and refused for --mount', async () => {
    const source = `${daemon.folder}/bind`;
    mkdirSync(source);
    writeFileSync(`${source}/file`, 'from the host\n');
    await check(
      { Cmd: sh('cat /b/file; echo in > /b/new'), HostConfig: { Binds: [`${source}:/b`] } },
      { stdout: 'from the host\n' },
    );
    assert.equal(readFileSync(`${source}/new`, 'utf8'), 'in\n');
    await check(
      { Cmd: sh('cat /b/new; echo out > /b/new'), HostConfig: { Binds: [`${source}:/b:ro`] } },
      { code: 1, stdout: 'in\n', stderr: /Read-only file system/ },
    );
    await check(
      {
        Cmd: sh('cat /deep/er/file; rm /deep/er/file'),
        HostConfig: { Mounts: [{ Type: 'bind', Source: `${source}/file`, Target: '/deep/er/file', ReadOnly: true }] },
      },
      { code: 1, stdout: 'from the host\n' },
    );
    await check(
      { Cmd: ['ls', '-d', '/made'], HostConfig: { Binds: [`${daemon.folder}/bind/made:/made`] } },
      { stdout: '/made\n' },
    );
    assert.ok(existsSync(`${source}/made`));
    const mounts = { Mounts: [{ Type: 'bind', Source: `${source}/gone`, Target: '/b' }] };
    const body = { Image: 'busybox', Cmd: ['true'], HostConfig: mounts };
    const { status, text } = await http.send('POST', '/containers/create', body);
    assert.deepEqual([status, /bind source path does not exist/.test(text)], [400, true]);
    // Gone since the creation.
    mkdirSync(`${source}/gone`);
    const id = await containers.create({ Cmd: ['true'], HostConfig: mounts });
    rmSync(`${source}/gone`, { recursive: true });
    const start = await http.send('POST', `/containers/${id}/start`);
    assert.deepEqual([start.status, /bind source path does not exist/.test(start.text)], [400, true]);
    await containers.remove(id);
  });

  test('--init runs as pid 1, reaps orphans and hands the exit code and signals on', async () => {
    const zombies = 'probe orphan >/dev/null; sleep 0.3; ps -o stat | grep -c "^Z"; cat /proc/1/comm; exit 5';
    await check({ Cmd: sh(zombies), HostConfig: { Init: true } }, { code: 5, stdout: '0\ndocker-init\n' });
    await check({ Cmd: sh('probe orphan >/dev/null; sleep 0.3; ps -o stat | grep -c "^Z"; true') }, { stdout: '0\n' });
    // At once after its start: the init is not yet where it waits for signals, and must not lose one all the same.
    for (let turn = 0; turn < 40; turn++) {
      const id = await containers.begin({ Cmd: ['sleep', '5'], HostConfig: { Init: true } });
      await containers.kill(id, 'TERM');
      assert.equal(await containers.wait(id), 143);
      await containers.remove(id);
    }
  });

  test('ulimits and sysctls are set', async () => {
    await check(
      { Cmd: sh('ulimit -n; ulimit -Hn'), HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }] } },
      { stdout: '100\n200\n' },
    );
    await check(
      {
        Cmd: sh('cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax'),
        HostConfig: { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80', 'kernel.msgmax': '65536' } },
      },
      { stdout: '80\n65536\n' },
    );
    const answer = await http.send('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['true'],
      HostConfig: { Sysctls: { 'kernel.panic': '1' } },
    });
    if (answer.status === 201) {
      const { Id } = answer.json<{ Id: string }>();
      assert.equal((await http.send('POST', `/containers/${Id}/start`)).status, 400, 'a sysctl of the host is refused');
      await containers.remove(Id);
    } else {
      assert.equal(answer.status, 400, answer.text);
    }
  });

  test('labels and names are found again', async () => {
    const id = await containers.create({ Cmd: ['true'], Labels: { role: 'db', tier: '' } }, 'labelled');
    assert.deepEqual((await containers.inspect('labelled')).Config.Labels, { role: 'db', tier: '' });
    const filters = encodeURIComponent(JSON.stringify({ label: ['role=db'] }));
    const found = (await http.call('GET', `/containers/json?all=1&filters=${filters}`)).json<{ Id: string }[]>();
    assert.deepEqual(
      found.map(({ Id }) => Id),
      [id],
    );
    assert.equal(
      (await http.send('POST', '/containers/create?name=labelled', { Image: 'busybox', Cmd: ['true'] })).status,
      409,
    );
    assert.equal((await http.send('POST', '/containers/create', { Image: 'none', Cmd: ['true'] })).status, 404);
    await containers.remove(id);
  });

  test('auto-remove leaves nothing, also when the start fails', async () => {
    const id = await containers.create({ Cmd: sh('exit 3'), HostConfig: { AutoRemove: true } });
    const removed = containers.wait(id, 'removed');
    await containers.start(id);
    assert.equal(await removed, 3);
    assert.equal((await http.send('GET', `/containers/${id}/json`)).status, 404);
    const broken = await containers.create({ Cmd: ['nothing'], HostConfig: { AutoRemove: true } });
    assert.equal((await http.send('POST', `/containers/${broken}/start`)).status, 400);
    assert.equal((await http.send('GET', `/containers/${broken}/json`)).status, 404);
  });

  test('stdin reaches the program, and its end does', async () => {
    const { code, stdout } = await containers.run({ Cmd: ['sha256sum'] }, 'x'.repeat(3 * MIB));
    assert.equal(code, 0);
    assert.equal(
      stdout,
      `${createHash('sha256')
        .update('x'.repeat(3 * MIB))
        .digest('hex')}  -\n`,
    );
    await check({ Cmd: ['cat'] }, { stdout: '' });
  });

  test('64 MiB of output reach several clients byte by byte, a slow one among them', { timeout: 60_000 }, async () => {
    // Sequence numbers make a lost, doubled or swapped piece visible; the log is off because nobody reads it here.
    const id = await containers.create({
      Cmd: sh('seq 100000000000000 100000004194303'),
      HostConfig: { LogConfig: { Type: 'none' } },
    });
    const wanted = createHash('sha256');
    for (let from = 1; from <= 4194304; from += 65536) {
      const lines = Array.from({ length: 65536 }, (_, index) => `${99_999_999_999_999 + from + index}\n`);
      wanted.update(lines.join(''));
    }
    const expected = wanted.digest('hex');
    const sockets = await Promise.all([1, 2, 3].map(() => containers.attach(id, 'stream=1&stdout=1&stderr=1')));
    const [slow, ...fast] = sockets;
    const outputs = fast.map(collect);
    await containers.start(id);
    slow!.pause();
    await pause(500);
    const last = collect(slow!);
    for (const bytes of await Promise.all([...outputs, last])) {
      const { stdout, stderr } = demultiplex(bytes);
      assert.equal(stderr.length, 0);
      assert.equal(stdout.length, 64 * MIB);
      assert.equal(createHash('sha256').update(stdout).digest('hex'), expected);
    }
    assert.equal(await containers.wait(id), 0);
    await containers.remove(id);
  });

  test('a client that goes away holds nobody up', async () => {
    const id = await containers.create({ Cmd: sh('seq 1 2000000; echo done') });
    const gone = await containers.attach(id, 'stream=1&stdout=1');
    gone.pause();
    await containers.start(id);
    await pause(100);
    gone.destroy();
    assert.equal(
      await eventually(
        'the container ends',
        async () => {
          const { State } = await containers.inspect(id);
          return State.Status === 'exited' && State.ExitCode + 1;
        },
        20_000,
      ),
      1,
    );
    await containers.remove(id);
  });

  test('a container that runs cannot be removed without force, nor started twice; one that ended can start again', async () => {
    const id = await containers.begin({ Cmd: sh('echo run >> /runs; cat /runs; sleep 0.2') });
    assert.equal((await http.send('DELETE', `/containers/${id}`)).status, 409);
    assert.equal((await http.send('POST', `/containers/${id}/start`)).status, 304);
    await containers.wait(id);
    await containers.start(id);
    await containers.wait(id);
    assert.equal((await containers.logs(id)).stdout, 'run\nrun\nrun\n');
    assert.equal((await http.send('DELETE', `/containers/${id}`)).status, 204);
  });

  test('stop sends the stop signal, and kills what does not listen', async () => {
    const polite = await containers.begin({
      Cmd: sh('trap "echo bye; exit 4" USR1; while :; do sleep 0.02; done'),
      StopSignal: 'SIGUSR1',
    });
    await pause(50);
    await containers.stop(polite);
    assert.equal((await containers.inspect(polite)).State.ExitCode, 4);
    assert.equal((await containers.logs(polite)).stdout, 'bye\n');
    const deaf = await containers.begin({ Cmd: sh('trap "" TERM; while :; do sleep 0.02; done') });
    const before = performance.now();
    await containers.stop(deaf, 1);
    const took = performance.now() - before;
    assert.ok(took > 900 && took < 3000, `${took} ms`);
    assert.equal((await containers.inspect(deaf)).State.ExitCode, 137);
    assert.equal((await http.send('POST', `/containers/${deaf}/stop`)).status, 304);
    for (const id of [polite, deaf]) await containers.remove(id);
  });
});
