/**
 * OCI runtime-spec 1.3, the answer of `features` (features.md, features-linux.md): what this
 * runtime is able to do, whatever the host supports.
 */
import type { NamespaceType } from './linux.ts';
import type { SeccompAction, SeccompArch, SeccompFlag, SeccompOperator } from './seccomp.ts';

/** features.md. */
export interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks?: readonly string[];
  readonly mountOptions?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly potentiallyUnsafeConfigAnnotations?: readonly string[];
  readonly linux?: LinuxFeatures;
}

/** features-linux.md. */
export interface LinuxFeatures {
  readonly namespaces?: readonly NamespaceType[];
  readonly capabilities?: readonly string[];
  readonly cgroup?: CgroupFeatures;
  readonly seccomp?: SeccompFeatures;
  readonly apparmor?: { readonly enabled?: boolean };
  readonly selinux?: { readonly enabled?: boolean };
  readonly intelRdt?: { readonly enabled?: boolean };
  readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean } };
  readonly netDevices?: { readonly enabled?: boolean };
}

export interface CgroupFeatures {
  readonly v1?: boolean;
  readonly v2?: boolean;
  readonly systemd?: boolean;
  readonly systemdUser?: boolean;
  readonly rdma?: boolean;
}

export interface SeccompFeatures {
  readonly enabled?: boolean;
  readonly actions?: readonly SeccompAction[];
  readonly operators?: readonly SeccompOperator[];
  readonly archs?: readonly SeccompArch[];
  readonly knownFlags?: readonly SeccompFlag[];
  readonly supportedFlags?: readonly SeccompFlag[];
}
