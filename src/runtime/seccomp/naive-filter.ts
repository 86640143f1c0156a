/**
 * Answers what a profile says about one call by reading it rule by rule: the judge of the compiler in tests.
 *
 * Written from the documents of libseccomp and runc and not from the compiler: no tree, no BPF, BigInt arithmetic.
 */
import type { Seccomp, SeccompAction, SeccompArg } from '#specs';
import type { SyscallTable } from '#wire';

/** One call, as a program of the given ABI makes it. */
export interface Call {
  readonly abi: string;
  readonly nr: number;
  readonly args: readonly bigint[];
}

/** An action with its number, such as `ERRNO 1`. */
export type Verdict = string;

/** What a filter with `config` does with a call. `abis` are the ABIs of the filter that share the call's audit arch. */
export function judge(config: Seccomp, tables: Readonly<Record<string, SyscallTable>>, call: Call): Verdict {
  const table = tables[call.abi];
  if (table === undefined) return 'KILL_THREAD';
  const fallback = verdict(config.defaultAction, config.defaultErrnoRet);
  const names = namesOf(table).get(call.nr) ?? new Set();
  for (const rule of config.syscalls ?? []) {
    const answer = verdict(rule.action, rule.errnoRet);
    if (answer === fallback) continue;
    for (const name of rule.names) {
      const direct = names.has(name) && holds(rule.args ?? [], name, table, call.args);
      const entry = Object.hasOwn(table.multiplexed ?? {}, name) ? table.multiplexed?.[name] : undefined;
      const known = Object.hasOwn(table.numbers, name);
      const through =
        known && entry !== undefined && names.has(entry.call) && low32(call.args[0] ?? 0n) === BigInt(entry.selector);
      if (direct || through) return answer;
    }
  }
  return isNewer(config, table, call.nr) ? newerVerdict(config, fallback) : fallback;
}

function verdict(action: SeccompAction, errnoRet: number | undefined): Verdict {
  const name = action.slice('SCMP_ACT_'.length);
  if (name === 'KILL') return 'KILL_THREAD';
  return name === 'ERRNO' || name === 'TRACE' ? `${name} ${errnoRet ?? 1}` : name;
}

function holds(args: readonly SeccompArg[], name: string, table: SyscallTable, values: readonly bigint[]): boolean {
  const results = args.map((arg) => compare(arg, name, table, values[arg.index] ?? 0n));
  const indexes = args.map((arg) => arg.index);
  const repeated = indexes.some((index, position) => indexes.indexOf(index) !== position);
  return repeated ? results.includes(true) : !results.includes(false);
}

function compare(arg: SeccompArg, name: string, table: SyscallTable, whole: bigint): boolean {
  const narrow = table.argumentBits === 32 || table.narrowArguments?.[name]?.includes(arg.index) === true;
  const cut = (value: bigint): bigint => (narrow ? low32(value) : value);
  const value = cut(whole);
  const one = cut(BigInt(arg.value));
  const two = cut(BigInt(arg.valueTwo ?? 0));
  const answers = {
    SCMP_CMP_NE: value !== one,
    SCMP_CMP_LT: value < one,
    SCMP_CMP_LE: value <= one,
    SCMP_CMP_EQ: value === one,
    SCMP_CMP_GE: value >= one,
    SCMP_CMP_GT: value > one,
    SCMP_CMP_MASKED_EQ: (value & one) === two,
  };
  return answers[arg.op];
}

/** Above every number the profile names for this ABI, private calls aside. */
function isNewer(config: Seccomp, table: SyscallTable, nr: number): boolean {
  const isPrivate = (number: number): boolean => table.privateFrom !== undefined && number >= table.privateFrom;
  return !isPrivate(nr) && nr > newest(config, table, isPrivate);
}

/** Kept per profile and table, because tests ask thousands of times. */
const newestKept = new WeakMap<Seccomp, Map<SyscallTable, number>>();

function newest(config: Seccomp, table: SyscallTable, isPrivate: (number: number) => boolean): number {
  const kept = newestKept.get(config) ?? new Map<SyscallTable, number>();
  newestKept.set(config, kept);
  const names = (): string[] => (config.syscalls ?? []).flatMap((rule) => rule.names);
  const numbers = (): number[] =>
    names().map((name) => (Object.hasOwn(table.numbers, name) ? (table.numbers[name] ?? -1) : -1));
  const value = kept.get(table) ?? Math.max(-1, ...numbers().filter((number) => !isPrivate(number)));
  kept.set(table, value);
  return value;
}

const namesKept = new WeakMap<SyscallTable, Map<number, Set<string>>>();

function namesOf(table: SyscallTable): Map<number, Set<string>> {
  let names = namesKept.get(table);
  if (names === undefined) {
    names = new Map();
    for (const [name, number] of Object.entries(table.numbers)) {
      names.set(number, (names.get(number) ?? new Set()).add(name));
    }
    namesKept.set(table, names);
  }
  return names;
}

function newerVerdict(config: Seccomp, fallback: Verdict): Verdict {
  const permissive = ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRACE'].includes(config.defaultAction);
  return permissive ? fallback : 'ERRNO 38';
}

function low32(value: bigint): bigint {
  return value & 0xffff_ffffn;
}

/** A SECCOMP_RET_ value in the judge's words. */
export function describeReturn(value: number): Verdict {
  const data = value & 0xffff;
  switch (value & 0xffff0000) {
    case 0x80000000 | 0:
      return 'KILL_PROCESS';
    case 0x00000000:
      return 'KILL_THREAD';
    case 0x00030000:
      return 'TRAP';
    case 0x00050000:
      return `ERRNO ${data}`;
    case 0x7fc00000:
      return 'NOTIFY';
    case 0x7ff00000:
      return `TRACE ${data}`;
    case 0x7ffc0000:
      return 'LOG';
    case 0x7fff0000:
      return 'ALLOW';
    default:
      return `unknown 0x${value.toString(16)}`;
  }
}
