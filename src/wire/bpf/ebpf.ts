/**
 * Extended BPF: as much of the instruction set as a device filter needs, to bytes, and an interpreter for tests.
 *
 * Source: the kernel's Documentation/bpf/standardization/instruction-set.rst.
 */

/** struct bpf_insn. */
export interface ExtendedInstruction {
  readonly code: number;
  readonly destination: number;
  readonly source: number;
  /** Signed; jumps count from the next instruction. */
  readonly offset: number;
  /** Signed 32-bit. */
  readonly immediate: number;
}

/** destination = 32 bits at [source + offset]. */
export const LOAD_WORD = 0x61;
export const MOVE_IMMEDIATE = 0xb4;
export const MOVE_REGISTER = 0xbc;
export const AND_IMMEDIATE = 0x54;
export const SHIFT_RIGHT_IMMEDIATE = 0x74;
export const JUMP_EQUAL_IMMEDIATE = 0x15;
export const JUMP_NOT_EQUAL_IMMEDIATE = 0x55;
export const EXIT = 0x95;

/** An instruction with what it does not use left zero. */
export function extended(code: number, fields: Partial<Omit<ExtendedInstruction, 'code'>> = {}): ExtendedInstruction {
  return { code, destination: 0, source: 0, offset: 0, immediate: 0, ...fields };
}

/** An array of struct bpf_insn, little-endian. */
export function encodeExtended(program: readonly ExtendedInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, destination, source, offset, immediate }] of program.entries()) {
    const at = index * 8;
    view.setUint8(at, code);
    view.setUint8(at + 1, destination | (source << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, immediate, true);
  }
  return bytes;
}

/** The reverse of encodeExtended. Throws RangeError when the length is not a multiple of 8. */
export function decodeExtended(bytes: Uint8Array): ExtendedInstruction[] {
  if (bytes.length % 8 !== 0) throw new RangeError(`an eBPF program of ${bytes.length} bytes is cut off`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const program: ExtendedInstruction[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    program.push({
      code: view.getUint8(at),
      destination: view.getUint8(at + 1) & 0x0f,
      source: view.getUint8(at + 1) >> 4,
      offset: view.getInt16(at + 2, true),
      immediate: view.getInt32(at + 4, true),
    });
  }
  return program;
}

/**
 * Runs a program on a context of 32-bit words; gives r0. Like the verifier it throws RangeError on instructions it
 * does not know, registers read before they are written, loads outside of the context, jumps backwards or out of
 * the program, and a missing exit; unlike the verifier only where the run comes by.
 */
export function runExtended(program: readonly ExtendedInstruction[], context: readonly number[]): number {
  const registers: (number | undefined)[] = Array.from({ length: 11 });
  const read = (register: number, at: number): number => {
    const value = registers[register];
    if (value === undefined) throw new RangeError(`instruction ${at} reads r${register} before it is written`);
    return value;
  };
  for (let at = 0; at < program.length; at++) {
    const { code, destination, source, offset, immediate } = program[at] as ExtendedInstruction;
    switch (code) {
      case LOAD_WORD: {
        const word = context[offset / 4];
        // r1 is the pointer to the context; this interpreter has no other memory.
        if (source !== 1 || word === undefined) throw new RangeError(`instruction ${at} loads outside of the context`);
        registers[destination] = word >>> 0;
        break;
      }
      case MOVE_IMMEDIATE:
        registers[destination] = immediate >>> 0;
        break;
      case MOVE_REGISTER:
        registers[destination] = read(source, at);
        break;
      case AND_IMMEDIATE:
        registers[destination] = (read(destination, at) & immediate) >>> 0;
        break;
      case SHIFT_RIGHT_IMMEDIATE:
        registers[destination] = read(destination, at) >>> immediate;
        break;
      case JUMP_EQUAL_IMMEDIATE:
      case JUMP_NOT_EQUAL_IMMEDIATE:
        if (offset < 0) throw new RangeError(`instruction ${at} jumps backwards`);
        if ((read(destination, at) === immediate) === (code === JUMP_EQUAL_IMMEDIATE)) at += offset;
        break;
      case EXIT:
        return read(0, at);
      default:
        throw new RangeError(`instruction ${at} has the unknown code 0x${code.toString(16)}`);
    }
  }
  throw new RangeError('the program runs past its end');
}
