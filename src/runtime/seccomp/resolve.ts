/**
 * Docker's profile → OCI `linux.seccomp`: which rules hold for this host and these capabilities.
 */
import { type HostFacts, kernelAtLeast } from '#linux';
import type { Seccomp, SeccompArch, SeccompRule } from '#specs';
import { errors } from './errors.ts';
import type { ProfileCondition, ProfileRule, SeccompProfile } from './profile.ts';

type KernelVersion = HostFacts['kernel'];

/** What the conditions of a profile are asked about. */
export interface SeccompContext {
  /** Host architecture as Node's `process.arch` says it: `x64`, `arm64`, `arm`, `ia32`. */
  readonly arch: string;
  readonly kernel: KernelVersion;
  /** The container's bounding set, with the CAP_ prefix. */
  readonly capabilities: readonly string[];
}

interface HostArchitecture {
  /** As profiles spell it in `includes.arches`. */
  readonly profileName: string;
  readonly scmp: SeccompArch;
}

const HOST_ARCHITECTURES: Readonly<Record<string, HostArchitecture>> = {
  x64: { profileName: 'amd64', scmp: 'SCMP_ARCH_X86_64' },
  arm64: { profileName: 'arm64', scmp: 'SCMP_ARCH_AARCH64' },
  arm: { profileName: 'arm', scmp: 'SCMP_ARCH_ARM' },
  ia32: { profileName: 'x86', scmp: 'SCMP_ARCH_X86' },
};

/** libseccomp's name of a host architecture. Throws `seccomp.architecture` where filters are not implemented. */
export function nativeArchitecture(arch: string): SeccompArch {
  return hostArchitecture(arch).scmp;
}

/** Keeps the rules whose conditions hold, reduces `archMap` to this host. An OCI object comes out as it went in. */
export function resolveProfile(profile: SeccompProfile, context: SeccompContext): Seccomp {
  const host = hostArchitecture(context.arch);
  const { archMap, syscalls, ...rest } = profile;
  const family = archMap?.find((entry) => entry.architecture === host.scmp);
  const architectures = family && [host.scmp, ...((family.subArchitectures ?? []) as SeccompArch[])];
  return {
    ...rest,
    ...(architectures && { architectures }),
    syscalls: (syscalls ?? []).filter((rule) => applies(rule, context, host.profileName)).map(toOci),
  };
}

function hostArchitecture(arch: string): HostArchitecture {
  const host = Object.hasOwn(HOST_ARCHITECTURES, arch) ? HOST_ARCHITECTURES[arch] : undefined;
  if (host === undefined) throw errors.architecture(arch);
  return host;
}

/** compat: `includes.caps` wants all of them, `excludes.caps` is triggered by any (moby/profiles, seccomp). */
function applies({ includes, excludes }: ProfileRule, context: SeccompContext, arch: string): boolean {
  return included(includes ?? {}, context, arch) && !excluded(excludes ?? {}, context, arch);
}

function included({ arches, caps, minKernel }: ProfileCondition, context: SeccompContext, arch: string): boolean {
  if (arches && arches.length > 0 && !arches.includes(arch)) return false;
  if (caps?.some((name) => !context.capabilities.includes(name))) return false;
  return !minKernel || isAtLeast(context.kernel, minKernel);
}

function excluded({ arches, caps, minKernel }: ProfileCondition, context: SeccompContext, arch: string): boolean {
  if (arches?.includes(arch)) return true;
  if (caps?.some((name) => context.capabilities.includes(name))) return true;
  return Boolean(minKernel) && isAtLeast(context.kernel, minKernel ?? '');
}

function toOci({ name, names, action, errnoRet, args }: ProfileRule): SeccompRule {
  return {
    names: names && names.length > 0 ? names : [name ?? ''],
    action,
    ...(errnoRet !== undefined && errnoRet !== null && { errnoRet }),
    ...(args && args.length > 0 && { args }),
  };
}

/** `wanted` is `major.minor`, as the profile's check has made sure. */
function isAtLeast(kernel: KernelVersion, wanted: string): boolean {
  const [major = 0, minor = 0] = wanted.split('.').map(Number);
  return kernelAtLeast({ kernel }, major, minor);
}
