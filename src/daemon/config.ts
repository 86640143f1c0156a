/** What the daemon is to do: its options, checked and completed. */
import { readFileSync } from 'node:fs';
import { errnoCode, type LogFormat, type LogLevel, logLevels, messageOf, parseBytes, SkiffError } from '#base';
import {
  type ContainerDefaults,
  type DaemonSettings,
  defaultSettings,
  isRuntime,
  logDriverNames,
  OWN_RUNTIME,
  parseLogSettings,
} from '#engine';
import type { NetworkOptions } from '#network';
import type { RegistryConfig } from '#registry';
import { buildCacheBytes } from './builder-option.ts';
import { errors } from './errors.ts';
import { type ListenHost, parseListenHost } from './hosts.ts';
import { type GivenOptions, judge, mergeGiven, readCommandLine, readConfigText, valueOf } from './options/given.ts';
import { bool, integer, list, map, runtimes, section, size, text, ulimits } from './options/kinds.ts';
import { networkOptions } from './network-options.ts';
import { registryConfig } from './registry-options.ts';
import { seccompOption } from './seccomp-option.ts';

export interface DaemonConfig {
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly hosts: readonly ListenHost[];
  /** Undefined: TCP is not encrypted. */
  readonly tls?: TlsFiles;
  readonly pidFile: string;
  /** `required` when it was named, and not merely looked for. */
  readonly group: { readonly name: string; readonly required: boolean };
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Above the containers' cgroups. */
  readonly cgroupParent: string;
  /** Undefined: the better one that works. */
  readonly storageDriver?: 'overlay2' | 'vfs';
  readonly oomScoreAdjust: number;
  readonly registry: RegistryConfig;
  readonly settings: DaemonSettings;
  readonly network: NetworkOptions;
  /** What the build cache may take of the disk; undefined: a tenth of it. */
  readonly buildCacheBytes?: number;
  /** What was asked for and has no effect, in a line each. */
  readonly warnings: readonly string[];
}

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  /** Clients have to show a certificate of this authority. */
  readonly clientAuthority?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export type DaemonCommand =
  | { readonly kind: 'help'; readonly program: Program }
  | { readonly kind: 'version' }
  | { readonly kind: 'validate' }
  | { readonly kind: 'run'; readonly config: DaemonConfig; readonly reload: () => DaemonConfig };

export interface Program {
  readonly name: 'skiffd' | 'dockerd';
  readonly socket: string;
  readonly configFile: string;
  readonly pidFile: string;
  readonly group: string;
}

export const daemonDefaults = { dataRoot: '/var/lib/skiff', execRoot: '/run/skiff', cgroupParent: '/skiff' } as const;

/** Under the name dockerd it is found where Docker's tools look for Docker; what it keeps is its own in either case. */
const programs: Readonly<Record<Program['name'], Program>> = {
  skiffd: {
    name: 'skiffd',
    socket: '/run/skiff.sock',
    configFile: '/etc/skiff/daemon.json',
    pidFile: '',
    group: 'skiff',
  },
  dockerd: {
    name: 'dockerd',
    socket: '/var/run/docker.sock',
    configFile: '/etc/docker/daemon.json',
    pidFile: '/var/run/docker.pid',
    group: 'docker',
  },
};

/** Reads command line and configuration file. Throws `daemon.*`. */
export function readDaemonCommand(args: readonly string[], environment: Environment = {}): DaemonCommand {
  const program = programs[environment['SKIFF_PROGRAM'] === 'dockerd' ? 'dockerd' : 'skiffd'];
  const { given: flags, show } = readCommandLine(args, program.name);
  if (show === 'version') return { kind: show };
  if (show) return { kind: show, program };
  const named = valueOf(flags, 'config-file', text);
  const path = named ?? program.configFile;
  const read = (): DaemonConfig => {
    const file = readConfigFile(path, named !== undefined);
    const inNameOfFile = (check: () => void): void => {
      try {
        check();
      } catch (error) {
        throw errors.badFile(path, `configuration validation from file failed: ${messageOf(error)}`);
      }
    };
    // Values of the file are complained about in its name, those of flags in theirs.
    inNameOfFile(() => daemonConfig(file, program, environment));
    const config = daemonConfig(mergeGiven(flags, file, path), program, environment);
    if (file.has('default-runtime')) inNameOfFile(() => checkDefaultRuntime(config.settings));
    // Now: not every container should be the one that finds out.
    checkDefaultRuntime(config.settings);
    const { driver, options } = config.settings.defaults.log;
    parseLogSettings(driver, options);
    return config;
  };
  const config = read();
  if (valueOf(flags, 'validate', bool) === true) return { kind: 'validate' };
  return { kind: 'run', config, reload: read };
}

/** What these flags alone ask for: no file is read, and nothing of the environment. Throws `daemon.*`. */
export function configOfFlags(args: readonly string[]): DaemonConfig {
  const config = daemonConfig(readCommandLine(args, 'skiffd').given, programs.skiffd, {});
  checkDefaultRuntime(config.settings);
  return config;
}

function readConfigFile(path: string, required: boolean): GivenOptions {
  try {
    return readConfigText(readFileSync(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    if (errnoCode(error) === 'ENOENT' && !required) return new Map();
    throw errors.badFile(path, messageOf(error));
  }
}

function daemonConfig(given: GivenOptions, program: Program, environment: Environment): DaemonConfig {
  const warnings = judge(given);
  const value = (key: string): string | undefined => valueOf(given, key, text);
  const verify = valueOf(given, 'tlsverify', bool) ?? false;
  const withTls = verify || (valueOf(given, 'tls', bool) ?? false);
  const hosts = valueOf(given, 'hosts', list) ?? [];
  const storageDriver = storageDriverOf(value('storage-driver') ?? '');
  const cacheBytes = buildCacheBytes(valueOf(given, 'builder', section));
  const group = value('group');
  const certificates = `${environment['DOCKER_CERT_PATH'] || `${environment['HOME'] || '/root'}/.docker`}`;
  return {
    dataRoot: absolute('data-root', value('data-root') ?? daemonDefaults.dataRoot),
    execRoot: absolute('exec-root', value('exec-root') ?? daemonDefaults.execRoot),
    hosts: (hosts.length === 0 ? [`unix://${program.socket}`] : hosts).map((host) =>
      parseListenHost(host, { defaultPath: program.socket, tls: withTls }),
    ),
    ...(withTls
      ? {
          tls: {
            certificate: value('tlscert') || `${certificates}/cert.pem`,
            key: value('tlskey') || `${certificates}/key.pem`,
            // compat: without --tlsverify an authority that is named has no effect.
            ...(verify ? { clientAuthority: value('tlscacert') || `${certificates}/ca.pem` } : {}),
          },
        }
      : {}),
    pidFile: value('pidfile') ?? program.pidFile,
    group: { name: group ?? program.group, required: group !== undefined },
    logLevel: valueOf(given, 'debug', bool) === true ? 'debug' : logLevelOf(value('log-level') ?? 'info'),
    logFormat: oneOf('log format', value('log-format') ?? 'text', ['text', 'json']),
    cgroupParent: value('cgroup-parent') || daemonDefaults.cgroupParent,
    ...(storageDriver ? { storageDriver } : {}),
    oomScoreAdjust: within('oom-score-adjust', valueOf(given, 'oom-score-adjust', integer) ?? 0, -1000, 1000),
    registry: registryConfig(given, environment),
    settings: settingsOf(given),
    network: networkOptions(given),
    ...(cacheBytes === undefined ? {} : { buildCacheBytes: cacheBytes }),
    warnings: [...warnings, ...storageWarnings(given)],
  };
}

function settingsOf(given: GivenOptions): DaemonSettings {
  const { name: seccompName, choice: seccomp } = seccompOption(valueOf(given, 'seccomp-profile', text) ?? '');
  checkExecOptions(valueOf(given, 'exec-opts', list) ?? []);
  return {
    debug: valueOf(given, 'debug', bool) ?? false,
    labels: checkLabels(valueOf(given, 'labels', list) ?? []),
    liveRestore: valueOf(given, 'live-restore', bool) ?? false,
    shutdownTimeoutSeconds: valueOf(given, 'shutdown-timeout', integer) ?? defaultSettings.shutdownTimeoutSeconds,
    seccomp,
    seccompName,
    defaults: containerDefaults(given),
    runtimes: valueOf(given, 'runtimes', runtimes) ?? {},
    defaultRuntime: valueOf(given, 'default-runtime', text) || OWN_RUNTIME,
    cdiFolders: cdiFolders(given),
  };
}

/** compat: an empty name, and the feature `cdi` set to false, are none at all. */
function cdiFolders(given: GivenOptions): readonly string[] {
  const named = valueOf(given, 'cdi-spec-dirs', list) ?? defaultSettings.cdiFolders;
  const features: Readonly<Record<string, unknown>> = valueOf(given, 'features', section) ?? {};
  if (features['cdi'] === false) return [];
  return named.filter((folder) => folder !== '').map((folder) => absolute('cdi-spec-dir', folder));
}

function containerDefaults(given: GivenOptions): ContainerDefaults {
  const { defaults } = defaultSettings;
  const initPath = valueOf(given, 'init-path', text) ?? '';
  const storage = storageSize(given);
  return {
    shmSizeBytes: valueOf(given, 'default-shm-size', size) || defaults.shmSizeBytes,
    ulimits: valueOf(given, 'default-ulimits', ulimits) ?? defaults.ulimits,
    ipcMode: ipcModeOf(valueOf(given, 'default-ipc-mode', text) || defaults.ipcMode),
    cgroupnsMode: cgroupnsModeOf(valueOf(given, 'default-cgroupns-mode', text) || defaults.cgroupnsMode),
    init: valueOf(given, 'init', bool) ?? defaults.init,
    ...(initPath === '' ? {} : { initPath: absolute('init-path', initPath) }),
    noNewPrivileges: valueOf(given, 'no-new-privileges', bool) ?? defaults.noNewPrivileges,
    log: {
      driver: oneOf('log driver', valueOf(given, 'log-driver', text) || 'json-file', [...logDriverNames(), 'none']),
      options: valueOf(given, 'log-opts', map) ?? {},
    },
    ...(storage === undefined ? {} : { storageBytes: storage }),
  };
}

function logLevelOf(given: string): LogLevel {
  const level = logLevels.find((each) => each === given);
  if (!level) throw errors.badFlag(`unable to parse logging level: ${given}: use ${logLevels.join(', ')}`);
  return level;
}

function cgroupnsModeOf(given: string): 'private' | 'host' {
  if (given === 'private' || given === 'host') return given;
  throw errors.badFlag(`default cgroup namespace mode (${given}) is invalid; use "host" or "private"`);
}

function ipcModeOf(given: string): ContainerDefaults['ipcMode'] {
  if (given === 'private' || given === 'none' || given === 'shareable') return given;
  throw errors.badFlag(`default IPC mode setting (${given}) is invalid; use "none", "private" or "shareable"`);
}

function storageDriverOf(given: string): 'overlay2' | 'vfs' | undefined {
  if (given === '') return undefined;
  return given === 'overlay' ? 'overlay2' : oneOf('storage driver', given, ['overlay2', 'vfs']);
}

const STORAGE_SIZE = /^(?:overlay2\.|overlay\.|vfs\.)?size$/;

function storageSize(given: GivenOptions): number | undefined {
  let bytes: number | undefined;
  for (const option of valueOf(given, 'storage-opts', list) ?? []) {
    const [name = '', amount = ''] = option.split('=');
    if (STORAGE_SIZE.test(name)) bytes = parseBytes(amount);
    else if (name !== 'overlay2.override_kernel_check') {
      throw errors.badFlag(`unknown storage option '${option}': there is overlay2.size=SIZE`);
    }
  }
  return bytes;
}

function storageWarnings(given: GivenOptions): string[] {
  const checks = (valueOf(given, 'storage-opts', list) ?? []).some((option) =>
    option.includes('override_kernel_check'),
  );
  return checks ? ["the storage option 'override_kernel_check' has no effect: overlays are tried, not guessed"] : [];
}

/** compat: refused in dockerd's words; the same label twice is one. */
function checkLabels(labels: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const label of labels) {
    const at = label.indexOf('=');
    if (at < 0) throw errors.badFlag(`bad attribute format: ${label}`);
    const other = seen.get(label.slice(0, at));
    if (other !== undefined && other !== label) throw errors.badFlag(`conflict labels for ${label} and ${other}`);
    seen.set(label.slice(0, at), label);
  }
  return [...seen.values()];
}

/** Of both places together: the file may name what a flag adds. */
function checkDefaultRuntime(settings: DaemonSettings): void {
  const name = settings.defaultRuntime;
  if (!isRuntime(settings, name)) throw errors.badFlag(`specified default runtime '${name}' does not exist`);
}

function checkExecOptions(given: readonly string[]): void {
  for (const option of given) {
    if (option === 'native.cgroupdriver=cgroupfs') continue;
    if (option === 'native.cgroupdriver=systemd') throw errors.notThere('exec-opt', option, 'use cgroupfs');
    throw errors.badFlag(`unknown exec option '${option}': there is native.cgroupdriver=cgroupfs`);
  }
}

function oneOf<const T extends string>(what: string, given: string, allowed: readonly T[]): T {
  const found = allowed.find((each) => each === given);
  if (found === undefined) throw errors.badFlag(`invalid ${what} '${given}': use ${allowed.join(' or ')}`);
  return found;
}

function within(flag: string, given: number, least: number, most: number): number {
  if (given >= least && given <= most) return given;
  throw errors.badFlag(`invalid --${flag} '${given}': give a number from ${least} to ${most}`);
}

function absolute(flag: string, path: string): string {
  if (!path.startsWith('/')) throw errors.badFlag(`--${flag} '${path}' is not an absolute path`);
  return path.replace(/(.)\/+$/, '$1');
}
