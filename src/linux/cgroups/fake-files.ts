/**
 * A cgroup file system in memory: folders get their files from a template when they are made, as in the kernel.
 */
import { posix } from 'node:path';
import { SyscallError } from '#base';
import type { CgroupFiles } from './files.ts';

/** Content of the files of a new folder. */
export type Template = (folder: string) => Readonly<Record<string, string>>;

/** Called before a write takes effect; throws to refuse it, may change other files. */
export type OnWrite = (path: string, value: string) => void;

export class FakeFiles implements CgroupFiles {
  readonly folders = new Map<string, Map<string, string>>();
  /** Everything that was written, made and removed, in order. */
  readonly log: string[] = [];
  readonly #template: Template;
  readonly #onWrite: OnWrite;

  constructor(template: Template, onWrite: OnWrite = () => {}) {
    this.#template = template;
    this.#onWrite = onWrite;
  }

  /** Makes a folder that was there before, with extra files; nothing is logged. */
  prepare(folder: string, extra: Readonly<Record<string, string>> = {}): void {
    this.folders.set(folder, new Map(Object.entries({ ...this.#template(folder), ...extra })));
  }

  /** Sets a file's content, as the kernel would. */
  set(path: string, value: string): void {
    this.#folder('write', posix.dirname(path)).set(posix.basename(path), value);
  }

  read(path: string): string {
    const value = this.#folder('read', posix.dirname(path)).get(posix.basename(path));
    if (value === undefined) throw new SyscallError('read', 'ENOENT', path);
    return value;
  }

  write(path: string, value: string): void {
    const folder = this.#folder('write', posix.dirname(path));
    if (!folder.has(posix.basename(path))) throw new SyscallError('write', 'ENOENT', path);
    this.#onWrite(path, value);
    folder.set(posix.basename(path), value);
    this.log.push(`${path} ${value}`);
  }

  mkdir(path: string): void {
    if (this.folders.has(path)) throw new SyscallError('mkdir', 'EEXIST', path);
    this.#folder('mkdir', posix.dirname(path));
    this.folders.set(path, new Map(Object.entries(this.#template(path))));
    this.log.push(`mkdir ${path}`);
  }

  rmdir(path: string): void {
    const folder = this.#folder('rmdir', path);
    if (this.list(path).length > 0 || (folder.get('cgroup.procs') ?? '') !== '') {
      throw new SyscallError('rmdir', 'EBUSY', path);
    }
    this.folders.delete(path);
    this.log.push(`rmdir ${path}`);
  }

  list(path: string): string[] {
    this.#folder('readdir', path);
    return [...this.folders.keys()].filter((name) => posix.dirname(name) === path).map((name) => posix.basename(name));
  }

  #folder(call: string, path: string): Map<string, string> {
    const folder = this.folders.get(path);
    if (folder === undefined) throw new SyscallError(call, 'ENOENT', path);
    return folder;
  }
}
