/**
 * The user's own files, read and written by the user's rights.
 *
 * A daemon runs commands for others, with its own rights: it has none of these files, and says that the command takes a
 * process of the user's own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export interface UserFiles {
  /** Throws Node's errors. */
  read(path: string): Buffer;
  exists(path: string): boolean;
  /** Throws Node's errors, EEXIST among them. */
  create(path: string, content: string): void;
  /** Before a step that reads them somewhere else, such as credentials, and before anything of it is told. */
  require(): void;
}

export const userFiles: UserFiles = {
  read: (path) => readFileSync(path),
  exists: existsSync,
  create: (path, content) => writeFileSync(path, content, { flag: 'wx' }),
  require: () => {},
};

/** No failure: the same command line has to be run elsewhere. Thrown before the command has changed anything. */
export class NeedsOwnProcess extends Error {
  constructor() {
    super('this command needs a process of its own');
    this.name = 'NeedsOwnProcess';
  }
}

const refuse = (): never => {
  throw new NeedsOwnProcess();
};

export const noFiles: UserFiles = { read: refuse, exists: refuse, create: refuse, require: refuse };
