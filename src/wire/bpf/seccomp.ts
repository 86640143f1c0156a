/**
 * Compiles a resolved `linux.seccomp` object to a classic BPF program.
 *
 *     ld arch ─ jeq ─┬─ per audit architecture: ld nr ─ binary tree over ranges of numbers ─┬─ ret action
 *                    │                                                                       └─ argument checks
 *                    └─ anything else: the architecture is not in the profile
 *
 * Neighbouring numbers with the same decision are one range, so the whole default profile needs some
 * hundred instructions for three ABIs and a call about ten of them. Pure: the system call tables come
 * from the caller.
 */
import { BackwardsProgram, type Target } from './backwards.ts';
import {
  AND,
  type Instruction,
  JUMP_EQUAL,
  JUMP_GREATER,
  JUMP_GREATER_EQUAL,
  LOAD_ABSOLUTE,
  MAX_INSTRUCTIONS,
} from './classic.ts';
import { errors } from './errors.ts';
import {
  type AbiDecisions,
  answersEnosys,
  type Condition,
  type ConditionalRule,
  type Decision,
  decide,
  RETURN_ENOSYS,
  returnValue,
  type SeccompFilter,
  type SyscallTable,
  seccompReturns,
  syscallNumber,
} from './seccomp-rules.ts';

/** A filter ready for seccomp(2), and what of the profile did not make it in. */
export interface SeccompProgram {
  readonly instructions: readonly Instruction[];
  /** SECCOMP_FILTER_FLAG_ bits. With NOTIFY rules the listener flag is the caller's to add. */
  readonly flags: number;
  /** Whether a rule says SCMP_ACT_NOTIFY: then somebody has to take the notify fd. */
  readonly notifies: boolean;
  /** compat: names that no architecture of the filter has; runc skips them silently. */
  readonly unknownSyscalls: readonly string[];
  /** Architectures of the profile that there is no table for; their calls end as those of unlisted ones. */
  readonly skippedArchitectures: readonly string[];
}

/** By SCMP_ARCH_ name. */
export type SyscallTables = Readonly<Record<string, SyscallTable>>;

/** Offsets in struct seccomp_data. */
const OFFSET_NUMBER = 0;
const OFFSET_ARCH = 4;
const OFFSET_ARGS = 16;

/**
 * compat: libseccomp's action for an architecture that is not in the filter (SCMP_FLTATR_ACT_BADARCH) is
 * SCMP_ACT_KILL, which ends the thread; runc leaves it at that.
 */
const BAD_ARCHITECTURE = seccompReturns.killThread;

/** kernel: include/uapi/linux/seccomp.h. */
export const seccompFlags: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
};

/**
 * Compiles a filter. The native architecture is always part of it, as in libseccomp, whatever
 * `architectures` lists. Throws `bpf.*` errors, all of kind invalid.
 */
export function compileSeccomp(filter: SeccompFilter, native: string, tables: SyscallTables): SeccompProgram {
  const names = [...new Set([native, ...(filter.architectures ?? [])])];
  const known = names.filter((name) => Object.hasOwn(tables, name));
  if (known[0] !== native) throw errors.architecture(native);
  const abis = known.map((name) => tables[name] as SyscallTable);

  const instructions = assemble(filter, abis);
  if (instructions.length > MAX_INSTRUCTIONS) throw errors.tooLong(instructions.length, MAX_INSTRUCTIONS);
  const rules = filter.syscalls ?? [];
  return {
    instructions,
    flags: (filter.flags ?? []).reduce((bits, name) => bits | flagBit(name), 0),
    notifies: rules.some((rule) => rule.action === 'SCMP_ACT_NOTIFY'),
    unknownSyscalls: [...new Set(rules.flatMap((rule) => rule.names))].filter((name) =>
      abis.every((table) => syscallNumber(table, name) === undefined),
    ),
    skippedArchitectures: names.filter((name) => !known.includes(name)),
  };
}

function flagBit(name: string): number {
  const bit = Object.hasOwn(seccompFlags, name) ? seccompFlags[name] : undefined;
  if (bit === undefined) throw errors.flag(name);
  return bit;
}

/** Sections are written last to first, so the native architecture is first in the program and dispatched to first. */
function assemble(filter: SeccompFilter, abis: readonly SyscallTable[]): Instruction[] {
  const program = new BackwardsProgram();
  const sections = [...new Set(abis.map((table) => table.auditArch))].map((auditArch) => ({
    auditArch,
    ranges: ranges(
      filter,
      abis.filter((table) => table.auditArch === auditArch),
    ),
  }));
  const otherwise = returnValue(filter.defaultAction, filter.defaultErrnoRet);
  const starts = sections.toReversed().map(({ auditArch, ranges }) => ({
    auditArch,
    start: section(program, ranges, otherwise),
  }));
  let next: Target = { returns: BAD_ARCHITECTURE };
  for (const { auditArch, start } of starts) next = program.branch(JUMP_EQUAL, auditArch, start, next);
  program.place(next);
  program.add(LOAD_ABSOLUTE, OFFSET_ARCH);
  return program.finish();
}

/** The numbers from `from` up to the next range's. */
interface Range {
  readonly from: number;
  readonly decision: Decision;
}

/** All numbers 0 ... 2^32 - 1 of one audit architecture as ranges, neighbours with equal decisions joined. */
function ranges(filter: SeccompFilter, abis: readonly SyscallTable[]): Range[] {
  const byDefault = returnValue(filter.defaultAction, filter.defaultErrnoRet);
  const enosys = answersEnosys(filter);
  const list: Range[] = [];
  const add = (from: number, decision: Decision): void => {
    const last = list[list.length - 1];
    if (last !== undefined && equal(last.decision, decision)) return;
    if (last !== undefined && last.from === from) list.pop();
    list.push({ from, decision });
  };
  let end = 0;
  for (const table of abis.toSorted((a, b) => a.range.first - b.range.first)) {
    addAbi(add, table, decide(filter, table), byDefault, enosys ? RETURN_ENOSYS : byDefault);
    end = table.range.last + 1;
  }
  if (end <= 0xffffffff) {
    // compat: x32 calls in a filter without x32. runc's stub sees a number above all known ones and says ENOSYS;
    // without that stub libseccomp takes them for another architecture, except -1 (a call cancelled by a tracer).
    add(end, enosys ? RETURN_ENOSYS : BAD_ARCHITECTURE);
    add(0xffffffff, enosys ? RETURN_ENOSYS : byDefault);
  }
  return list;
}

function addAbi(
  add: (from: number, decision: Decision) => void,
  { range, privateFrom }: SyscallTable,
  { decisions, newest }: AbiDecisions,
  byDefault: number,
  byDefaultWhenNewer: number,
): void {
  const otherwise = (number: number): number => {
    const privateCall = privateFrom !== undefined && number >= privateFrom;
    return number > newest && !privateCall ? byDefaultWhenNewer : byDefault;
  };
  const numbers = [...decisions.keys()].sort((a, b) => a - b);
  const changes = [range.first, newest + 1, ...(privateFrom === undefined ? [] : [privateFrom])];
  const points = new Set([...changes.filter((n) => n >= range.first), ...numbers, ...numbers.map((n) => n + 1)]);
  for (const number of [...points].sort((a, b) => a - b)) {
    if (number <= range.last) add(number, decisions.get(number) ?? otherwise(number));
  }
}

function equal(a: Decision, b: Decision): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && key(a) === key(b));
}

function key(rules: readonly ConditionalRule[]): string {
  return rules
    .map(
      ({ conditions, returns }) =>
        `${conditions.map((c) => `${c.index}${c.op}${c.value},${c.valueTwo},${c.bits}`).join('&')}=${returns}`,
    )
    .join('|');
}

/** Writes the tree of one architecture; gives its first instruction. `otherwise`: when no conditions hold. */
function section(program: BackwardsProgram, ranges: readonly Range[], otherwise: number): Target {
  const written = new Map<string, Target>();
  const leaf = ({ decision }: Range): Target => {
    if (typeof decision === 'number') return { returns: decision };
    const name = key(decision);
    const target = written.get(name) ?? checks(program, decision, otherwise);
    written.set(name, target);
    return target;
  };
  program.place(tree(program, ranges, 0, ranges.length, leaf));
  return program.add(LOAD_ABSOLUTE, OFFSET_NUMBER);
}

/** Ranges low ... high - 1 as a balanced tree, a number between two equal ranges as one comparison. */
function tree(
  program: BackwardsProgram,
  ranges: readonly Range[],
  low: number,
  high: number,
  leaf: (range: Range) => Target,
): Target {
  const first = ranges[low] as Range;
  if (high - low === 1) return leaf(first);
  const second = ranges[low + 1] as Range;
  const third = ranges[low + 2];
  if (high - low === 3 && third?.from === second.from + 1 && equal(first.decision, third.decision)) {
    const otherwise = leaf(first);
    return program.branch(JUMP_EQUAL, second.from, leaf(second), otherwise);
  }
  const middle = (low + high) >> 1;
  const right = tree(program, ranges, middle, high, leaf);
  const left = tree(program, ranges, low, middle, leaf);
  return program.branch(JUMP_GREATER_EQUAL, (ranges[middle] as Range).from, right, left);
}

/** Rules in order: the first whose conditions all hold decides. */
function checks(program: BackwardsProgram, rules: readonly ConditionalRule[], otherwise: number): Target {
  let next: Target = { returns: otherwise };
  for (const { conditions, returns } of rules.toReversed()) {
    let target: Target = { returns };
    for (const condition of conditions.toReversed()) target = check(program, condition, target, next);
    next = target;
  }
  return next;
}

/** One comparison; of 64-bit arguments the high word first, then the low one. */
function check(program: BackwardsProgram, condition: Condition, yes: Target, no: Target): Target {
  switch (condition.op) {
    case 'EQ':
      return equals(program, condition, yes, no);
    case 'NE':
      return equals(program, condition, no, yes);
    case 'GT':
      return greater(program, condition, JUMP_GREATER, yes, no);
    case 'GE':
      return greater(program, condition, JUMP_GREATER_EQUAL, yes, no);
    case 'LT':
      return greater(program, condition, JUMP_GREATER_EQUAL, no, yes);
    case 'LE':
      return greater(program, condition, JUMP_GREATER, no, yes);
    default:
      return maskedEquals(program, condition, yes, no);
  }
}

function equals(program: BackwardsProgram, { index, value, bits }: Condition, yes: Target, no: Target): Target {
  program.branch(JUMP_EQUAL, low(value), yes, no);
  const lowWord = program.add(LOAD_ABSOLUTE, lowOffset(index));
  if (bits === 32) return lowWord;
  program.branch(JUMP_EQUAL, high(value), lowWord, no);
  return program.add(LOAD_ABSOLUTE, highOffset(index));
}

function greater(program: BackwardsProgram, condition: Condition, code: number, yes: Target, no: Target): Target {
  const { index, value, bits } = condition;
  program.branch(code, low(value), yes, no);
  const lowWord = program.add(LOAD_ABSOLUTE, lowOffset(index));
  if (bits === 32) return lowWord;
  const notGreater = program.branch(JUMP_EQUAL, high(value), lowWord, no);
  program.branch(JUMP_GREATER, high(value), yes, notGreater);
  return program.add(LOAD_ABSOLUTE, highOffset(index));
}

/** (argument & value) == valueTwo. */
function maskedEquals(program: BackwardsProgram, condition: Condition, yes: Target, no: Target): Target {
  const { index, value, valueTwo, bits } = condition;
  program.branch(JUMP_EQUAL, low(valueTwo), yes, no);
  program.add(AND, low(value));
  const lowWord = program.add(LOAD_ABSOLUTE, lowOffset(index));
  if (bits === 32 || (high(value) === 0 && high(valueTwo) === 0)) return lowWord;
  program.branch(JUMP_EQUAL, high(valueTwo), lowWord, no);
  program.add(AND, high(value));
  return program.add(LOAD_ABSOLUTE, highOffset(index));
}

/** All architectures with tables are little-endian: the low word comes first. */
function lowOffset(index: number): number {
  return OFFSET_ARGS + 8 * index;
}

function highOffset(index: number): number {
  return OFFSET_ARGS + 8 * index + 4;
}

function low(value: bigint): number {
  return Number(value & 0xffffffffn);
}

function high(value: bigint): number {
  return Number(value >> 32n);
}
