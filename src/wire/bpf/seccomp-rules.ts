/**
 * The meaning of `linux.seccomp`: which action each system call number of an ABI has, before any
 * instruction is written. Follows what runc and libseccomp make of the same object.
 */
import { errors } from './errors.ts';

/** The part of `linux.seccomp` (OCI runtime-spec, config-linux.md) that makes the program. */
export interface SeccompFilter {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls?: readonly SeccompFilterRule[];
}

export interface SeccompFilterRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompFilterArg[];
}

export interface SeccompFilterArg {
  readonly index: number;
  readonly value: number | bigint;
  readonly valueTwo?: number | bigint;
  readonly op: string;
}

/** The system calls of one ABI, as the kernel presents them to a filter. */
export interface SyscallTable {
  /** AUDIT_ARCH_ constant; two ABIs may share one (x86-64 and x32). */
  readonly auditArch: number;
  readonly numbers: Readonly<Record<string, number>>;
  /** The numbers that belong to this ABI, both ends included. */
  readonly range: { readonly first: number; readonly last: number };
  /** Width of a register: of 32-bit ABIs only the low half of an argument is compared. */
  readonly argumentBits: 32 | 64;
  /** Calls that also exist as a selector of another one: `socketcall(1, …)` is `socket`. */
  readonly multiplexed?: Readonly<Record<string, { readonly call: string; readonly selector: number }>>;
  /** Arguments that the kernel itself cuts to 32 bits, by call. */
  readonly narrowArguments?: Readonly<Record<string, readonly number[]>>;
  /** Private calls of the architecture start here; they say nothing about how new a profile is. */
  readonly privateFrom?: number;
}

/** What is done with one system call number: a return value, or rules tried in order. */
export type Decision = number | readonly ConditionalRule[];

/** All conditions hold → the value is returned. Without conditions it always is. */
export interface ConditionalRule {
  readonly conditions: readonly Condition[];
  readonly returns: number;
}

export interface Condition {
  readonly index: number;
  readonly op: Comparison;
  readonly value: bigint;
  readonly valueTwo: bigint;
  readonly bits: 32 | 64;
}

export type Comparison = 'NE' | 'LT' | 'LE' | 'EQ' | 'GE' | 'GT' | 'MASKED_EQ';

const EPERM = 1;
const ENOSYS = 38;
const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/** SECCOMP_RET_ values of include/uapi/linux/seccomp.h. */
export const seccompReturns = {
  killProcess: 0x80000000,
  killThread: 0x00000000,
  trap: 0x00030000,
  errno: 0x00050000,
  notify: 0x7fc00000,
  trace: 0x7ff00000,
  log: 0x7ffc0000,
  allow: 0x7fff0000,
} as const;

/** The answer for calls that are newer than the profile. */
export const RETURN_ENOSYS = seccompReturns.errno | ENOSYS;

/**
 * An SCMP_ACT_ name as a return value of the filter; `errnoRet` is the errno of ERRNO and the message of
 * TRACE, EPERM when absent. Throws `bpf.action`.
 */
export function returnValue(action: string, errnoRet: number | undefined): number {
  switch (action) {
    // compat: SCMP_ACT_KILL has always meant the thread (seccomp.h of libseccomp).
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return seccompReturns.killThread;
    case 'SCMP_ACT_KILL_PROCESS':
      return seccompReturns.killProcess;
    case 'SCMP_ACT_TRAP':
      return seccompReturns.trap;
    case 'SCMP_ACT_ERRNO':
      return seccompReturns.errno | ((errnoRet ?? EPERM) & 0xffff);
    case 'SCMP_ACT_TRACE':
      return seccompReturns.trace | ((errnoRet ?? EPERM) & 0xffff);
    case 'SCMP_ACT_NOTIFY':
      return seccompReturns.notify;
    case 'SCMP_ACT_LOG':
      return seccompReturns.log;
    case 'SCMP_ACT_ALLOW':
      return seccompReturns.allow;
    default:
      throw errors.action(action);
  }
}

/**
 * Whether calls newer than the profile answer ENOSYS instead of the default action.
 *
 * compat: runc does so for every default action that refuses, unless it is ENOSYS already: libc falls back to
 * an older call on ENOSYS, but takes EPERM for an answer. ALLOW, LOG and TRACE let new calls through.
 */
export function answersEnosys(filter: SeccompFilter): boolean {
  const value = returnValue(filter.defaultAction, filter.defaultErrnoRet);
  if (value === RETURN_ENOSYS) return false;
  return !['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(filter.defaultAction);
}

/** The numbers an ABI has decisions for, and the largest number that the profile mentions at all. */
export interface AbiDecisions {
  readonly decisions: ReadonlyMap<number, Decision>;
  /** -1 when the profile names no call of this ABI. */
  readonly newest: number;
}

/** Collects the rules of a profile by number. Names unknown to the ABI are passed over. Throws `bpf.*` errors. */
export function decide(filter: SeccompFilter, table: SyscallTable): AbiDecisions {
  const defaultReturn = returnValue(filter.defaultAction, filter.defaultErrnoRet);
  const lists = new Map<number, ConditionalRule[]>();
  const add = (number: number, rule: ConditionalRule): void => {
    const list = lists.get(number);
    if (list === undefined) lists.set(number, [rule]);
    // After a rule without conditions nothing can be reached.
    else if (list[list.length - 1]?.conditions.length !== 0) list.push(rule);
  };
  let newest = -1;
  for (const [position, rule] of (filter.syscalls ?? []).entries()) {
    const returns = returnValue(rule.action, rule.errnoRet);
    for (const name of rule.names) {
      const number = syscallNumber(table, name);
      if (number === undefined) continue;
      if (number > newest && number < (table.privateFrom ?? Infinity)) newest = number;
      // compat: libseccomp refuses a rule that repeats the default action, so runc leaves it out.
      if (returns === defaultReturn) continue;
      for (const conditions of conditionSets(rule, position, name, table)) add(number, { conditions, returns });
      const multiplexer = selector(table, name);
      if (multiplexer) add(multiplexer.number, { conditions: [multiplexer.condition], returns });
    }
  }
  const decisions = new Map<number, Decision>();
  for (const [number, list] of lists) {
    decisions.set(number, list[0]?.conditions.length === 0 ? list[0].returns : list);
  }
  return { decisions, newest };
}

/** The number of a call, or undefined. Names come from users: only own keys count. */
export function syscallNumber(table: SyscallTable, name: string): number | undefined {
  return Object.hasOwn(table.numbers, name) ? table.numbers[name] : undefined;
}

/**
 * The arguments of a rule, each set an alternative.
 *
 * compat: libseccomp takes one comparison per argument and rule; runc therefore makes a rule of its own out of
 * every condition as soon as two of them look at the same argument (they are OR'ed, all of them).
 */
function conditionSets(rule: SeccompFilterRule, position: number, name: string, table: SyscallTable): Condition[][] {
  const args = rule.args ?? [];
  const conditions = args.map((arg) => condition(arg, `rule ${position} (${name})`, bitsOf(table, name, arg.index)));
  const distinct = new Set(conditions.map((item) => item.index)).size === conditions.length;
  return distinct ? [conditions] : conditions.map((item) => [item]);
}

function bitsOf(table: SyscallTable, name: string, index: number): 32 | 64 {
  const narrow = table.narrowArguments;
  if (narrow !== undefined && Object.hasOwn(narrow, name) && narrow[name]?.includes(index)) return 32;
  return table.argumentBits;
}

function condition(arg: SeccompFilterArg, where: string, bits: 32 | 64): Condition {
  if (!Number.isInteger(arg.index) || arg.index < 0 || arg.index > 5) throw errors.argumentIndex(where, arg.index);
  const op = comparison(arg.op);
  if (op === undefined) throw errors.comparison(where, arg.op);
  const value = unsigned(arg.value, where);
  const valueTwo = unsigned(arg.valueTwo ?? 0, where);
  // compat: libseccomp compares only the low word for 32-bit ABIs, of the value as well.
  const cut = (number: bigint): bigint => (bits === 32 ? BigInt.asUintN(32, number) : number);
  return { index: arg.index, op, value: cut(value), valueTwo: cut(valueTwo), bits };
}

function comparison(op: string): Comparison | undefined {
  switch (op) {
    case 'SCMP_CMP_NE':
      return 'NE';
    case 'SCMP_CMP_LT':
      return 'LT';
    case 'SCMP_CMP_LE':
      return 'LE';
    case 'SCMP_CMP_EQ':
      return 'EQ';
    case 'SCMP_CMP_GE':
      return 'GE';
    case 'SCMP_CMP_GT':
      return 'GT';
    case 'SCMP_CMP_MASKED_EQ':
      return 'MASKED_EQ';
    default:
      return undefined;
  }
}

function unsigned(value: number | bigint, where: string): bigint {
  if (typeof value === 'number' && !Number.isInteger(value)) throw errors.argumentValue(where, String(value));
  const exact = BigInt(value);
  if (exact < 0n || exact > MAX_U64) throw errors.argumentValue(where, String(value));
  return exact;
}

/** compat: libseccomp cannot see the arguments behind the pointer of socketcall and ipc: only the selector counts. */
function selector(table: SyscallTable, name: string): { number: number; condition: Condition } | undefined {
  const entry = table.multiplexed && Object.hasOwn(table.multiplexed, name) ? table.multiplexed[name] : undefined;
  const number = entry && syscallNumber(table, entry.call);
  if (entry === undefined || number === undefined) return undefined;
  return { number, condition: { index: 0, op: 'EQ', value: BigInt(entry.selector), valueTwo: 0n, bits: 32 } };
}
