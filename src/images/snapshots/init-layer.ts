/**
 * The layer between image and container: empty files and folders to mount on, so that no container has to make them
 * in its own layer. One for all containers, made once.
 *
 * compat: the names and modes of Docker's init layer.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';

const FOLDERS = ['dev', 'dev/pts', 'dev/shm', 'etc', 'proc', 'sys'] as const;
const FILES = ['.dockerenv', 'dev/console', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf'] as const;

/** The layer's folder, `<dataRoot>/init-layer/diff`; made under another name first, so it is whole or not there. */
export function makeInitLayer(dataRoot: string): string {
  const path = `${dataRoot}/init-layer`;
  for (const name of readdirSync(dataRoot)) {
    if (name.startsWith('init-layer.tmp-')) rmSync(`${dataRoot}/${name}`, { recursive: true, force: true });
  }
  if (existsSync(`${path}/diff`)) return `${path}/diff`;
  const temporary = `${path}.tmp-${randomBytes(8).toString('hex')}`;
  mkdirSync(temporary, { mode: 0o700 });
  for (const name of ['', ...FOLDERS]) make(`${temporary}/diff/${name}`, (folder) => mkdirSync(folder));
  for (const name of FILES) make(`${temporary}/diff/${name}`, (file) => writeFileSync(file, ''));
  symlinkSync('/proc/mounts', `${temporary}/diff/etc/mtab`);
  renameSync(temporary, path);
  return `${path}/diff`;
}

/** A folder with nothing in it, made once. */
export function makeEmptyFolder(dataRoot: string): string {
  const path = `${dataRoot}/init-layer/empty`;
  mkdirSync(path, { recursive: true });
  return path;
}

/** The mode whatever the process's umask is. */
function make(path: string, create: (path: string) => void): void {
  create(path);
  chmodSync(path, 0o755);
}
