/**
 * Runs classic BPF on a struct seccomp_data as the kernel does, to check filters without a kernel.
 *
 * A program is verified first with the rules of bpf_check_classic() and seccomp_check_filter()
 * (net/core/filter.c, kernel/seccomp.c): what is refused here the kernel refuses with EINVAL.
 */
import { type Instruction, MAX_INSTRUCTIONS } from './classic.ts';

/** struct seccomp_data. */
export interface SeccompData {
  /** System call number, unsigned 32-bit. */
  readonly nr: number;
  /** AUDIT_ARCH_ constant. */
  readonly arch: number;
  readonly instructionPointer?: bigint;
  /** Up to six unsigned 64-bit arguments; missing ones are 0. */
  readonly args?: readonly bigint[];
}

/** What a run gave: the action of the filter and how many instructions it took. */
export interface RunResult {
  readonly action: number;
  readonly steps: number;
}

const DATA_BYTES = 64;
const MEMORY_WORDS = 16;

/** Runs a program. Throws RangeError for one that the kernel would not load. */
export function runClassic(program: readonly Instruction[], data: SeccompData): RunResult {
  verifyClassic(program);
  return execute(program, seccompData(data));
}

/** The same for many inputs: the program is verified once. */
export function loadClassic(program: readonly Instruction[]): (data: SeccompData) => RunResult {
  verifyClassic(program);
  return (data) => execute(program, seccompData(data));
}

/** Throws RangeError naming the instruction that makes the kernel refuse the program. */
export function verifyClassic(program: readonly Instruction[]): void {
  if (program.length === 0 || program.length > MAX_INSTRUCTIONS) {
    throw new RangeError(`a BPF program of ${program.length} instructions (1 ... ${MAX_INSTRUCTIONS} are allowed)`);
  }
  for (const [index, instruction] of program.entries()) {
    const reason = refusal(instruction, index, program.length);
    if (reason) throw new RangeError(`BPF instruction ${index} (code 0x${instruction.code.toString(16)}): ${reason}`);
  }
  const last = program[program.length - 1];
  if (last === undefined || (last.code !== 0x06 && last.code !== 0x16)) {
    throw new RangeError('a BPF program must end with a return');
  }
  verifyMemory(program);
}

const ALU = {
  ADD: 0x00,
  SUB: 0x10,
  MUL: 0x20,
  DIV: 0x30,
  OR: 0x40,
  AND: 0x50,
  LSH: 0x60,
  RSH: 0x70,
  NEG: 0x80,
  XOR: 0xa0,
};
const SOURCE_X = 0x08;
const ALU_OPERATIONS: ReadonlySet<number> = new Set(Object.values(ALU));

function refusal({ code, jt, jf, k }: Instruction, index: number, length: number): string | undefined {
  switch (code) {
    case 0x20: // ld [k]
      return k % 4 !== 0 || k >= DATA_BYTES ? `loads outside of seccomp_data or unaligned: ${k}` : undefined;
    case 0x00: // ld #k
    case 0x01: // ldx #k
    case 0x80: // ld #len, rewritten to sizeof(struct seccomp_data)
    case 0x81:
    case 0x06: // ret #k
    case 0x16: // ret a
    case 0x07: // tax
    case 0x87: // txa
      return undefined;
    case 0x60: // ld M[k]
    case 0x61:
    case 0x02: // st
    case 0x03: // stx
      return k >= MEMORY_WORDS ? `memory word ${k} does not exist` : undefined;
    case 0x05: // ja
      return k >= length - index - 1 ? `jumps to ${index + 1 + k}, behind the end` : undefined;
    default:
      break;
  }
  if ((code & 0x07) === 0x05 && [0x10, 0x20, 0x30, 0x40].includes(code & 0xf0) && code <= 0x4d) {
    const far = Math.max(jt, jf);
    return index + far + 1 >= length ? `jumps to ${index + 1 + far}, behind the end` : undefined;
  }
  if ((code & 0x07) === 0x04 && code <= 0xff && ALU_OPERATIONS.has(code & 0xf0)) {
    const constant = (code & SOURCE_X) === 0;
    if (constant && (code & 0xf0) === ALU.DIV && k === 0) return 'divides by zero';
    const shift = (code & 0xf0) === ALU.LSH || (code & 0xf0) === ALU.RSH;
    if (constant && shift && k >= 32) return `shifts by ${k} bits`;
    return undefined;
  }
  return 'not allowed in a seccomp filter';
}

/** kernel: check_load_and_stores(): a word of memory may only be read where every path has written it. */
function verifyMemory(program: readonly Instruction[]): void {
  const reached = new Map<number, number>();
  let valid = 0;
  const meet = (target: number, words: number): void => {
    reached.set(target, (reached.get(target) ?? 0xffff) & words);
  };
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    valid &= reached.get(index) ?? 0xffff;
    if (code === 0x02 || code === 0x03) valid |= 1 << k;
    else if ((code === 0x60 || code === 0x61) && (valid & (1 << k)) === 0) {
      throw new RangeError(`BPF instruction ${index}: memory word ${k} is read before it is written`);
    } else if (code === 0x05) {
      meet(index + 1 + k, valid);
      valid = 0xffff;
    } else if ((code & 0x07) === 0x05) {
      meet(index + 1 + jt, valid);
      meet(index + 1 + jf, valid);
      valid = 0xffff;
    }
  }
}

function seccompData({ nr, arch, instructionPointer = 0n, args = [] }: SeccompData): DataView {
  const view = new DataView(new ArrayBuffer(DATA_BYTES));
  view.setUint32(0, nr >>> 0, true);
  view.setUint32(4, arch >>> 0, true);
  view.setBigUint64(8, instructionPointer, true);
  for (const [index, value] of args.entries()) view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true);
  return view;
}

function execute(program: readonly Instruction[], data: DataView): RunResult {
  const memory = new Uint32Array(MEMORY_WORDS);
  let a = 0;
  let x = 0;
  for (let at = 0, steps = 1; ; at += 1, steps += 1) {
    const { code, jt, jf, k } = program[at] as Instruction;
    switch (code) {
      case 0x20:
        a = data.getUint32(k, true);
        continue;
      case 0x00:
        a = k;
        continue;
      case 0x01:
        x = k;
        continue;
      case 0x80:
        a = DATA_BYTES;
        continue;
      case 0x81:
        x = DATA_BYTES;
        continue;
      case 0x60:
        a = memory[k] as number;
        continue;
      case 0x61:
        x = memory[k] as number;
        continue;
      case 0x02:
        memory[k] = a;
        continue;
      case 0x03:
        memory[k] = x;
        continue;
      case 0x07:
        x = a;
        continue;
      case 0x87:
        a = x;
        continue;
      case 0x06:
        return { action: k, steps };
      case 0x16:
        return { action: a, steps };
      case 0x05:
        at += k;
        continue;
      default:
        break;
    }
    const operand = (code & SOURCE_X) === 0 ? k : x;
    if ((code & 0x07) === 0x05) {
      at += compare(code & 0xf0, a, operand) ? jt : jf;
      continue;
    }
    // kernel: a division by a zero X ends the program with 0.
    if ((code & 0xf0) === ALU.DIV && operand === 0) return { action: 0, steps };
    a = compute(code & 0xf0, a, operand);
  }
}

function compare(operation: number, a: number, operand: number): boolean {
  switch (operation) {
    case 0x10:
      return a === operand;
    case 0x20:
      return a > operand;
    case 0x30:
      return a >= operand;
    default:
      return (a & operand) !== 0;
  }
}

function compute(operation: number, a: number, operand: number): number {
  switch (operation) {
    case ALU.ADD:
      return (a + operand) >>> 0;
    case ALU.SUB:
      return (a - operand) >>> 0;
    case ALU.MUL:
      return Math.imul(a, operand) >>> 0;
    case ALU.DIV:
      return Math.floor(a / operand);
    case ALU.OR:
      return (a | operand) >>> 0;
    case ALU.AND:
      return (a & operand) >>> 0;
    case ALU.LSH:
      return operand > 31 ? 0 : (a << operand) >>> 0;
    case ALU.RSH:
      return operand > 31 ? 0 : a >>> operand;
    case ALU.NEG:
      return -a >>> 0;
    default:
      return (a ^ operand) >>> 0;
  }
}
