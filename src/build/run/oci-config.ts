/**
 * A RUN step → its OCI config. A function of the step, the settings of the build and the facts of the host.
 *
 * compat: what a container gets that nobody asked anything special for; `--security=insecure` opens what `--privileged` does.
 */
import { type CapabilityName, capabilitiesIn, type HostFacts } from '#linux';
import {
  defaultCapabilities,
  defaultDeviceRules,
  defaultMaskedPaths,
  defaultMounts,
  defaultNamespaces,
  defaultNetworkSysctls,
  defaultReadonlyPaths,
  type ResolvedUser,
  runtimeDeviceRules,
} from '#runtime';
import { type DeviceRule, type Mount, type NamespaceType, OCI_RUNTIME_VERSION, type RuntimeConfig } from '#specs';
import type { RunStep } from '../graph.ts';
import type { RunSettings } from './settings.ts';

export interface RunConfigInput {
  /** Of the program, when it has one. */
  readonly terminal?: { readonly rows: number; readonly columns: number };
  readonly step: RunStep;
  readonly settings: RunSettings;
  readonly user: ResolvedUser;
  readonly facts: HostFacts;
  readonly cgroupVersion: 1 | 2;
  readonly cgroupsPath: string;
  readonly network: 'own' | 'host';
  readonly hostname: string;
  /** Besides those of every container, in their order. */
  readonly mounts: readonly Mount[];
  /** Besides the step's own, `NAME=value`. */
  readonly environment: readonly string[];
  /** The folder that is the root; an overlay's is given elsewhere. */
  readonly rootPath: string;
}

export function runConfig(input: RunConfigInput): RuntimeConfig {
  const { step, settings, user, facts, network } = input;
  const { isPrivileged } = step;
  const capabilities = isPrivileged ? allCapabilities(facts) : defaultCapabilities;
  const rules: readonly DeviceRule[] = isPrivileged
    ? [{ allow: true, access: 'rwm' }]
    : [...defaultDeviceRules, ...runtimeDeviceRules];
  return {
    ociVersion: OCI_RUNTIME_VERSION,
    process: {
      terminal: input.terminal !== undefined,
      ...(input.terminal ? { consoleSize: { height: input.terminal.rows, width: input.terminal.columns } } : {}),
      user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
      args: [...step.argv],
      env: [...step.environment, ...step.proxyEnvironment, ...input.environment],
      cwd: step.workingDirectory === '' ? '/' : step.workingDirectory,
      capabilities: { bounding: capabilities, permitted: capabilities, effective: user.uid === 0 ? capabilities : [] },
      rlimits: settings.rlimits,
      noNewPrivileges: false,
    },
    hostname: input.hostname,
    root: { path: input.rootPath, readonly: false },
    mounts: mountsOf(input),
    linux: {
      namespaces: namespacesOf(input).map((type) => ({ type })),
      cgroupsPath: input.cgroupsPath,
      resources: { ...settings.resources, devices: rules },
      sysctl: network === 'own' ? defaultNetworkSysctls : {},
      maskedPaths: isPrivileged ? [] : defaultMaskedPaths(),
      readonlyPaths: isPrivileged ? [] : defaultReadonlyPaths,
    },
  };
}

function allCapabilities({ boundingCapabilities }: HostFacts): readonly CapabilityName[] {
  return capabilitiesIn(boundingCapabilities);
}

function namespacesOf({ network, facts, cgroupVersion }: RunConfigInput): NamespaceType[] {
  const types = defaultNamespaces.filter((type) => type !== 'network' || network === 'own');
  if (facts.timeNamespace) types.push('time');
  if (cgroupVersion === 2) types.push('cgroup');
  return types;
}

/** Parents before children, whatever the order they were asked in. */
function mountsOf({ mounts, settings, step }: RunConfigInput): Mount[] {
  const taken = new Set(mounts.map(({ destination }) => destination));
  const isOpen = (destination: string): boolean =>
    step.isPrivileged && (destination === '/sys' || destination === '/sys/fs/cgroup');
  const defaults = defaultMounts(settings.shmSizeBytes)
    .filter(({ destination }) => !taken.has(destination))
    .map((mount) =>
      isOpen(mount.destination)
        ? { ...mount, options: (mount.options ?? []).filter((option) => option !== 'ro') }
        : mount,
    );
  const depth = ({ destination }: Mount): number => destination.split('/').length;
  return [...defaults, ...mounts.toSorted((a, b) => depth(a) - depth(b))];
}
