/** The config that `spec` writes: a shell in a root file system beside it, with few rights. compat: as runc's. */
import { type Mount, OCI_RUNTIME_VERSION, type RuntimeConfig } from '#specs';
import { defaultMounts, defaultNamespaces, defaultReadonlyPaths, staticMaskedPaths } from '../default-spec.ts';

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const SHM_SIZE = 64 * 1024 * 1024;

/** With `ids` for a user without root rights: root inside is this user outside. */
export function starterConfig(ids?: { readonly uid: number; readonly gid: number }): RuntimeConfig {
  const namespaces = defaultNamespaces.filter((type) => !ids || type !== 'network').map((type) => ({ type }));
  return {
    ociVersion: OCI_RUNTIME_VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'skiff',
    mounts: defaultMounts(SHM_SIZE).flatMap((mount) => (ids ? rootlessMount(mount) : [mount])),
    linux: {
      ...(ids && {
        uidMappings: [{ containerID: 0, hostID: ids.uid, size: 1 }],
        gidMappings: [{ containerID: 0, hostID: ids.gid, size: 1 }],
      }),
      ...(!ids && { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      namespaces: [...namespaces, { type: 'cgroup' }, ...(ids ? [{ type: 'user' as const }] : [])],
      maskedPaths: staticMaskedPaths,
      readonlyPaths: defaultReadonlyPaths,
    },
  };
}

/** kernel: sysfs needs a network namespace of one's own, and gid 5 is not mapped. */
function rootlessMount(mount: Mount): Mount[] {
  if (mount.type === 'sysfs') {
    return [
      { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', 'nosuid', 'noexec', 'nodev', 'ro'] },
    ];
  }
  if (mount.type === 'cgroup') return [];
  return [{ ...mount, options: (mount.options ?? []).filter((option) => !option.startsWith('gid=')) }];
}
