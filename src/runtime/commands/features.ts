/** `features`: what this runtime can do, whatever this host can (features.md). */
import { capabilityNames } from '#linux';
import type { Features } from '#specs';
import { seccompFlags } from '#wire';
import { knownMountOptions } from '../plan/mount-options.ts';
import { namespaceTypes } from '../plan/namespaces.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '',
  about: 'print what this runtime supports',
  flags: {},
  args: [0, 0],
  action: ({ print }) => print(`${JSON.stringify(features(), null, 2)}\n`),
});

export function features(): Features {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: '1.3.0',
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions: knownMountOptions,
    linux: {
      namespaces: namespaceTypes,
      capabilities: capabilityNames,
      // cgroupsPath may be systemd's; the folders are made without systemd (docs/oci-runtime.md).
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
      seccomp: {
        enabled: true,
        actions: [
          'SCMP_ACT_ALLOW',
          'SCMP_ACT_ERRNO',
          'SCMP_ACT_KILL',
          'SCMP_ACT_KILL_PROCESS',
          'SCMP_ACT_KILL_THREAD',
          'SCMP_ACT_LOG',
          'SCMP_ACT_NOTIFY',
          'SCMP_ACT_TRACE',
          'SCMP_ACT_TRAP',
        ],
        operators: [
          'SCMP_CMP_EQ',
          'SCMP_CMP_GE',
          'SCMP_CMP_GT',
          'SCMP_CMP_LE',
          'SCMP_CMP_LT',
          'SCMP_CMP_MASKED_EQ',
          'SCMP_CMP_NE',
        ],
        archs: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM', 'SCMP_ARCH_X32', 'SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'],
        knownFlags: seccompFlagNames(),
        supportedFlags: seccompFlagNames(),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
      mountExtensions: { idmap: { enabled: true } },
      netDevices: { enabled: false },
    },
  };
}

function seccompFlagNames(): NonNullable<NonNullable<NonNullable<Features['linux']>['seccomp']>['knownFlags']> {
  const names = ['TSYNC', 'LOG', 'SPEC_ALLOW', 'WAIT_KILLABLE_RECV'] as const;
  return names.map((name) => `SECCOMP_FILTER_FLAG_${name}` as const).filter((name) => name in seccompFlags);
}
