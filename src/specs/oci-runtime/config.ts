/**
 * OCI runtime-spec 1.3, `config.json` of a bundle: the top level, mounts and hooks.
 *
 * Sections of other operating systems are carried along but never read, hence `unknown`.
 */
import type { IdMapping, LinuxConfig } from './linux.ts';
import type { Process } from './process.ts';
import type { VmConfig } from './vm.ts';

/** The version of the specification these types follow, for `ociVersion`. */
export const OCI_RUNTIME_VERSION = '1.3.0';

/** config.md. */
export interface RuntimeConfig {
  readonly ociVersion: string;
  readonly root?: Root;
  readonly mounts?: readonly Mount[];
  readonly process?: Process;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: LinuxConfig;
  readonly vm?: VmConfig;
  readonly solaris?: unknown;
  readonly windows?: unknown;
  readonly zos?: unknown;
  readonly freebsd?: unknown;
}

/** The root file system; `path` is absolute or relative to the bundle. */
export interface Root {
  readonly path: string;
  readonly readonly?: boolean;
}

/** config.md, "Mounts". Options are those of mount(8) plus the recursive and idmap ones of the specification. */
export interface Mount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** config.md, "POSIX-platform Hooks", in the order of the lifecycle. `prestart` is the deprecated first one. */
export interface Hooks {
  readonly prestart?: readonly Hook[];
  readonly createRuntime?: readonly Hook[];
  readonly createContainer?: readonly Hook[];
  readonly startContainer?: readonly Hook[];
  readonly poststart?: readonly Hook[];
  readonly poststop?: readonly Hook[];
}

/** A program to run; `args` includes argv[0], `timeout` is in seconds. */
export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}
