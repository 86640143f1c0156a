/**
 * Docker's contexts: daemons by name, kept where Docker's own client keeps and finds them.
 *
 * compat: `contexts/meta/<sha256 of the name>/meta.json`, and PEM files in `contexts/tls/<same>/<endpoint>/`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoCode, messageOf, writeFileAtomic } from '#base';
import { dockerConfigPath } from '#registry/credentials';
import { errors } from '../errors.ts';
import { byNaturalOrder } from '../output/natural-order.ts';

export const DEFAULT_CONTEXT = 'default';
/** The endpoint that is a Docker daemon; others belong to other tools. */
export const DOCKER = 'docker';

export interface ContextMeta {
  readonly Name: string;
  readonly Metadata: Readonly<Record<string, unknown>> & { readonly Description?: string };
  readonly Endpoints: Readonly<Record<string, ContextEndpoint>>;
}

export interface ContextEndpoint {
  readonly Host?: string;
  readonly SkipTLSVerify?: boolean;
  readonly [other: string]: unknown;
}

/** PEM files by name (`ca.pem`, `cert.pem`, `key.pem`), by endpoint. */
export type TlsMaterial = Readonly<Record<string, Readonly<Record<string, Buffer>>>>;

export class ContextStore {
  readonly folder: string;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.folder = `${dirname(dockerConfigPath(environment))}/contexts`;
  }

  metaFolder(name: string): string {
    return `${this.folder}/meta/${digestOf(name)}`;
  }

  tlsFolder(name: string): string {
    return `${this.folder}/tls/${digestOf(name)}`;
  }

  /** By name, as people count. Throws `cli.invalid` for one that cannot be read. */
  list(): ContextMeta[] {
    const folders = entriesOf(`${this.folder}/meta`).filter((name) => /^[0-9a-f]{64}$/.test(name));
    return folders
      .map((folder) => readMeta(`${this.folder}/meta/${folder}/meta.json`))
      .filter((meta) => meta !== undefined)
      .sort((a, b) => byNaturalOrder(a.Name, b.Name));
  }

  has(name: string): boolean {
    return readMeta(`${this.metaFolder(name)}/meta.json`) !== undefined;
  }

  /** Throws `cli.noContext`, in Docker's words. */
  read(name: string): ContextMeta {
    const path = `${this.metaFolder(name)}/meta.json`;
    const meta = readMeta(path);
    if (!meta) throw errors.noContext(name, path);
    return meta;
  }

  /** The PEM files of a context. */
  tls(name: string): TlsMaterial {
    const folder = this.tlsFolder(name);
    return Object.fromEntries(
      entriesOf(folder).map((endpoint) => [
        endpoint,
        Object.fromEntries(
          entriesOf(`${folder}/${endpoint}`)
            .sort()
            .map((file) => [file, readFileSync(`${folder}/${endpoint}/${file}`)]),
        ),
      ]),
    );
  }

  /** Makes or replaces. Key material first: a context is never found without what it needs. */
  write(meta: ContextMeta, tls: TlsMaterial): void {
    const folder = this.tlsFolder(meta.Name);
    rmSync(folder, { recursive: true, force: true });
    for (const [endpoint, files] of Object.entries(tls)) {
      for (const [file, content] of Object.entries(files)) {
        writeFileAtomic(`${folder}/${endpoint}/${file}`, content, { mode: 0o600 });
      }
    }
    mkdirSync(this.metaFolder(meta.Name), { recursive: true, mode: 0o755 });
    writeFileAtomic(`${this.metaFolder(meta.Name)}/meta.json`, JSON.stringify(meta), { mode: 0o644 });
  }

  remove(name: string): void {
    rmSync(this.metaFolder(name), { recursive: true, force: true });
    rmSync(this.tlsFolder(name), { recursive: true, force: true });
  }
}

const NAME = '^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$';

/** Throws `cli.invalid` in Docker's words. */
export function checkContextName(name: string): void {
  if (name === '') throw errors.invalid('context name cannot be empty');
  if (name === DEFAULT_CONTEXT) throw errors.invalid('"default" is a reserved context name');
  if (!new RegExp(NAME).test(name)) {
    throw errors.invalid(`context name "${name}" is invalid, names are validated against regexp "${NAME}"`);
  }
}

const digestOf = (name: string): string => createHash('sha256').update(name).digest('hex');

function readMeta(path: string): ContextMeta | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw errors.invalid(`cannot read the context ${path}: ${messageOf(error)}`);
  }
  return parseMeta(content, path);
}

/** Throws `cli.invalid` naming where it is from. */
export function parseMeta(content: string, where: string): ContextMeta {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (error) {
    throw errors.invalid(`cannot read the context ${where}: ${messageOf(error)}`);
  }
  const { Name, Metadata = {}, Endpoints = {} } = isObject(parsed) ? parsed : {};
  const described = isObject(Metadata) && ['string', 'undefined'].includes(typeof Metadata['Description']);
  if (typeof Name !== 'string' || !described || !isObject(Endpoints) || !Object.values(Endpoints).every(isEndpoint)) {
    throw errors.invalid(`cannot read the context ${where}: it is no description of a context`);
  }
  return { Name, Metadata, Endpoints: Endpoints as ContextMeta['Endpoints'] };
}

function isEndpoint(value: unknown): value is ContextEndpoint {
  if (!isObject(value)) return false;
  const { Host = '', SkipTLSVerify = false } = value;
  return typeof Host === 'string' && typeof SkipTLSVerify === 'boolean';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return [];
    throw errors.invalid(`cannot read ${folder}: ${messageOf(error)}`);
  }
}
