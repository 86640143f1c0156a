/**
 * Records: small JSON values by kind and id, kept in one SQLite file in WAL mode.
 *
 * A store is what survives a killed daemon. Every change is one transaction; a batch of changes is all or nothing.
 * The same interface in memory serves tests and embedding without a folder.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { because, defineErrors } from './errors.ts';

const errors = defineErrors('records', {
  noSpace: {
    kind: 'unavailable',
    message: (path: string) => `no space left to write ${path}: make room and try again`,
  },
});

export interface RecordStore<T> {
  get(id: string): T | undefined;
  /** All records, in the order they were first put. */
  list(): T[];
  put(id: string, record: T): void;
  delete(id: string): void;
}

/** Opens stores by kind; closing it closes the file. */
export interface RecordStores {
  /**
   * `keepsRead`: what was read once is given again, the same object, until it is changed. For records that are read many
   * times within one request, and that nobody changes in place.
   */
  of<T>(kind: string, options?: { readonly keepsRead?: boolean }): RecordStore<T>;
  /** Runs the changes in one transaction: all of them stand, or none. */
  atomically<T>(changes: () => T): T;
  /** Changes inside also survive a power cut when this returns; without it they survive a killed daemon. */
  durably<T>(changes: () => T): T;
  /**
   * Takes some megabytes of the disk, so that records can be changed and removed when it is full. Takes some ten
   * milliseconds; on a disk that is full already it does nothing.
   */
  reserveRoom(): void;
  close(): void;
}

/** Stores in one SQLite file; the folder is made. Throws Node's SQLite errors, and `records.noSpace` when the disk is full. */
export function openRecordStores(path: string, limits: { readonly maxPages?: number } = {}): RecordStores {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 2000;
    CREATE TABLE IF NOT EXISTS record (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      kind TEXT NOT NULL,
      id TEXT NOT NULL,
      body TEXT NOT NULL,
      UNIQUE (kind, id)
    );
  `);
  if (limits.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${limits.maxPages}`);
  /** What of it was read may be what was never to be. */
  const forgetAll: (() => void)[] = [];
  const transaction = <T>(changes: () => T): T => {
    if (database.isTransaction) return changes();
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = changes();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite has ended the transaction itself when the disk is full or fails.
      if (database.isTransaction) database.exec('ROLLBACK');
      for (const forget of forgetAll) forget();
      throw refused(path, error);
    }
  };
  return {
    of: <T>(kind: string, { keepsRead = false } = {}) => {
      const store = new SqliteRecordStore<T>(database, kind, path);
      if (!keepsRead) return store;
      const kept = new KeptRecords(store);
      forgetAll.push(() => kept.forget());
      return kept;
    },
    atomically: transaction,
    durably: (changes) => {
      database.exec('PRAGMA synchronous = FULL');
      try {
        return transaction(changes);
      } finally {
        database.exec('PRAGMA synchronous = NORMAL');
      }
    },
    reserveRoom: () => reserveRoom(database),
    close: () => database.close(),
  };
}

/** More than the 1000 pages of 4 KiB that are logged before SQLite writes them back. */
const RESERVED_BYTES = 4_300_000;

/** Whoever was killed between the two has left the record. The log keeps its size (it is written over from its beginning, never cut), and the file gets free pages. */
function reserveRoom(database: DatabaseSync): void {
  try {
    database.exec(`
      INSERT OR REPLACE INTO record (kind, id, body) VALUES ('room', '', zeroblob(${RESERVED_BYTES}));
      DELETE FROM record WHERE kind = 'room';
    `);
  } catch (error) {
    if (!isFull(error)) throw error;
  }
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** SQLITE_FULL, or an I/O error of a write, which is what a quota gives. */
function isFull(error: unknown): boolean {
  return [SQLITE_FULL, SQLITE_IOERR].includes(primaryCode(error));
}

function refused(path: string, error: unknown): unknown {
  return primaryCode(error) === SQLITE_FULL ? because(errors.noSpace(path), error) : error;
}

function primaryCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}

class SqliteRecordStore<T> implements RecordStore<T> {
  readonly #kind: string;
  readonly #path: string;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, kind: string, path: string) {
    this.#kind = kind;
    this.#path = path;
    this.#get = database.prepare('SELECT body FROM record WHERE kind = ? AND id = ?');
    this.#list = database.prepare('SELECT body FROM record WHERE kind = ? ORDER BY sequence');
    this.#put = database.prepare(
      'INSERT INTO record (kind, id, body) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body',
    );
    this.#delete = database.prepare('DELETE FROM record WHERE kind = ? AND id = ?');
  }

  get(id: string): T | undefined {
    const row = this.#get.get(this.#kind, id);
    return row === undefined ? undefined : (JSON.parse(String(row['body'])) as T);
  }

  list(): T[] {
    return this.#list.all(this.#kind).map((row) => JSON.parse(String(row['body'])) as T);
  }

  put(id: string, record: T): void {
    this.#change(this.#put, id, JSON.stringify(record));
  }

  delete(id: string): void {
    this.#change(this.#delete, id);
  }

  #change(statement: StatementSync, ...values: readonly string[]): void {
    try {
      statement.run(this.#kind, ...values);
    } catch (error) {
      throw refused(this.#path, error);
    }
  }
}

/** Gives what was read once again, until it is changed. */
class KeptRecords<T> implements RecordStore<T> {
  readonly #store: RecordStore<T>;
  readonly #read = new Map<string, T>();

  constructor(store: RecordStore<T>) {
    this.#store = store;
  }

  get(id: string): T | undefined {
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const record = this.#store.get(id);
    if (record !== undefined) this.#read.set(id, record);
    return record;
  }

  list(): T[] {
    return this.#store.list();
  }

  put(id: string, record: T): void {
    this.#read.delete(id);
    this.#store.put(id, record);
  }

  delete(id: string): void {
    this.#read.delete(id);
    this.#store.delete(id);
  }

  forget(): void {
    this.#read.clear();
  }
}

/** Stores that live as long as the process. Records are copied in and out, as on disk. */
export function memoryRecordStores(): RecordStores {
  const kinds = new Map<string, Map<string, string>>();
  const of = <T>(kind: string): RecordStore<T> => {
    const records = kinds.getOrInsertComputed(kind, () => new Map<string, string>());
    return {
      get: (id) => {
        const body = records.get(id);
        return body === undefined ? undefined : (JSON.parse(body) as T);
      },
      list: () => [...records.values()].map((body) => JSON.parse(body) as T),
      put: (id, record) => void records.set(id, JSON.stringify(record)),
      delete: (id) => void records.delete(id),
    };
  };
  const atomically = <T>(changes: () => T): T => {
    const before = new Map([...kinds].map(([kind, records]) => [kind, new Map(records)]));
    try {
      return changes();
    } catch (error) {
      for (const [kind, records] of kinds) {
        records.clear();
        for (const [id, body] of before.get(kind) ?? []) records.set(id, body);
      }
      throw error;
    }
  };
  return { of, atomically, durably: atomically, reserveRoom: () => {}, close: () => {} };
}
