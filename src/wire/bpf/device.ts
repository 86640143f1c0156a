/**
 * The device filter of a cgroup v2: BPF_PROG_TYPE_CGROUP_DEVICE, which answers 1 to allow an access.
 *
 * Rules are tried from the last to the first. A deny rule that names one of the wanted accesses ends in 0; an allow
 * rule takes its accesses off the list, and when nothing is left to ask for the answer is 1.
 */
import { ALL_ACCESS, type DeviceRule, type DeviceRuleInput, parseDeviceRules } from './device-rules.ts';
import {
  AND_IMMEDIATE,
  EXIT,
  type ExtendedInstruction,
  encodeExtended,
  extended,
  JUMP_EQUAL_IMMEDIATE,
  JUMP_NOT_EQUAL_IMMEDIATE,
  LOAD_WORD,
  MOVE_IMMEDIATE,
  MOVE_REGISTER,
  SHIFT_RIGHT_IMMEDIATE,
} from './ebpf.ts';

/** kernel: BPF_DEVCG_DEV_ of include/uapi/linux/bpf.h. */
const DEVICE_TYPE = { b: 1, c: 2 } as const;

/** Registers; r1 arrives as the context pointer. */
const ANSWER = 0;
const CONTEXT = 1;
const TYPE = 2;
const WANTED = 3;
const MAJOR = 4;
const MINOR = 5;
const OVERLAP = 6;

/** The bytes for bpf(BPF_PROG_LOAD). Throws `bpf.deviceRule` for a rule that makes no sense. */
export function deviceProgram(rules: readonly DeviceRuleInput[]): Uint8Array {
  return encodeExtended(compileDeviceRules(parseDeviceRules(rules)));
}

/** The same before encoding. */
export function compileDeviceRules(rules: readonly DeviceRule[]): ExtendedInstruction[] {
  const blocks = rules.toReversed().map(block);
  // Nothing follows a rule for all devices, and the verifier refuses what cannot be reached.
  const complete = rules[0]?.type === 'a';
  return [...prologue(), ...blocks.flat(), ...(complete ? [] : answer(false))];
}

/** struct bpf_cgroup_dev_ctx: access << 16 | type, major, minor. */
function prologue(): ExtendedInstruction[] {
  return [
    extended(LOAD_WORD, { destination: TYPE, source: CONTEXT, offset: 0 }),
    extended(MOVE_REGISTER, { destination: WANTED, source: TYPE }),
    extended(AND_IMMEDIATE, { destination: TYPE, immediate: 0xffff }),
    extended(SHIFT_RIGHT_IMMEDIATE, { destination: WANTED, immediate: 16 }),
    extended(LOAD_WORD, { destination: MAJOR, source: CONTEXT, offset: 4 }),
    extended(LOAD_WORD, { destination: MINOR, source: CONTEXT, offset: 8 }),
  ];
}

/** One rule: first what has to match, then what it says; a mismatch goes behind the block. */
function block(rule: DeviceRule): ExtendedInstruction[] {
  if (rule.type === 'a') return answer(rule.allow);
  const verdict = rule.allow ? allow(rule.access) : deny(rule.access);
  const tests: [number, number][] = [[TYPE, DEVICE_TYPE[rule.type]]];
  if (rule.major !== undefined) tests.push([MAJOR, rule.major]);
  if (rule.minor !== undefined) tests.push([MINOR, rule.minor]);
  const skips = tests.map(([register, immediate], index) =>
    extended(JUMP_NOT_EQUAL_IMMEDIATE, {
      destination: register,
      immediate,
      offset: tests.length - index - 1 + verdict.length,
    }),
  );
  return [...skips, ...verdict];
}

function allow(access: number): ExtendedInstruction[] {
  if (access === ALL_ACCESS) return answer(true);
  return [
    extended(AND_IMMEDIATE, { destination: WANTED, immediate: ALL_ACCESS & ~access }),
    extended(JUMP_NOT_EQUAL_IMMEDIATE, { destination: WANTED, immediate: 0, offset: 2 }),
    ...answer(true),
  ];
}

function deny(access: number): ExtendedInstruction[] {
  if (access === ALL_ACCESS) return answer(false);
  return [
    extended(MOVE_REGISTER, { destination: OVERLAP, source: WANTED }),
    extended(AND_IMMEDIATE, { destination: OVERLAP, immediate: access }),
    extended(JUMP_EQUAL_IMMEDIATE, { destination: OVERLAP, immediate: 0, offset: 2 }),
    ...answer(false),
  ];
}

function answer(allowed: boolean): ExtendedInstruction[] {
  return [extended(MOVE_IMMEDIATE, { destination: ANSWER, immediate: allowed ? 1 : 0 }), extended(EXIT)];
}
