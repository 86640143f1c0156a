/** What a registry is configured with, wherever the values come from. */
import { defineErrors, type LogLevel } from '#base';
import { defaultRegistrySettings, type RegistrySettings } from '#registry';

export interface RegistryConfiguration {
  readonly dataRoot: string;
  readonly listen: ListenAddress;
  readonly logLevel: LogLevel;
  /** On every line of the log. */
  readonly logFields: Readonly<Record<string, string>>;
  readonly settings: RegistrySettings;
  readonly tls?: TlsFiles;
  readonly htpasswd?: { readonly realm: string; readonly path: string };
  readonly proxy?: ProxySettings;
  /** How long requests under way may take when the registry ends. Milliseconds. */
  readonly drainMs: number;
  readonly graceMs: number;
  readonly removeUntagged: boolean;
  readonly uploadsKeptMs: number;
}

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly clientAuthorities: readonly string[];
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3';
}

export interface ProxySettings {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Milliseconds; 0: for ever. */
  readonly ttlMs: number;
}

const HOUR_MS = 3_600_000;

export const registryDefaults: RegistryConfiguration = {
  dataRoot: '/var/lib/skiff-registry',
  listen: { kind: 'tcp', host: '127.0.0.1', port: 5000 },
  logLevel: 'info',
  logFields: {},
  settings: defaultRegistrySettings,
  drainMs: 10_000,
  graceMs: 24 * HOUR_MS,
  removeUntagged: false,
  uploadsKeptMs: 7 * 24 * HOUR_MS,
};

export const errors = defineErrors('registry-config', {
  badFlag: { kind: 'invalid', message: (what: string) => what },
  cannotRead: { kind: 'invalid', message: (path: string, why: string) => `cannot read ${path}: ${why}` },
  badFile: { kind: 'invalid', message: (path: string, why: string) => `${path}: ${why}` },
  unsupported: {
    kind: 'invalid',
    message: (key: string, where: string) => `'${key}' (${where}) is not supported by this registry: leave it out`,
  },
  unknown: { kind: 'invalid', message: (key: string, where: string) => `there is no setting '${key}' (${where})` },
  badValue: {
    kind: 'invalid',
    message: (key: string, where: string, what: string) => `'${key}' (${where}) has to be ${what}`,
  },
  incomplete: { kind: 'invalid', message: (key: string, other: string) => `'${key}' needs '${other}' too` },
  cannotListen: { kind: 'unavailable', message: (where: string, why: string) => `cannot listen on ${where}: ${why}` },
  foreignData: {
    kind: 'conflict',
    message: (folder: string) =>
      `${folder} holds the data of another registry program, whose layout is not read: choose an empty folder and copy ` +
      `the images over, with 'skopeo sync' for instance`,
  },
});

/** `host:port`, `:port` for all addresses, `[::1]:port`. Undefined when it is none. */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? NaN);
  if (!match || !(port <= 65_535)) return undefined;
  return { kind: 'tcp', host: match[1] ?? (match[2] === '' ? '::' : match[2]!), port };
}
