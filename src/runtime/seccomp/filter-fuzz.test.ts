import assert from 'node:assert/strict';
import { test } from 'node:test';
import { syscallTables } from '#linux';
import type { Seccomp, SeccompAction, SeccompArg, SeccompOperator, SeccompRule } from '#specs';
import { compileSeccomp, loadClassic } from '#wire';
import { describeReturn, judge } from './naive-filter.ts';

const ACTIONS: SeccompAction[] = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
];
const OPERATORS: SeccompOperator[] = [
  'SCMP_CMP_NE',
  'SCMP_CMP_LT',
  'SCMP_CMP_LE',
  'SCMP_CMP_EQ',
  'SCMP_CMP_GE',
  'SCMP_CMP_GT',
  'SCMP_CMP_MASKED_EQ',
];
/** Values on the edges of words and signs; arguments are drawn from them and from their neighbours. */
const VALUES = [
  0n,
  1n,
  2n,
  38n,
  0x7fffffffn,
  0xffffffffn,
  0x1_0000_0000n,
  0x1_0000_0026n,
  (1n << 63n) + 1n,
  (1n << 64n) - 1n,
];
const ABIS = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'] as const;
const NAMES = [...new Set(ABIS.flatMap((abi) => Object.keys(syscallTables[abi]?.numbers ?? {})))];

/** mulberry32: the same profiles in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Draw = ReturnType<typeof random>;

function pick<Item>(draw: Draw, list: readonly Item[]): Item {
  return list[draw(list.length)] as Item;
}

function randomArg(draw: Draw): SeccompArg {
  const value = pick(draw, VALUES);
  return { index: draw(3), op: pick(draw, OPERATORS), value, valueTwo: draw(2) === 0 ? value : pick(draw, VALUES) };
}

function randomProfile(draw: Draw): Seccomp {
  // A small vocabulary makes rules meet on the same call.
  const vocabulary = Array.from({ length: 2 + draw(40) }, () => pick(draw, NAMES)).concat(
    'socket',
    'shmat',
    'not_a_call',
  );
  const rule = (): SeccompRule => ({
    names: Array.from({ length: 1 + draw(12) }, () => pick(draw, vocabulary)),
    action: pick(draw, ACTIONS),
    ...(draw(2) === 0 && { errnoRet: draw(200) }),
    ...(draw(3) > 0 && { args: Array.from({ length: draw(4) }, () => randomArg(draw)) }),
  });
  return {
    defaultAction: pick(draw, ACTIONS),
    ...(draw(2) === 0 && { defaultErrnoRet: draw(3) + 1 }),
    architectures: [...ABIS],
    syscalls: Array.from({ length: 1 + draw(30) }, rule),
  };
}

test('compileSeccomp() agrees with the naive reading on random profiles', () => {
  const end = performance.now() + 1500;
  let compared = 0;
  for (let seed = 1; seed <= 400 && (seed <= 40 || performance.now() < end); seed++) {
    const draw = random(seed);
    const config = randomProfile(draw);
    const { instructions } = compileSeccomp(config, 'SCMP_ARCH_X86_64', syscallTables);
    const run = loadClassic(instructions);
    const mentioned = [...new Set(config.syscalls?.flatMap((rule) => rule.names))].concat('socketcall', 'ipc', 'read');
    for (const abi of ABIS) {
      const table = syscallTables[abi];
      assert.ok(table);
      const named = mentioned.flatMap((name) => (Object.hasOwn(table.numbers, name) ? [table.numbers[name] ?? 0] : []));
      const numbers = new Set([...named.flatMap((n) => [n - 1, n, n + 1]), table.range.first, table.range.last]);
      for (const nr of numbers) {
        if (nr < table.range.first || nr > table.range.last) continue;
        for (let round = 0; round < 4; round++) {
          const args = [0, 1, 2].map(() => BigInt.asUintN(64, pick(draw, VALUES) + BigInt(draw(3) - 1)));
          const expected = judge(config, syscallTables, { abi, nr, args });
          const actual = describeReturn(run({ arch: table.auditArch, nr, args }).action);
          if (actual !== expected) {
            assert.fail(`seed ${seed}: ${abi} ${nr}(${args.join()}) gave ${actual}, expected ${expected}`);
          }
          compared++;
        }
      }
    }
  }
  assert.ok(compared > 10_000, `${compared} comparisons`);
});

test('compileSeccomp() with thousands of distinct argument rules keeps all jumps in reach or refuses', () => {
  const names = Object.keys(syscallTables['SCMP_ARCH_X86_64']?.numbers ?? {});
  const rules = (count: number): SeccompRule[] =>
    names.slice(0, count).map((name, index) => ({
      names: [name],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: 0x1_0000_0000n + BigInt(index), op: 'SCMP_CMP_GT' }],
    }));
  const config: Seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: rules(300) };
  const { instructions } = compileSeccomp(config, 'SCMP_ARCH_X86_64', syscallTables);
  assert.ok(instructions.length > 1500, `${instructions.length}`);
  const run = loadClassic(instructions);
  for (const name of names) {
    const nr = syscallTables['SCMP_ARCH_X86_64']?.numbers[name] ?? 0;
    for (const value of [0n, 0x1_0000_0005n, 0x1_0000_0100n, 0x2_0000_0000n]) {
      const call = { abi: 'SCMP_ARCH_X86_64', nr, args: [value] };
      assert.equal(
        describeReturn(run({ arch: 0xc000003e, nr, args: [value] }).action),
        judge(config, syscallTables, call),
        name,
      );
    }
  }
  const twice = rules(390).map((rule) => ({ ...rule, args: [...(rule.args ?? []), ...(rule.args ?? [])] }));
  assert.throws(
    () => compileSeccomp({ ...config, syscalls: twice }, 'SCMP_ARCH_X86_64', syscallTables),
    /BPF instructions, the kernel takes 4096/,
  );
});
