/** The types of config.json, of `exec`'s process.json and of `update`'s resources. Source: runtime-spec 1.3. */
import { list, map, type Shape } from './shape.ts';

const texts = list('text');

export const processShape: Shape = {
  terminal: 'boolean',
  consoleSize: { height: 'count', width: 'count' },
  user: { uid: 'count', gid: 'count', umask: 'count', additionalGids: list('count'), username: 'text' },
  args: texts,
  env: texts,
  cwd: 'text',
  capabilities: { bounding: texts, permitted: texts, effective: texts, inheritable: texts, ambient: texts },
  rlimits: list({ type: 'text', soft: 'number', hard: 'number' }),
  noNewPrivileges: 'boolean',
  apparmorProfile: 'text',
  oomScoreAdj: 'number',
  scheduler: {
    policy: 'text',
    nice: 'number',
    priority: 'number',
    flags: texts,
    runtime: 'number',
    deadline: 'number',
    period: 'number',
  },
  selinuxLabel: 'text',
  ioPriority: { class: 'text', priority: 'number' },
  execCPUAffinity: { initial: 'text', final: 'text' },
};

const throttle = list({ major: 'count', minor: 'count', rate: 'number' });
const weights = list({ major: 'count', minor: 'count', weight: 'number', leafWeight: 'number' });

export const resourcesShape: Shape = {
  // compat: -1 for "every number" is written by Go programs.
  devices: list({ allow: 'boolean', type: 'text', major: 'number', minor: 'number', access: 'text' }),
  memory: {
    limit: 'number',
    reservation: 'number',
    swap: 'number',
    kernel: 'number',
    kernelTCP: 'number',
    swappiness: 'number',
    disableOOMKiller: 'boolean',
    useHierarchy: 'boolean',
    checkBeforeUpdate: 'boolean',
  },
  cpu: {
    shares: 'number',
    quota: 'number',
    burst: 'number',
    period: 'number',
    realtimeRuntime: 'number',
    realtimePeriod: 'number',
    cpus: 'text',
    mems: 'text',
    idle: 'number',
  },
  pids: { limit: 'number' },
  blockIO: {
    weight: 'number',
    leafWeight: 'number',
    weightDevice: weights,
    throttleReadBpsDevice: throttle,
    throttleWriteBpsDevice: throttle,
    throttleReadIOPSDevice: throttle,
    throttleWriteIOPSDevice: throttle,
  },
  hugepageLimits: list({ pageSize: 'text', limit: 'number' }),
  network: { classID: 'count', priorities: list({ name: 'text', priority: 'count' }) },
  rdma: map({ hcaHandles: 'number', hcaObjects: 'number' }),
  unified: map('text'),
};

const idMaps = list({ containerID: 'count', hostID: 'count', size: 'count' });
const hooks = list({ path: 'text', args: texts, env: texts, timeout: 'number' });
const offset: Shape = { secs: 'number', nanosecs: 'number' };

export const configShape: Shape = {
  ociVersion: 'text',
  root: { path: 'text', readonly: 'boolean' },
  mounts: list({
    destination: 'text',
    type: 'text',
    source: 'text',
    options: texts,
    uidMappings: idMaps,
    gidMappings: idMaps,
  }),
  process: processShape,
  hostname: 'text',
  domainname: 'text',
  hooks: {
    prestart: hooks,
    createRuntime: hooks,
    createContainer: hooks,
    startContainer: hooks,
    poststart: hooks,
    poststop: hooks,
  },
  annotations: map('text'),
  linux: {
    namespaces: list({ type: 'text', path: 'text' }),
    uidMappings: idMaps,
    gidMappings: idMaps,
    timeOffsets: { boottime: offset, monotonic: offset },
    devices: list({
      type: 'text',
      path: 'text',
      major: 'number',
      minor: 'number',
      fileMode: 'count',
      uid: 'count',
      gid: 'count',
    }),
    netDevices: map({ name: 'text' }),
    cgroupsPath: 'text',
    resources: resourcesShape,
    rootfsPropagation: 'text',
    seccomp: {
      defaultAction: 'text',
      defaultErrnoRet: 'count',
      architectures: texts,
      flags: texts,
      listenerPath: 'text',
      listenerMetadata: 'text',
      syscalls: list({
        names: texts,
        action: 'text',
        errnoRet: 'count',
        args: list({ index: 'count', value: 'number', valueTwo: 'number', op: 'text' }),
      }),
    },
    sysctl: map('text'),
    maskedPaths: texts,
    readonlyPaths: texts,
    mountLabel: 'text',
    intelRdt: {
      closID: 'text',
      schemata: texts,
      l3CacheSchema: 'text',
      memBwSchema: 'text',
      enableMonitoring: 'boolean',
    },
    memoryPolicy: { mode: 'text', nodes: 'text', flags: texts },
    personality: { domain: 'text', flags: texts },
  },
};
