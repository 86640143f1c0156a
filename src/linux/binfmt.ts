/** Whether the kernel has an interpreter for programs of another machine. kernel: Documentation/admin-guide/binfmt-misc.rst. */
import { readdirSync, readFileSync } from 'node:fs';

const FOLDER = '/proc/sys/fs/binfmt_misc';

/** spec: ELF, e_machine, with the class (1: 32 bits, 2: 64) and byte order (1: little, 2: big). By Go's names. */
const MACHINES: Readonly<Record<string, readonly [machine: number, bits: 1 | 2, order: 1 | 2]>> = {
  '386': [3, 1, 1],
  amd64: [62, 2, 1],
  arm: [40, 1, 1],
  arm64: [183, 2, 1],
  loong64: [258, 2, 1],
  mips64: [8, 2, 2],
  mips64le: [8, 2, 1],
  ppc64le: [21, 2, 1],
  riscv64: [243, 2, 1],
  s390x: [22, 2, 2],
};

/** The first bytes of a program for such a machine; undefined for one that is not known. */
export function elfHeader(architecture: string): Buffer | undefined {
  const facts = MACHINES[architecture];
  if (!facts) return undefined;
  const [machine, bits, order] = facts;
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, bits, order, 1]);
  const executable = 2;
  if (order === 1) {
    header.writeUInt16LE(executable, 16);
    header.writeUInt16LE(machine, 18);
  } else {
    header.writeUInt16BE(executable, 16);
    header.writeUInt16BE(machine, 18);
  }
  return header;
}

/**
 * Whether an entry (the text of its file) interprets programs that begin so, wherever they are: with the flag F the
 * interpreter is open already, without it it would be looked for among the container's files.
 */
export function interprets(entry: string, header: Buffer): boolean {
  const field = (name: string): string => new RegExp(`^${name}:? (.*)$`, 'm').exec(entry)?.[1]?.trim() ?? '';
  if (!/^enabled$/m.test(entry) || !field('flags').includes('F')) return false;
  const magic = Buffer.from(field('magic'), 'hex');
  const mask = Buffer.from(field('mask'), 'hex');
  const offset = Number(field('offset') || 0);
  if (magic.length === 0 || offset + magic.length > header.length) return false;
  return magic.every((byte, at) => {
    const bits = mask.length === 0 ? 0xff : (mask[at] ?? 0xff);
    return ((header[offset + at] ?? 0) & bits) === (byte & bits);
  });
}

/** False, too, where the kernel does not know binfmt_misc. */
export function hasInterpreter(architecture: string, folder = FOLDER): boolean {
  const header = elfHeader(architecture);
  if (!header) return false;
  try {
    if (readFileSync(`${folder}/status`, 'utf8').trim() !== 'enabled') return false;
    const names = readdirSync(folder).filter((name) => name !== 'status' && name !== 'register');
    return names.some((name) => interprets(readFileSync(`${folder}/${name}`, 'utf8'), header));
  } catch {
    return false;
  }
}
