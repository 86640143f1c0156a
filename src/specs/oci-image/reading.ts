/** Reads fields of foreign JSON: each reader says where a value stands and what it should have been. */
import { type Digest, parseDigest } from '#base';
import { errors } from './errors.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A document of at most this depth; deeper JSON is an attack on whoever walks it. */
const MAX_DEPTH = 64;

/** Parses bytes as a JSON object. Throws `oci.notJson`, `oci.malformed`, `oci.tooDeep`. */
export function parseDocument(bytes: Uint8Array | string, what: string): Json {
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes, what);
  if (depthOf(text) > MAX_DEPTH) throw errors.tooDeep(what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw errors.notJson(what, error instanceof Error ? error.message : String(error));
  }
  if (!isObject(value)) throw errors.malformed(what, 'the document', 'is no JSON object');
  return value;
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw errors.notJson(what, 'it is no UTF-8');
  }
}

/** The deepest nesting of brackets outside of strings. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x5c) at += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, (depth += 1));
    else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return deepest;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Fields of one object of a document: `what` names the document, `where` the object in it. */
export class Fields {
  readonly #what: string;
  readonly #where: string;
  readonly value: Json;

  constructor(value: unknown, what: string, where: string) {
    if (!isObject(value)) throw errors.malformed(what, where, 'is no JSON object');
    this.value = value;
    this.#what = what;
    this.#where = where;
  }

  fail(key: string, why: string): Error {
    return errors.malformed(this.#what, this.#where === '' ? key : `${this.#where}.${key}`, why);
  }

  /** Null counts as absent, as it does for Go. */
  #get(key: string): unknown {
    return Object.hasOwn(this.value, key) ? (this.value[key] ?? undefined) : undefined;
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value !== undefined && typeof value !== 'string') throw this.fail(key, 'is no string');
    return value;
  }

  requiredText(key: string): string {
    const value = this.text(key);
    if (value === undefined || value === '') throw this.fail(key, 'is missing');
    return value;
  }

  bool(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value !== undefined && typeof value !== 'boolean') throw this.fail(key, 'is no boolean');
    return value;
  }

  /** A whole number from 0 to 2^53. */
  size(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
      throw this.fail(key, `is no size: ${JSON.stringify(value)}`);
    }
    return value;
  }

  digest(key: string): Digest {
    const text = this.requiredText(key);
    const digest = parseDigest(text);
    if (!digest) throw this.fail(key, `'${text}' is no sha256 or sha512 digest`);
    return digest;
  }

  texts(key: string): readonly string[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
      throw this.fail(key, 'is no list of strings');
    }
    return value as string[];
  }

  /** Texts by name. */
  map(key: string): Readonly<Record<string, string>> | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!isObject(value) || Object.values(value).some((item) => typeof item !== 'string')) {
      throw this.fail(key, 'is no object of strings');
    }
    return value as Record<string, string>;
  }

  /** The names of Go's map[string]struct{}. */
  names(key: string): readonly string[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw this.fail(key, 'is no JSON object');
    return Object.keys(value);
  }

  object(key: string): Fields | undefined {
    const value = this.#get(key);
    return value === undefined ? undefined : new Fields(value, this.#what, this.#path(key));
  }

  requiredObject(key: string): Fields {
    const found = this.object(key);
    if (!found) throw this.fail(key, 'is missing');
    return found;
  }

  objects(key: string): Fields[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.fail(key, 'is no list');
    return value.map((item, index) => new Fields(item, this.#what, `${this.#path(key)}[${index}]`));
  }

  #path(key: string): string {
    return this.#where === '' ? key : `${this.#where}.${key}`;
  }
}
