/** Go's os.FileMode, as it is sent with files, and what a tar says of the same. */
import type { TarEntryType } from './tar/entry.ts';

const bit = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  character: 2 ** 21,
  sticky: 2 ** 20,
} as const;

const has = (mode: number, name: keyof typeof bit): boolean => Math.floor(mode / bit[name]) % 2 === 1;

/** Undefined for a socket, which no image has. */
export function typeOfGoMode(mode: number): Exclude<TarEntryType, 'hard-link'> | undefined {
  if (has(mode, 'directory')) return 'directory';
  if (has(mode, 'symlink')) return 'symlink';
  if (has(mode, 'device')) return has(mode, 'character') ? 'character-device' : 'block-device';
  if (has(mode, 'fifo')) return 'fifo';
  return has(mode, 'socket') ? undefined : 'file';
}

/** Linux's permission bits with setuid, setgid and sticky. */
export function permissionsOfGoMode(mode: number): number {
  return (
    (mode % 0o1000) +
    (has(mode, 'setuid') ? 0o4000 : 0) +
    (has(mode, 'setgid') ? 0o2000 : 0) +
    (has(mode, 'sticky') ? 0o1000 : 0)
  );
}

/** What Go calls a type and permission bits of Linux. */
export function goModeOf(mode: number): number {
  const types: Readonly<Record<number, number>> = {
    0o040000: bit.directory,
    0o120000: bit.symlink,
    0o020000: bit.device + bit.character,
    0o060000: bit.device,
    0o010000: bit.fifo,
    0o140000: bit.socket,
  };
  return (
    (types[mode & 0o170000] ?? 0) +
    (mode & 0o777) +
    ((mode & 0o4000) !== 0 ? bit.setuid : 0) +
    ((mode & 0o2000) !== 0 ? bit.setgid : 0) +
    ((mode & 0o1000) !== 0 ? bit.sticky : 0)
  );
}
