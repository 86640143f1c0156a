/**
 * Classic BPF: the instruction set of seccomp filters, to bytes and to text.
 *
 * Source: the kernel's Documentation/networking/filter.rst and include/uapi/linux/{bpf_common,filter}.h.
 */

/** struct sock_filter. `jt` and `jf` count the instructions to skip when the comparison holds or not. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  /** Unsigned 32-bit. */
  readonly k: number;
}

/** BPF_MAXINSNS: the longest program the kernel takes. */
export const MAX_INSTRUCTIONS = 4096;

/** The codes a filter of ours is made of; the interpreter knows the rest as well. */
export const LOAD_ABSOLUTE = 0x20;
export const JUMP_ALWAYS = 0x05;
export const JUMP_EQUAL = 0x15;
export const JUMP_GREATER = 0x25;
export const JUMP_GREATER_EQUAL = 0x35;
export const JUMP_ANY_BIT = 0x45;
export const AND = 0x54;
export const RETURN = 0x06;

/** Bytes of one encoded instruction. */
export const INSTRUCTION_BYTES = 8;

/** An instruction without jump targets. */
export function statement(code: number, k: number): Instruction {
  return { code, jt: 0, jf: 0, k: k >>> 0 };
}

/** A conditional jump; `jt` and `jf` are 0 ... 255. */
export function jump(code: number, k: number, jt: number, jf: number): Instruction {
  return { code, jt, jf, k: k >>> 0 };
}

/** An array of struct sock_filter, little-endian. */
export function encodeClassic(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jt);
    view.setUint8(at + 3, jf);
    view.setUint32(at + 4, k, true);
  }
  return bytes;
}

/** The reverse of encodeClassic. Throws RangeError when the length is not a multiple of 8. */
export function decodeClassic(bytes: Uint8Array): Instruction[] {
  if (bytes.length % INSTRUCTION_BYTES !== 0) throw new RangeError(`a BPF program of ${bytes.length} bytes is cut off`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const program: Instruction[] = [];
  for (let at = 0; at < bytes.length; at += INSTRUCTION_BYTES) {
    program.push({
      code: view.getUint16(at, true),
      jt: view.getUint8(at + 2),
      jf: view.getUint8(at + 3),
      k: view.getUint32(at + 4, true),
    });
  }
  return program;
}

const MNEMONICS: Readonly<Record<number, string>> = {
  [LOAD_ABSOLUTE]: 'ld',
  [JUMP_ALWAYS]: 'ja',
  [JUMP_EQUAL]: 'jeq',
  [JUMP_GREATER]: 'jgt',
  [JUMP_GREATER_EQUAL]: 'jge',
  [JUMP_ANY_BIT]: 'jset',
  [AND]: 'and',
  [RETURN]: 'ret',
};

/** One line per instruction with absolute targets, for people and golden files. */
export function disassembleClassic(program: readonly Instruction[]): string {
  return program.map((instruction, index) => `${index}: ${formatInstruction(instruction, index)}\n`).join('');
}

function formatInstruction({ code, jt, jf, k }: Instruction, index: number): string {
  const name = MNEMONICS[code] ?? `0x${code.toString(16)}`;
  if (code === LOAD_ABSOLUTE) return `${name} [${k}]`;
  if (code === JUMP_ALWAYS) return `${name} ${index + 1 + k}`;
  const value = `0x${k.toString(16)}`;
  if ((code & 0x07) === 0x05) return `${name} ${value} ${index + 1 + jt} ${index + 1 + jf}`;
  return `${name} ${value}`;
}
