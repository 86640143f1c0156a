import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscallTables } from '#linux';
import type { SyscallTable } from '#wire';
import { decodeClassic, loadClassic } from '#wire';
import { defaultProfile } from './default-profile.ts';
import { describeReturn, judge } from './naive-filter.ts';
import { checkSeccompProfile } from './profile.ts';
import { compileFilter } from './program.ts';
import { resolveProfile, type SeccompContext } from './resolve.ts';

const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
];
const host: SeccompContext = { arch: 'x64', kernel: { major: 6, minor: 18 }, capabilities: DEFAULT_CAPABILITIES };
const arm: SeccompContext = { ...host, arch: 'arm64' };

type Run = (abi: string, nr: number, args?: readonly bigint[]) => string;

function filter(context: SeccompContext): Run {
  const { program } = compileFilter(resolveProfile(defaultProfile, context), context);
  const run = loadClassic(decodeClassic(program));
  return (abi, nr, args = []) => describeReturn(run({ arch: table(abi).auditArch, nr, args }).action);
}

function table(abi: string): SyscallTable {
  const found = syscallTables[abi];
  assert.ok(found, abi);
  return found;
}

function number(abi: string, name: string): number {
  const found = table(abi).numbers[name];
  assert.ok(found !== undefined, `${abi} has no ${name}`);
  return found;
}

const contexts: Record<string, [SeccompContext, string[]]> = {
  'x64 with the default capabilities': [host, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']],
  'x64 with CAP_SYS_ADMIN and CAP_SYS_PTRACE': [
    { ...host, capabilities: [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN', 'CAP_SYS_PTRACE'] },
    ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  ],
  'x64 on a kernel before 4.8': [
    { ...host, kernel: { major: 4, minor: 4 } },
    ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  ],
  'arm64 with the default capabilities': [arm, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']],
};

for (const [name, [context, abis]] of Object.entries(contexts)) {
  test(`the default profile decides every system call of every ABI as it says: ${name}`, () => {
    const config = resolveProfile(defaultProfile, context);
    const run = filter(context);
    const args = [0n, 38n, 40n, 0x20000n, 0x7e020000n, 0xffffffffn, 0x1_0000_0026n];
    for (const abi of abis) {
      const base = table(abi).range.first;
      const numbers = new Set([...Object.values(table(abi).numbers), base + 470, base + 600, table(abi).range.last]);
      for (const nr of numbers) {
        for (const first of args) {
          for (const second of [0n, 0x7e020000n]) {
            const call = { abi, nr, args: [first, second] };
            const [actual, expected] = [run(abi, nr, call.args), judge(config, syscallTables, call)];
            if (actual !== expected)
              assert.fail(`${abi} ${nr}(${call.args.join()}) gave ${actual}, expected ${expected}`);
          }
        }
      }
    }
  });
}

test('the default profile allows as many calls as Docker documents', () => {
  const allowed = (context: SeccompContext): number => {
    const rules = resolveProfile(defaultProfile, context).syscalls ?? [];
    return new Set(rules.filter((rule) => rule.action === 'SCMP_ACT_ALLOW').flatMap((rule) => rule.names)).size;
  };
  assert.equal(allowed(host), 370);
  assert.equal(allowed(arm), 374);
});

test('the default profile compiles to a short program in which every call is decided quickly', () => {
  const { program } = compileFilter(resolveProfile(defaultProfile, host), host);
  const run = loadClassic(decodeClassic(program));
  assert.ok(program.length / 8 < 500, `${program.length / 8} instructions`);
  const arch = table('SCMP_ARCH_X86_64').auditArch;
  const steps = Object.values(table('SCMP_ARCH_X86_64').numbers).map((nr) => run({ nr, arch }).steps);
  assert.ok(Math.max(...steps) <= 25, `${Math.max(...steps)} steps`);
});

test('the default profile passes its own check', () => {
  checkSeccompProfile(defaultProfile);
});

const NATIVE = 'SCMP_ARCH_X86_64';

function check(name: string, args: readonly bigint[], expected: string, run: Run = filter(host), abi = NATIVE): void {
  assert.equal(run(abi, number(abi, name), args), expected, `${abi} ${name}(${args.join()})`);
}

test('sockets: AF_ALG and AF_VSOCK are refused, however the family is dressed up', () => {
  for (const [family, expected] of [
    [1n, 'ALLOW'],
    [2n, 'ALLOW'],
    [37n, 'ALLOW'],
    [38n, 'ERRNO 1'],
    [39n, 'ALLOW'],
    [40n, 'ERRNO 1'],
    [41n, 'ALLOW'],
    [0x1_0000_0026n, 'ERRNO 1'],
    [0x1_0000_0028n, 'ERRNO 1'],
    [0xffff_ffff_0000_0002n, 'ALLOW'],
  ] as const) {
    for (const abi of [NATIVE, 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
      check('socket', [family], expected, filter(host), abi);
  }
});

test('personality: only the five harmless values', () => {
  for (const value of [0n, 8n, 0x20000n, 0x20008n, 0xffffffffn]) check('personality', [value], 'ALLOW');
  for (const value of [1n, 0x0040000n, 0x0400000n, 0xfffffffen]) check('personality', [value], 'ERRNO 1');
});

test('clone: namespaces need CAP_SYS_ADMIN, clone3 sends libc back to clone', () => {
  check('clone', [0x01200011n], 'ALLOW');
  for (const flag of [0x20000n, 0x2000000n, 0x4000000n, 0x8000000n, 0x10000000n, 0x20000000n, 0x40000000n]) {
    check('clone', [0x01200011n | flag], 'ERRNO 1');
  }
  check('clone3', [0n], 'ERRNO 38');
  const admin = filter({ ...host, capabilities: [...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN'] });
  check('clone', [0x7e020000n], 'ALLOW', admin);
  check('clone3', [0n], 'ALLOW', admin);
  check('mount', [0n], 'ALLOW', admin);
  check('mount', [0n], 'ERRNO 1');
});

test('ptrace needs Linux 4.8 or CAP_SYS_PTRACE', () => {
  check('ptrace', [0n], 'ALLOW');
  check('ptrace', [0n], 'ERRNO 1', filter({ ...host, kernel: { major: 4, minor: 4 } }));
  const tracer = { ...host, kernel: { major: 4, minor: 4 }, capabilities: [...DEFAULT_CAPABILITIES, 'CAP_SYS_PTRACE'] };
  check('ptrace', [0n], 'ALLOW', filter(tracer));
});

test('calls newer than the profile answer ENOSYS, foreign architectures end the thread', () => {
  const run = filter(host);
  assert.equal(run(NATIVE, 5000), 'ERRNO 38');
  assert.equal(run('SCMP_ARCH_X86', 5000), 'ERRNO 38');
  assert.equal(run('SCMP_ARCH_X32', 0x40000000 + 5000), 'ERRNO 38');
  assert.equal(run('SCMP_ARCH_AARCH64', 1), 'KILL_THREAD');
  assert.equal(filter(arm)('SCMP_ARCH_ARM', 0x0f0005), 'ALLOW');
  assert.equal(filter(arm)('SCMP_ARCH_ARM', 700), 'ERRNO 38');
});
