/**
 * What the operator of a daemon has set and its engine goes by. Replaced as a whole when the configuration is read again:
 * read it where it is used, and keep no part of it.
 */
import type { RuntimeProgram } from '#runtime';
import type { LogSettings } from './container-settings.ts';
import type { SeccompChoice } from './security-options.ts';

export interface DaemonSettings {
  readonly debug: boolean;
  /** `key=value`. */
  readonly labels: readonly string[];
  /** Containers go on when the daemon stops. */
  readonly liveRestore: boolean;
  /** For all containers together, when the daemon stops; negative: as long as it takes. */
  readonly shutdownTimeoutSeconds: number;
  /** The filter of containers that name none. */
  readonly seccomp: SeccompChoice;
  /** A path, `builtin` or `unconfined`. */
  readonly seccompName: string;
  readonly defaults: ContainerDefaults;
  /** Runtimes besides our own, by name. */
  readonly runtimes: Readonly<Record<string, Omit<RuntimeProgram, 'name'>>>;
  /** The name of one of them, or of our own. */
  readonly defaultRuntime: string;
  /** Where vendors describe their devices (CDI); none: such devices cannot be asked for. */
  readonly cdiFolders: readonly string[];
}

/** What containers get that do not say. Fixed when they are made. */
export interface ContainerDefaults {
  readonly shmSizeBytes: number;
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  readonly ipcMode: 'private' | 'none' | 'shareable';
  readonly cgroupnsMode: 'private' | 'host';
  readonly init: boolean;
  /** Undefined: our own. */
  readonly initPath?: string;
  readonly noNewPrivileges: boolean;
  readonly log: Pick<LogSettings, 'driver' | 'options'>;
  /** Of the writable layer; undefined: as much as the disk holds. */
  readonly storageBytes?: number;
}

/** The settings of the moment. */
export interface SettingsCell {
  current: DaemonSettings;
}

export const defaultSettings: DaemonSettings = {
  debug: false,
  labels: [],
  liveRestore: false,
  shutdownTimeoutSeconds: 15,
  seccomp: { kind: 'default' },
  seccompName: 'builtin',
  runtimes: {},
  defaultRuntime: 'skiff',
  cdiFolders: ['/etc/cdi', '/var/run/cdi'],
  defaults: {
    shmSizeBytes: 64 * 1024 * 1024,
    ulimits: [],
    ipcMode: 'private',
    cgroupnsMode: 'host',
    init: false,
    noNewPrivileges: false,
    log: { driver: 'json-file', options: {} },
  },
};
