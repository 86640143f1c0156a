import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Instruction, jump, statement } from './classic.ts';
import { runClassic, verifyClassic } from './interpreter.ts';

const RET = (k: number): Instruction => statement(0x06, k);
const data = { nr: 42, arch: 0xc000003e, instructionPointer: 0x1_0000_0002n, args: [0xaaaa_bbbb_cccc_ddddn, -1n] };

function check(program: readonly Instruction[], action: number): void {
  assert.equal(runClassic(program, data).action, action);
}

function refuses(program: readonly Instruction[], reason: RegExp): void {
  assert.throws(() => verifyClassic(program), reason);
}

test('loads read seccomp_data as the kernel lays it out', () => {
  for (const [offset, value] of [
    [0, 42],
    [4, 0xc000003e],
    [8, 2],
    [12, 1],
    [16, 0xccccdddd],
    [20, 0xaaaabbbb],
    [24, 0xffffffff],
    [60, 0],
  ] as const) {
    check([statement(0x20, offset), statement(0x16, 0)], value);
  }
});

test('jumps compare unsigned and count from the next instruction', () => {
  const branch = (code: number, k: number): Instruction[] => [statement(0x20, 20), jump(code, k, 0, 1), RET(1), RET(2)];
  check(branch(0x15, 0xaaaabbbb), 1);
  check(branch(0x25, 0x7fffffff), 1);
  check(branch(0x35, 0xaaaabbbc), 2);
  check(branch(0x45, 0x80000000), 1);
  check([statement(0x05, 1), RET(1), RET(2)], 2);
});

test('arithmetic wraps at 32 bits', () => {
  const compute = (code: number, k: number): Instruction[] => [
    statement(0x20, 24),
    statement(code, k),
    statement(0x16, 0),
  ];
  check(compute(0x04, 2), 1);
  check(compute(0x14, 0xfffffffe), 1);
  check(compute(0x24, 3), 0xfffffffd);
  check(compute(0x34, 2), 0x7fffffff);
  check(compute(0x54, 0x80000001), 0x80000001);
  check(compute(0x64, 31), 0x80000000);
  check(compute(0x74, 31), 1);
  check(compute(0x84, 0), 1);
  check(compute(0xa4, 0xff), 0xffffff00);
});

test('scratch memory and the index register keep their values', () => {
  check([statement(0x20, 0), statement(0x02, 3), statement(0x61, 3), statement(0x87, 0), statement(0x16, 0)], 42);
});

test('programs the kernel would not load are refused', () => {
  refuses([], /0 instructions/);
  refuses(
    Array.from({ length: 4097 }, () => RET(0)),
    /4097 instructions/,
  );
  refuses([statement(0x20, 0)], /must end with a return/);
  refuses([jump(0x15, 0, 1, 0), RET(0)], /behind the end/);
  refuses([jump(0x15, 0, 0, 1), RET(0)], /behind the end/);
  refuses([statement(0x05, 1), RET(0)], /behind the end/);
  refuses([statement(0x20, 64), RET(0)], /outside/);
  refuses([statement(0x20, 2), RET(0)], /unaligned/);
  refuses([statement(0x28, 0), RET(0)], /not allowed/);
  refuses([statement(0x34, 0), RET(0)], /divides by zero/);
  refuses([statement(0x64, 32), RET(0)], /shifts/);
  refuses([statement(0x60, 0), RET(0)], /before it is written/);
  refuses([statement(0x02, 16), RET(0)], /does not exist/);
});

test('memory that only one path has written may not be read', () => {
  refuses([jump(0x15, 0, 1, 0), statement(0x02, 0), statement(0x60, 0), RET(0)], /before it is written/);
});
