import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeClassic, disassembleClassic, encodeClassic } from './classic.ts';
import { loadClassic } from './interpreter.ts';
import { compileSeccomp, type SyscallTables } from './seccomp.ts';
import type { SeccompFilter, SyscallTable } from './seccomp-rules.ts';

const WIDE: SyscallTable = {
  auditArch: 0xc000003e,
  numbers: { read: 0, write: 1, open: 2, close: 3, ioctl: 16, socket: 41, clone: 56 },
  range: { first: 0, last: 0x3fffffff },
  argumentBits: 64,
};
const NARROW: SyscallTable = {
  auditArch: 0x40000003,
  numbers: { read: 3, write: 4, socketcall: 102, socket: 359 },
  range: { first: 0, last: 0xffffffff },
  argumentBits: 32,
  multiplexed: { socket: { call: 'socketcall', selector: 1 } },
};
const tables: SyscallTables = { wide: WIDE, narrow: NARROW };

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;

function run(filter: SeccompFilter, nr: number, args: readonly bigint[] = [], table = WIDE): number {
  return loadClassic(compileSeccomp(filter, 'wide', tables).instructions)({ nr, arch: table.auditArch, args }).action;
}

function allowing(
  ...args: { op: string; value: number | bigint; valueTwo?: number | bigint; index?: number }[]
): SeccompFilter {
  const rule = { names: ['ioctl'], action: 'SCMP_ACT_ALLOW', args: args.map((arg) => ({ index: 1, ...arg })) };
  return { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['wide', 'narrow'], syscalls: [rule] };
}

test('every comparison looks at all 64 bits', () => {
  const value = 0x1_0000_0005n;
  const neighbours = [0x1_0000_0004n, 0x1_0000_0005n, 0x1_0000_0006n, 5n, 0x2_0000_0005n, 0x2_0000_0000n, 0xffff_ffffn];
  const holds: Record<string, (argument: bigint) => boolean> = {
    SCMP_CMP_NE: (argument) => argument !== value,
    SCMP_CMP_LT: (argument) => argument < value,
    SCMP_CMP_LE: (argument) => argument <= value,
    SCMP_CMP_EQ: (argument) => argument === value,
    SCMP_CMP_GE: (argument) => argument >= value,
    SCMP_CMP_GT: (argument) => argument > value,
    SCMP_CMP_MASKED_EQ: (argument) => (argument & value) === 0x1_0000_0000n,
  };
  for (const [op, oracle] of Object.entries(holds)) {
    for (const argument of neighbours) {
      const actual = run(allowing({ op, value, valueTwo: 0x1_0000_0000n }), 16, [0n, argument]);
      assert.equal(actual, oracle(argument) ? ALLOW : EPERM, `${op} ${argument}`);
    }
  }
});

test('conditions of a rule are joined by and; two of them on one argument make alternatives, as in runc', () => {
  const both = allowing({ op: 'SCMP_CMP_EQ', value: 1, index: 0 }, { op: 'SCMP_CMP_EQ', value: 2, index: 2 });
  assert.equal(run(both, 16, [1n, 0n, 2n]), ALLOW);
  assert.equal(run(both, 16, [1n, 0n, 3n]), EPERM);
  const either = allowing({ op: 'SCMP_CMP_EQ', value: 1 }, { op: 'SCMP_CMP_EQ', value: 2 });
  assert.equal(run(either, 16, [0n, 1n]), ALLOW);
  assert.equal(run(either, 16, [0n, 2n]), ALLOW);
  assert.equal(run(either, 16, [0n, 3n]), EPERM);
});

test('the first rule that matches decides; a rule that repeats the default action does not exist', () => {
  const rules = [
    { names: ['read'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args: [{ index: 0, value: 7, op: 'SCMP_CMP_EQ' }] },
    { names: ['read'], action: 'SCMP_ACT_ALLOW' },
    { names: ['read'], action: 'SCMP_ACT_KILL_PROCESS' },
    { names: ['write'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 7, op: 'SCMP_CMP_EQ' }] },
    { names: ['write'], action: 'SCMP_ACT_ALLOW' },
  ];
  const filter = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: rules };
  assert.equal(run(filter, 0, [7n]), 0x0005000d);
  assert.equal(run(filter, 0, [8n]), ALLOW);
  assert.equal(run(filter, 1, [7n]), ALLOW);
});

test('actions become the return values of the kernel', () => {
  for (const [action, errnoRet, value] of [
    ['SCMP_ACT_KILL', undefined, 0x00000000],
    ['SCMP_ACT_KILL_THREAD', undefined, 0x00000000],
    ['SCMP_ACT_KILL_PROCESS', undefined, 0x80000000],
    ['SCMP_ACT_TRAP', undefined, 0x00030000],
    ['SCMP_ACT_ERRNO', undefined, EPERM],
    ['SCMP_ACT_ERRNO', 38, ENOSYS],
    ['SCMP_ACT_TRACE', 77, 0x7ff0004d],
    ['SCMP_ACT_TRACE', undefined, 0x7ff00001],
    ['SCMP_ACT_LOG', undefined, 0x7ffc0000],
    ['SCMP_ACT_NOTIFY', undefined, 0x7fc00000],
  ] as const) {
    const rule = { names: ['read'], action, ...(errnoRet !== undefined && { errnoRet }) };
    assert.equal(run({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }, 0), value, action);
  }
});

test('calls newer than the profile answer ENOSYS when the default refuses, else the default', () => {
  const syscalls = [{ names: ['socket'], action: 'SCMP_ACT_ALLOW' }];
  assert.equal(run({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, 40), EPERM);
  assert.equal(run({ defaultAction: 'SCMP_ACT_ERRNO', syscalls }, 42), ENOSYS);
  assert.equal(run({ defaultAction: 'SCMP_ACT_KILL', syscalls }, 42), ENOSYS);
  assert.equal(run({ defaultAction: 'SCMP_ACT_LOG', syscalls }, 42), 0x7ffc0000);
  assert.equal(run({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [] }, 4242), ALLOW);
});

test('an architecture that is not in the filter ends the thread, so do x32 calls that nobody asked for', () => {
  const filter = { defaultAction: 'SCMP_ACT_ALLOW' };
  assert.equal(run(filter, 0, [], NARROW), 0);
  assert.equal(run(filter, 0x40000001), 0);
  assert.equal(run(filter, 0xffffffff), ALLOW);
  assert.equal(run({ defaultAction: 'SCMP_ACT_ERRNO' }, 0x40000001), ENOSYS);
});

test('of 32-bit ABIs only the low words count, and socketcall follows the rules of its calls', () => {
  const rule = { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 2, op: 'SCMP_CMP_EQ' }] };
  const filter = { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['wide', 'narrow'], syscalls: [rule] };
  assert.equal(run(filter, 359, [0x5_0000_0002n], NARROW), ALLOW);
  assert.equal(run(filter, 359, [3n], NARROW), EPERM);
  assert.equal(run(filter, 102, [1n], NARROW), ALLOW);
  assert.equal(run(filter, 102, [2n], NARROW), EPERM);
  assert.equal(run(filter, 41, [0x5_0000_0002n]), EPERM);
});

test('what cannot be compiled is listed or refused', () => {
  const program = compileSeccomp(
    {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['wide', 'SCMP_ARCH_VAX'],
      flags: ['SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
      syscalls: [{ names: ['read', 'constructor', 'no_such_call'], action: 'SCMP_ACT_NOTIFY' }],
    },
    'wide',
    tables,
  );
  assert.deepEqual(program.unknownSyscalls, ['constructor', 'no_such_call']);
  assert.deepEqual(program.skippedArchitectures, ['SCMP_ARCH_VAX']);
  assert.equal(program.flags, 6);
  assert.equal(program.notifies, true);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_X' }, 'wide', tables), /unknown action SCMP_ACT_X/);
  assert.throws(
    () => compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW' }, 'vax', tables),
    /no system call table for vax/,
  );
  assert.throws(() => run(allowing({ op: 'SCMP_CMP_LIKE', value: 1 }), 0), /rule 0 \(ioctl\): unknown comparison/);
  assert.throws(() => run(allowing({ op: 'SCMP_CMP_EQ', value: 1n << 64n }), 0), /not an unsigned 64-bit/);
  assert.throws(() => run(allowing({ op: 'SCMP_CMP_EQ', value: 1, index: 6 }), 0), /index 6 is not in 0 ... 5/);
});

test('a small profile compiles to the instructions in testdata/small-profile.txt', () => {
  const filter = {
    defaultAction: 'SCMP_ACT_ERRNO',
    architectures: ['wide', 'narrow'],
    syscalls: [
      { names: ['read', 'write', 'close', 'socketcall'], action: 'SCMP_ACT_ALLOW' },
      { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 38, op: 'SCMP_CMP_LT' }] },
      { names: ['socket'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 40, op: 'SCMP_CMP_GT' }] },
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
    ],
  };
  const { instructions } = compileSeccomp(filter, 'wide', tables);
  assert.deepEqual(decodeClassic(encodeClassic(instructions)), instructions);
  const golden = join(import.meta.dirname, 'testdata/small-profile.txt');
  if (process.env['UPDATE'] === '1') writeFileSync(golden, disassembleClassic(instructions));
  assert.equal(disassembleClassic(instructions), readFileSync(golden, 'utf8'));
});
