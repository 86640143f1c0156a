/**
 * Users and passwords in an htpasswd file, asked for by HTTP's Basic authentication.
 *
 * The file is read again when it changes. bcrypt is made to be slow, so a password that was right is remembered by its
 * keyed hash until the file changes, and one is computed at a time: a flood of wrong ones must not take the processor.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { compare } from 'bcryptjs';
import { defineErrors, KeyedMutex, messageOf } from '#base';

const errors = defineErrors('htpasswd', {
  cannotRead: { kind: 'invalid', message: (path: string, why: string) => `cannot read ${path}: ${why}` },
  badLine: {
    kind: 'invalid',
    message: (path: string, line: number) => `${path}, line ${line}: not of the form user:hash`,
  },
  notBcrypt: {
    kind: 'invalid',
    message: (path: string, line: number, user: string) =>
      `${path}, line ${line}: the password of '${user}' is not hashed with bcrypt: make it with 'htpasswd -B'`,
  },
});

/** Of a password nobody has: someone unknown is refused as slowly as someone known. */
const NOBODY = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;
const MAX_REMEMBERED = 1000;

export interface Authentication {
  /** For the challenge. */
  readonly realm: string;
  /** The user an `Authorization` header proves, undefined when it proves nobody. */
  verify(header: string | undefined): Promise<string | undefined>;
}

/** Users by name with their hashes. Throws `htpasswd.badLine`, `htpasswd.notBcrypt`. */
export function parseHtpasswd(text: string, path: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, user, hash] = /^([^:]+):(.*)$/.exec(line) ?? [];
    if (user === undefined || hash === undefined) throw errors.badLine(path, index + 1);
    if (!BCRYPT.test(hash)) throw errors.notBcrypt(path, index + 1, user);
    users.set(user, hash);
  }
  return users;
}

/** Reads the file now. Throws `htpasswd.*`; later on a file that cannot be read leaves the users as they were. */
export function openHtpasswd(path: string, realm: string, onProblem: (error: unknown) => void): Authentication {
  const file = new HtpasswdFile(path, onProblem);
  return { realm, verify: (header) => file.verify(header) };
}

class HtpasswdFile {
  readonly #path: string;
  readonly #onProblem: (error: unknown) => void;
  readonly #secret = randomBytes(32);
  readonly #turns = new KeyedMutex();
  #users: Map<string, string>;
  #version: string;
  /** By user: the keyed hash of the password that was right. */
  #remembered = new Map<string, Buffer>();

  constructor(path: string, onProblem: (error: unknown) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
    this.#version = versionOf(path);
    this.#users = read(path);
  }

  async verify(header: string | undefined): Promise<string | undefined> {
    const [user, password] = parseBasic(header) ?? [];
    if (user === undefined || password === undefined) return undefined;
    this.#refresh();
    const proof = createHmac('sha256', this.#secret).update(`${user}\0${password}`).digest();
    const known = this.#remembered.get(user);
    if (known && timingSafeEqual(known, proof)) return user;
    const users = this.#users;
    const isRight = await this.#turns.run('bcrypt', () => compare(password, users.get(user) ?? NOBODY));
    if (!isRight || !users.has(user)) return undefined;
    // Not when the file has changed meanwhile.
    if (users === this.#users && this.#remembered.size < MAX_REMEMBERED) this.#remembered.set(user, proof);
    return user;
  }

  #refresh(): void {
    try {
      const version = versionOf(this.#path);
      if (version === this.#version) return;
      this.#version = version;
      this.#users = read(this.#path);
      this.#remembered = new Map();
    } catch (error) {
      this.#onProblem(error);
    }
  }
}

function read(path: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw errors.cannotRead(path, messageOf(error));
  }
  return parseHtpasswd(text, path);
}

function versionOf(path: string): string {
  const { mtimeMs, size, ino } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return `${mtimeMs} ${size} ${ino}`;
}

function parseBasic(header: string | undefined): [string, string] | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 1 ? undefined : [text.slice(0, colon), text.slice(colon + 1)];
}
