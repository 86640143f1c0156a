/**
 * The keys of a configuration file. compat: distribution's names and meanings.
 *
 * A table: for each key that can be honoured, what it changes. A key of distribution's that cannot be is refused by its
 * name, since nobody should believe in a setting that has no effect.
 */
import { type LogLevel, logLevels, parseDurationMs } from '#base';
import type { RegistrySettings } from '#registry';
import { errors, type ListenAddress, type ProxySettings, parseListen, type TlsFiles } from './configuration.ts';

/** What is being filled in; the parts that need each other are put together in the end. */
export interface Draft {
  dataRoot?: string;
  address?: string;
  network?: string;
  logLevel?: LogLevel;
  logFields?: Record<string, string>;
  settings: { -readonly [Key in keyof RegistrySettings]?: RegistrySettings[Key] };
  tls: { -readonly [Key in keyof TlsFiles]?: TlsFiles[Key] };
  realm?: string;
  htpasswd?: string;
  proxy: { -readonly [Key in keyof ProxySettings]?: ProxySettings[Key] };
  drainMs?: number;
  purgeUploads?: boolean;
  uploadsKeptMs?: number;
}

/** One value with its name, for the messages. */
export interface Setting {
  readonly key: string;
  /** The file or the variable it is from. */
  readonly where: string;
  readonly value: unknown;
}

type Apply = (draft: Draft, setting: Setting) => void;

export const keys: Readonly<Record<string, Apply>> = {
  version: (_, setting) => void oneOf(setting, ['0.1']),
  'log.level': (draft, setting) => void (draft.logLevel = oneOf(setting, logLevels)),
  'log.formatter': (_, setting) => void oneOf(setting, ['text']),
  'log.fields': (draft, setting) => void (draft.logFields = texts(setting)),
  'log.accesslog.disabled': (draft, setting) => void (draft.settings.accessLog = !bool(setting)),
  'storage.filesystem.rootdirectory': (draft, setting) => void (draft.dataRoot = path(setting)),
  'storage.delete.enabled': (draft, setting) => void (draft.settings.allowDelete = bool(setting)),
  'storage.maintenance.readonly.enabled': (draft, setting) => void (draft.settings.readOnly = bool(setting)),
  'storage.maintenance.uploadpurging.enabled': (draft, setting) => void (draft.purgeUploads = bool(setting)),
  'storage.maintenance.uploadpurging.age': (draft, setting) => void (draft.uploadsKeptMs = duration(setting)),
  'storage.maintenance.uploadpurging.dryrun': (_, setting) => only(setting, false),
  // Descriptors are always in memory, and blobs are never redirected to.
  'storage.cache.blobdescriptor': (_, setting) => void oneOf(setting, ['inmemory']),
  'storage.redirect.disable': (_, setting) => only(setting, true),
  'http.addr': (draft, setting) => void (draft.address = text(setting)),
  'http.net': (draft, setting) => void (draft.network = oneOf(setting, ['tcp', 'unix'])),
  'http.prefix': (draft, setting) => void (draft.settings.prefix = prefix(setting)),
  'http.host': (draft, setting) => void (draft.settings.addresses = { kind: 'url', url: url(setting) }),
  'http.relativeurls': (draft, setting) => {
    if (bool(setting)) draft.settings.addresses = { kind: 'relative' };
    else draft.settings.addresses ??= { kind: 'request' };
  },
  'http.secret': (draft, setting) => void (draft.settings.secret = text(setting)),
  'http.headers': (draft, setting) => void (draft.settings.headers = headers(setting)),
  'http.draintimeout': (draft, setting) => void (draft.drainMs = duration(setting)),
  'http.http2.disabled': (_, setting) => only(setting, true),
  'http.tls.certificate': (draft, setting) => void (draft.tls.certificate = path(setting)),
  'http.tls.key': (draft, setting) => void (draft.tls.key = path(setting)),
  'http.tls.clientcas': (draft, setting) => void (draft.tls.clientAuthorities = list(setting)),
  'http.tls.minimumtls': (draft, setting) => {
    draft.tls.minimumVersion = oneOf(setting, ['tls1.2', 'tls1.3']) === 'tls1.2' ? 'TLSv1.2' : 'TLSv1.3';
  },
  'auth.htpasswd.realm': (draft, setting) => void (draft.realm = text(setting)),
  'auth.htpasswd.path': (draft, setting) => void (draft.htpasswd = path(setting)),
  'proxy.remoteurl': (draft, setting) => void (draft.proxy.url = url(setting)),
  'proxy.username': (draft, setting) => void (draft.proxy.username = text(setting)),
  'proxy.password': (draft, setting) => void (draft.proxy.password = text(setting)),
  'proxy.ttl': (draft, setting) => void (draft.proxy.ttlMs = duration(setting)),
  'validation.manifests.indexes.platforms': (draft, setting) => {
    draft.settings.sparse = oneOf(setting, ['all', 'none']) === 'all' ? 'none' : 'indexes';
  },
};

/** The sections of distribution's configuration. */
export const sections: readonly string[] = [
  'version',
  'log',
  'loglevel',
  'storage',
  'auth',
  'middleware',
  'reporting',
  'http',
  'notifications',
  'redis',
  'health',
  'proxy',
  'compatibility',
  'validation',
  'policy',
  'catalog',
];

export const emptyDraft = (): Draft => ({ settings: {}, tls: {}, proxy: {} });

/** Applies a tree of values. Throws `registry-config.*` with the key's name. */
export function applyTree(draft: Draft, tree: unknown, where: string, above = ''): void {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    if (tree === null || tree === undefined) return;
    throw errors.badValue(above === '' ? 'configuration' : above, where, 'a section');
  }
  for (const [name, value] of Object.entries(tree)) {
    const key = above === '' ? name : `${above}.${name}`;
    const apply = keys[key];
    if (apply) apply(draft, { key, where, value });
    else if (isSection(key)) applyTree(draft, value, where, key);
    else if (sections.includes(key.split('.')[0]!)) throw errors.unsupported(key, where);
    else throw errors.unknown(key, where);
  }
}

const isSection = (key: string): boolean => Object.keys(keys).some((known) => known.startsWith(`${key}.`));

/** Throws `registry-config.badValue`. */
export function listenOf(address: string, network: string, where: string): ListenAddress {
  if (network === 'unix') return { kind: 'unix', path: path({ key: 'http.addr', where, value: address }) };
  const listen = parseListen(address);
  if (!listen) throw errors.badValue('http.addr', where, "an address such as '127.0.0.1:5000' or ':5000'");
  return listen;
}

function text({ key, where, value }: Setting): string {
  if (typeof value !== 'string' && typeof value !== 'number') throw errors.badValue(key, where, 'a text');
  return String(value);
}

function oneOf<const T extends string>(setting: Setting, allowed: readonly T[]): T {
  const value = String(setting.value);
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw errors.badValue(setting.key, setting.where, allowed.join(' or '));
  return found;
}

function bool({ key, where, value }: Setting): boolean {
  if (typeof value !== 'boolean') throw errors.badValue(key, where, 'true or false');
  return value;
}

function only(setting: Setting, honoured: boolean): void {
  if (bool(setting) !== honoured) throw errors.badValue(setting.key, setting.where, String(honoured));
}

function duration(setting: Setting): number {
  const { key, where, value } = setting;
  try {
    // A plain number is nanoseconds, as in Go.
    return typeof value === 'number' ? value / 1e6 : parseDurationMs(text(setting));
  } catch {
    throw errors.badValue(key, where, "a duration such as '168h'");
  }
}

function path(setting: Setting): string {
  const value = text(setting);
  if (!value.startsWith('/')) throw errors.badValue(setting.key, setting.where, 'an absolute path');
  return value.replace(/(.)\/+$/, '$1');
}

function prefix(setting: Setting): string {
  const value = text(setting).replace(/\/+$/, '');
  if (value !== '' && !/^(?:\/[\w.~-]+)+$/.test(value)) throw errors.badValue(setting.key, setting.where, 'a path');
  return value;
}

function url(setting: Setting): string {
  const parsed = URL.parse(text(setting));
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol)) {
    throw errors.badValue(setting.key, setting.where, 'a URL that begins with http:// or https://');
  }
  return parsed.href.replace(/\/+$/, '');
}

function list({ key, where, value }: Setting): string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
    throw errors.badValue(key, where, 'a list of texts');
  }
  return value as string[];
}

function texts(setting: Setting): Record<string, string> {
  return Object.fromEntries(
    entries(setting).map(([name, value]) => [name, text({ ...setting, key: `${setting.key}.${name}`, value })]),
  );
}

function headers(setting: Setting): Record<string, readonly string[]> {
  return Object.fromEntries(
    entries(setting).map(([name, value]) => [name, list({ ...setting, key: `${setting.key}.${name}`, value })]),
  );
}

function entries({ key, where, value }: Setting): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.badValue(key, where, 'a section');
  }
  return Object.entries(value);
}
