/** What a container sees and may do, asked from inside it: the walls hold. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Body, sh } from '../support/containers.ts';
import { useDaemon } from '../support/daemon.ts';
import { missing } from '../support/needs.ts';

/** Docker's fourteen default capabilities: CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP. */
const DEFAULT_CAPABILITIES = 0xa80425fbn;

describe('isolation', { skip: missing('root', 'busybox', 'cc'), timeout: 60_000 }, () => {
  const { containers } = useDaemon();

  const out = async (script: string, body: Body = {}): Promise<string> => {
    const { stdout, stderr } = await containers.run({ Cmd: sh(script), ...body });
    return stdout + stderr;
  };

  /** What `probe` says for each request: a table of request → answer. */
  const probe = async (expected: Readonly<Record<string, string | RegExp>>, body: Body = {}): Promise<void> => {
    const script = Object.keys(expected)
      .map((request) => `echo "${request}: $(probe ${request})"`)
      .join('\n');
    const lines = (await out(script, body)).trim().split('\n');
    for (const [index, [request, answer]] of Object.entries(expected).entries()) {
      assert.match(lines[index]!, answer instanceof RegExp ? answer : new RegExp(`^${request}: ${answer}$`));
    }
  };

  test('it is alone: pid 1, its own host name, IPC objects, mounts and network', async () => {
    assert.equal(await out('echo $$; ls -d /proc/[0-9]* | wc -l'), '1\n3\n', 'the shell, ls and wc');
    assert.equal(await out('hostname other && hostname', { HostConfig: { CapAdd: ['SYS_ADMIN'] } }), 'other\n');
    assert.notEqual(readFileSync('/proc/sys/kernel/hostname', 'utf8'), 'other\n');
    assert.equal(await out('ls /sys/class/net; ip -o link show lo | grep -c ,UP'), 'lo\n1\n');
    assert.equal(await out('wc -l < /proc/sysvipc/shm'), '1\n', 'only the title');
    for (const name of ['pid', 'mnt', 'uts', 'ipc', 'net']) {
      const inside = await out(`readlink /proc/self/ns/${name}`);
      const outside = statSync(`/proc/self/ns/${name}`).ino;
      assert.doesNotMatch(inside, new RegExp(`\\[${outside}\\]`), name);
    }
    const mounts = await out('cat /proc/mounts');
    assert.match(mounts, /^overlay \/ overlay /);
    const points = mounts
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[1]);
    for (const point of points) {
      assert.match(
        point!,
        /^\/($|proc|dev|sys|etc\/(hosts|hostname|resolv\.conf)$)/,
        `an unexpected mount at ${point}`,
      );
    }
  });

  test('it holds Docker’s default capabilities, and those added or dropped', async () => {
    const bounding = BigInt(`0x${/CapBnd:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]!}`);
    const capabilities = async (body: Body): Promise<Record<string, bigint>> => {
      const text = await out('grep Cap /proc/self/status', body);
      return Object.fromEntries(
        [...text.matchAll(/Cap(\w+):\s*(\w+)/g)].map(([, key, value]) => [key, BigInt(`0x${value}`)]),
      );
    };
    const usual = DEFAULT_CAPABILITIES & bounding;
    assert.deepEqual(await capabilities({}), { Inh: 0n, Prm: usual, Eff: usual, Bnd: usual, Amb: 0n });
    assert.deepEqual(await capabilities({ User: '1000' }), { Inh: 0n, Prm: 0n, Eff: 0n, Bnd: usual, Amb: 0n });
    const none = { Inh: 0n, Prm: 0n, Eff: 0n, Bnd: 0n, Amb: 0n };
    assert.deepEqual(await capabilities({ HostConfig: { CapDrop: ['ALL'] } }), none);
    const chown = { Inh: 0n, Prm: 1n, Eff: 1n, Bnd: 1n, Amb: 0n };
    assert.deepEqual(await capabilities({ HostConfig: { CapDrop: ['ALL'], CapAdd: ['CHOWN'] } }), chown);
    const privileged = await capabilities({ HostConfig: { Privileged: true } });
    assert.equal(privileged['Eff'], bounding);
  });

  test('what would reach the host is refused', async () => {
    await probe({
      'unshare-user': 'EPERM',
      'unshare-mount': 'EPERM',
      'clone-user': 'EPERM',
      mount: 'EPERM',
      keyctl: 'EPERM',
      'add-key': 'EPERM',
      'init-module': 'EPERM',
      'kexec-load': 'EPERM',
      bpf: 'EPERM',
      perf: 'EPERM',
      settime: 'EPERM',
      reboot: 'EPERM',
      swapon: 'EPERM',
      vsock: 'EPERM',
      mkdir: 'ok',
    });
    // The filter alone, without the capabilities' help: root of the container with all of them.
    await probe({ keyctl: 'EPERM', 'add-key': 'EPERM', 'kexec-load': 'EPERM' }, { HostConfig: { CapAdd: ['ALL'] } });
  });

  test('the host’s processes, /proc/sys and devices are out of reach', async () => {
    const text = await out(
      [
        'echo 1 > /proc/sys/kernel/panic',
        'echo x > /proc/sysrq-trigger',
        'echo 0 > /sys/fs/cgroup/pids/cgroup.procs || echo 0 > /sys/fs/cgroup/cgroup.procs',
        'mount -o remount,rw /sys',
        'mount -o remount,rw /proc/sys',
        'umount /proc/sys',
        `kill -0 ${process.pid} 2>&1`,
      ].join('\n'),
    );
    assert.match(text, /proc\/sys\/kernel\/panic: Read-only file system/);
    assert.match(text, /sysrq-trigger: (Read-only file system|nonexistent directory)/);
    assert.match(text, /cgroup\.procs: Read-only file system/);
    assert.equal(text.match(/(permission denied|Operation not permitted)/gi)?.length ?? 0, 3, text);
    assert.match(text, /No such process/i);
  });

  test('masked paths show nothing', async () => {
    const text = await out(
      'for path in /proc/kcore /proc/keys /proc/timer_list /proc/latency_stats /proc/sched_debug; do [ -e $path ] && wc -c < $path; done; for path in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do [ -e $path ] && ls -A $path; done; true',
    );
    assert.match(text, /^(0\n)+$/);
  });

  test('devices are the harmless ones; a node of the disk can be made but not read', async () => {
    const names = (await out('ls /dev')).trim().split('\n').sort();
    const expected = [
      'core',
      'fd',
      'full',
      'mqueue',
      'null',
      'ptmx',
      'pts',
      'random',
      'shm',
      'stderr',
      'stdin',
      'stdout',
      'tty',
      'urandom',
      'zero',
    ];
    assert.deepEqual(names, expected);
    assert.equal(
      await out('head -c 4 /dev/zero | wc -c; head -c 9 /dev/urandom | wc -c; echo x > /dev/null; echo y > /dev/full'),
      '4\n9\nsh: write error: No space left on device\n',
    );
    const { dev } = statSync('/');
    const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
    await probe({ [`read-disk ${major} ${minor}`]: 'EPERM', 'read-disk 7 0': 'EPERM' });
  });

  test('a device given with --device is there, with the rights it was given', async () => {
    const device = (CgroupPermissions: string) => ({
      PathOnHost: '/dev/zero',
      PathInContainer: '/dev/nought',
      CgroupPermissions,
    });
    assert.equal(await out('head -c 3 /dev/nought | wc -c', { HostConfig: { Devices: [device('rwm')] } }), '3\n');
    const fuse = { PathOnHost: '/dev/kmsg', PathInContainer: '/dev/kmsg', CgroupPermissions: 'r' };
    assert.match(await out('echo x > /dev/kmsg', { HostConfig: { Devices: [fuse] } }), /Operation not permitted/);
  });

  test('no_new_privs comes with its option and not by itself', async () => {
    await probe({ 'no-new-privs': '0' });
    await probe({ 'no-new-privs': '1' }, { HostConfig: { SecurityOpt: ['no-new-privileges'] } });
    await probe({ 'no-new-privs': '1' }, { User: '1000', HostConfig: { SecurityOpt: ['no-new-privileges:true'] } });
  });

  test('seccomp can be switched off, or replaced by a profile', async () => {
    assert.match(await out('grep Seccomp: /proc/self/status'), /2$/m);
    const unconfined = { HostConfig: { SecurityOpt: ['seccomp=unconfined'] } };
    assert.match(await out('grep Seccomp: /proc/self/status', unconfined), /0$/m);
    await probe({ keyctl: 'ok' }, unconfined);
    const profile = JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
    });
    await probe({ mkdir: 'ENOSPC', keyctl: 'ok' }, { HostConfig: { SecurityOpt: [`seccomp=${profile}`] } });
    const privileged = await out('grep Seccomp: /proc/self/status', { HostConfig: { Privileged: true } });
    assert.match(privileged, /0$/m);
  });

  test('host namespaces are shared when asked for', async () => {
    const same = async (name: string, host: Body['HostConfig']): Promise<void> => {
      const inside = await out(`readlink /proc/self/ns/${name}`, { HostConfig: host! });
      assert.match(inside, new RegExp(`\\[${statSync(`/proc/self/ns/${name}`).ino}\\]`), name);
    };
    await same('net', { NetworkMode: 'host' });
    await same('pid', { PidMode: 'host' });
    await same('ipc', { IpcMode: 'host' });
    await same('uts', { UTSMode: 'host' });
  });

  test('two containers do not see each other', async () => {
    const other = await containers.begin({ Cmd: sh('touch /mine /dev/shm/mine; sleep 100 & sleep 100') });
    assert.equal(await out('ls /mine 2>/dev/null; ls -A /dev/shm; ps -o comm | grep -c "^sleep"'), '0\n');
    assert.equal(
      (await containers.exec(other, { Cmd: sh('ls /mine /dev/shm; ps -o comm | grep -c "^sleep"') })).stdout,
      '/mine\n\n/dev/shm:\nmine\n2\n',
    );
    await containers.remove(other);
  });
});
