/** One daemon per data root: a lock the kernel lets go of when its holder dies, whatever way. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { defineErrors } from '#base';

const errors = defineErrors('daemon', {
  locked: {
    kind: 'conflict',
    message: (folder: string, holder: string) =>
      `the data root ${folder} is in use by another daemon${holder}: stop it, or give this one its own --data-root`,
  },
});

/** Takes the lock of the folder, which is made. Throws `daemon.locked` naming the holder. */
export function lockFolder(folder: string): Disposable {
  mkdirSync(folder, { recursive: true, mode: 0o710 });
  const path = `${folder}/lock.db`;
  // SQLite's locks are fcntl locks: they cost nothing, and none outlives its process.
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch {
    database.close();
    throw errors.locked(folder, holderOf(folder));
  }
  writeFileSync(`${folder}/lock.pid`, `${process.pid}\n`);
  return { [Symbol.dispose]: () => database.close() };
}

function holderOf(folder: string): string {
  try {
    return ` (pid ${readFileSync(`${folder}/lock.pid`, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
