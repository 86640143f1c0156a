/**
 * Docker's client configuration, `~/.docker/config.json`: read for credentials, changed without losing what we do not
 * know.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { errnoCode, messageOf, writeFileAtomic } from '#base';
import { Fields, isObject, type Json, parseDocument } from '#specs';
import { type AuthConfig } from '../client/config.ts';
import { splitBasic } from '../client/auth-config.ts';
import { errors } from '../errors.ts';

export interface DockerConfig {
  /** By the server's address, in the order of the file. */
  readonly auths: ReadonlyMap<string, AuthConfig>;
  /** `x` of `docker-credential-x` for all servers; empty: this file. */
  readonly credentialStore: string;
  /** The same by server. */
  readonly credentialHelpers: ReadonlyMap<string, string>;
  /** Whether anything about credentials is said at all. */
  readonly saysCredentials: boolean;
  /** The whole document. */
  readonly document: Json;
}

/** Where it is: DOCKER_CONFIG, or `.docker` in the home folder. */
export function dockerConfigPath(environment: Readonly<Record<string, string | undefined>>): string {
  const folder = environment['DOCKER_CONFIG'] || `${environment['HOME'] || homedir()}/.docker`;
  return `${folder}/config.json`;
}

/** An empty one when there is no file. Throws `registry.badConfigFile`. */
export function loadDockerConfig(path: string): DockerConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return readDockerConfig('{}', path);
    throw errors.badConfigFile(path, messageOf(error));
  }
  return readDockerConfig(text.trim() === '' ? '{}' : text, path);
}

/** Throws `registry.badConfigFile`, naming the path. */
export function readDockerConfig(text: string, path: string): DockerConfig {
  try {
    const document = parseDocument(text, 'the file');
    const fields = new Fields(document, 'the file', '');
    const auths = new Map<string, AuthConfig>();
    const listed = fields.object('auths');
    for (const server of Object.keys(listed?.value ?? {})) {
      const entry = listed!.object(server);
      if (entry) auths.set(server, readEntry(entry, server));
    }
    const credentialStore = fields.text('credsStore') ?? '';
    const credentialHelpers = new Map(Object.entries(fields.map('credHelpers') ?? {}));
    const saysCredentials = credentialStore !== '' || credentialHelpers.size > 0 || auths.size > 0;
    return { auths, credentialStore, credentialHelpers, saysCredentials, document };
  } catch (error) {
    throw errors.badConfigFile(path, messageOf(error));
  }
}

function readEntry(entry: Fields, server: string): AuthConfig {
  const encoded = entry.text('auth') ?? '';
  const pair = splitBasic(encoded);
  if (encoded !== '' && !pair) throw entry.fail('auth', 'is no base64 of user:password');
  const username = pair?.[0] ?? entry.text('username') ?? '';
  const password = pair?.[1] ?? entry.text('password') ?? '';
  const identityToken = entry.text('identitytoken') ?? '';
  const registryToken = entry.text('registrytoken') ?? '';
  return {
    serverAddress: server,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(identityToken === '' ? {} : { identityToken }),
    ...(registryToken === '' ? {} : { registryToken }),
  };
}

/**
 * Writes the entry of one server (none when undefined), leaving everything else of the file as it is. The file is
 * replaced at once; a link to it stays one. Throws `registry.badConfigFile`.
 */
export function changeEntry(path: string, server: string, auth: AuthConfig | undefined): void {
  // Read anew: somebody else may have logged in elsewhere meanwhile.
  const { document } = loadDockerConfig(path);
  const others = authsOf(document).filter(([key]) => key !== server);
  // Without a prototype a server called __proto__ is a key like any other.
  const auths = Object.fromEntries(auth ? [...others, [server, formatEntry(auth)]] : others);
  writeDocument(path, { ...document, auths });
}

/** The name of the context in use; empty: the default one. Throws `registry.badConfigFile`. */
export function currentContext(path: string): string {
  const name = loadDockerConfig(path).document['currentContext'];
  return typeof name === 'string' ? name : '';
}

/** Notes the context in use (empty: the default one), leaving everything else. Throws `registry.badConfigFile`. */
export function changeCurrentContext(path: string, name: string): void {
  const { currentContext: _, ...document } = loadDockerConfig(path).document;
  // compat: Docker's own file has this key whether anybody is logged in or not.
  const auths = Object.fromEntries(authsOf(document));
  writeDocument(path, { ...document, auths, ...(name === '' ? {} : { currentContext: name }) });
}

const authsOf = (document: Json): [string, Json][] =>
  isObject(document['auths']) ? (Object.entries(document['auths']) as [string, Json][]) : [];

function writeDocument(path: string, document: Json): void {
  const text = JSON.stringify(document, null, '\t');
  try {
    const target = realPath(path);
    writeFileAtomic(target, text, { mode: modeOf(target), durable: true });
  } catch (error) {
    throw errors.badConfigFile(path, messageOf(error));
  }
}

function formatEntry({ username = '', password = '', identityToken = '' }: AuthConfig): Json {
  // compat: with an identity token the password is not kept, the name is.
  const encoded =
    username === '' ? '' : Buffer.from(`${username}:${identityToken === '' ? password : ''}`).toString('base64');
  return {
    ...(encoded === '' ? {} : { auth: encoded }),
    ...(identityToken === '' ? {} : { identitytoken: identityToken }),
  };
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return path;
    throw error;
  }
}

/** What the owner has set stays; a new file is for nobody else's eyes. */
function modeOf(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o600) & 0o777;
}
