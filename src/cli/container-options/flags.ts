/** The flags of `run` and `create`: everything a container can be made with in this version. */
import {
  bytes,
  contentTrust,
  duration,
  integer,
  list,
  parseEnvironmentEntry,
  parseLabel,
  text,
  toggle,
  value,
  values,
} from '../flag-types.ts';
import type { FlagValues } from '../flags.ts';
import { parseDomain, parseExtraHost, parseServer } from './extra-hosts.ts';
import { parseGpus } from './gpus.ts';
import {
  parseBytesPerSecond,
  parseCpus,
  parseDeviceRule,
  parseMemorySwap,
  parseOperationsPerSecond,
  parseUlimit,
  parseWeight,
  parseWeightDevice,
} from './limits.ts';
import { parseMount } from './mounts.ts';
import { parseNetwork } from './networks.ts';
import { parseExpose, parsePublish } from './ports.ts';
import { parseRestart } from './restart.ts';

const restart = value({
  type: 'policy',
  help: 'When it is started again: no, on-failure[:retries], always, unless-stopped',
  parse: parseRestart,
});

/** Limits `update` can change as well. */
export const limitFlags = {
  'blkio-weight': value({ type: 'uint16', help: 'Share of block I/O, 10 to 1000', parse: parseWeight }),
  'cpu-period': integer({ help: 'Length of a CPU period in microseconds' }),
  'cpu-quota': integer({ help: 'CPU time per period in microseconds' }),
  'cpu-rt-period': integer({ help: 'Length of a period of real-time scheduling in microseconds (cgroup v1)' }),
  'cpu-rt-runtime': integer({ help: 'Real time per such a period in microseconds (cgroup v1)' }),
  'cpu-shares': integer({ short: 'c', help: 'Share of CPU time when CPUs are busy (1024 is the usual share)' }),
  cpus: value({ type: 'decimal', help: 'CPUs that may be used, such as 1.5', parse: parseCpus }),
  'cpuset-cpus': text({ help: 'CPUs to run on, such as 0-3 or 0,1' }),
  'cpuset-mems': text({ help: 'Memory nodes to use, such as 0-1' }),
  memory: bytes({ short: 'm', help: 'Most memory, such as 512m' }),
  'memory-reservation': bytes({ help: 'Memory kept when the host runs short' }),
  'memory-swap': value({
    type: 'bytes',
    help: 'Most memory and swap together; -1 for any amount of swap',
    parse: parseMemorySwap,
  }),
  'pids-limit': integer({ help: 'Most processes and threads; -1 for any number' }),
};

/** Not Docker's. What `none` limits is free again. */
export const networkLimitFlags = {
  'network-burst-in': text({ help: 'What it may receive at once, in bytes such as 64k' }),
  'network-burst-out': text({ help: 'What it may send at once' }),
  'network-rate-in': text({ help: 'Most it receives on each network, such as 10mbit per second, or none' }),
  'network-rate-out': text({ help: 'Most it sends on each network, such as 10mbit per second, or none' }),
};

/** What `update` changes. */
export const updateFlags = { ...limitFlags, ...networkLimitFlags, restart };

export const containerFlags = {
  ...updateFlags,
  'add-host': list({ help: 'A name and address for /etc/hosts, as name:address', parse: parseExtraHost }),
  annotation: list({ help: 'Annotation for the runtime and its hooks, as name=value' }),
  attach: list({ short: 'a', help: 'Connect to stdin, stdout or stderr', parse: parseStream }),
  'blkio-weight-device': values({
    type: 'list',
    help: 'Share of the I/O of one device, as /dev/x:300',
    parse: parseWeightDevice,
  }),
  'cap-add': list({ help: 'Capabilities to add' }),
  'cap-drop': list({ help: 'Capabilities to take away' }),
  'cgroup-parent': text({ help: "Cgroup above the container's" }),
  runtime: text({ help: 'Runtime that makes the container, of those the daemon knows' }),
  cgroupns: text({ help: 'Cgroup namespace: private or host' }),
  cidfile: text({ help: "Write the container's id to this file, which must not exist" }),
  device: list({ help: 'Device of the host, as path[:path in the container][:rwm], or vendor.com/class=name' }),
  'device-cgroup-rule': list({ help: 'Rule of the device cgroup, such as "c 42:* rmw"', parse: parseDeviceRule }),
  'device-read-bps': values({
    type: 'list',
    help: 'Most bytes read per second, as /dev/x:1mb',
    parse: parseBytesPerSecond,
  }),
  'device-read-iops': values({
    type: 'list',
    help: 'Most reads per second, as /dev/x:1000',
    parse: parseOperationsPerSecond,
  }),
  'device-write-bps': values({ type: 'list', help: 'Most bytes written per second', parse: parseBytesPerSecond }),
  'device-write-iops': values({ type: 'list', help: 'Most writes per second', parse: parseOperationsPerSecond }),
  'disable-content-trust': contentTrust(),
  dns: list({ help: "Name server to ask instead of the host's", parse: parseServer }),
  'dns-option': list({ help: 'Option of the resolver, such as ndots:1', aliases: ['dns-opt'] }),
  'dns-search': list({ help: 'Domain to look names up in; . for none', parse: parseDomain }),
  domainname: text({ help: 'NIS domain name' }),
  entrypoint: text({ help: "Program to run instead of the image's; empty for none" }),
  env: list({
    short: 'e',
    help: 'Environment variable, as NAME=value, or NAME for the value it has here',
    parse: parseEnvironmentEntry,
  }),
  'env-file': list({ help: 'File with environment variables, one per line' }),
  expose: values({
    type: 'list',
    help: 'Port or range others may use, as 80[/udp]; not published',
    parse: parseExpose,
  }),
  gpus: values({ type: 'gpu-request', help: 'GPUs to add: all, a number, or device=ID', parse: parseGpus }),
  'group-add': list({ help: 'More groups for the user' }),
  'health-cmd': text({ help: 'Command of a shell that tells whether it is healthy' }),
  'health-interval': duration({ help: 'Time between two checks (default 30s)' }),
  'health-retries': integer({ help: 'Failures in a row that make it unhealthy (default 3)' }),
  'health-start-interval': duration({ help: 'Time between two checks while it starts (default 5s)' }),
  'health-start-period': duration({ help: 'Time it gets to start, in which failures do not count' }),
  'health-timeout': duration({ help: 'Most time of one check (default 30s)' }),
  hostname: text({ short: 'h', help: 'Host name' }),
  init: toggle({ help: 'Run a small init as pid 1 that passes on signals and reaps processes' }),
  interactive: toggle({ short: 'i', help: 'Keep stdin open' }),
  ip: text({ help: 'IPv4 address on the first network, such as 172.30.100.104' }),
  ip6: text({ help: 'IPv6 address on the first network' }),
  ipc: text({ help: 'IPC namespace: private, shareable, none, host, or container:NAME of one that shares it' }),
  isolation: text({ help: 'Way to isolate it: default, the only one on Linux' }),
  label: list({ short: 'l', help: 'Label, as name=value', parse: parseLabel }),
  'label-file': list({ help: 'File with labels, one per line' }),
  link: list({ help: 'Name for another container, as container[:alias]', parse: parseLinkFlag }),
  'link-local-ip': list({ help: 'Link-local address on the first network, which this daemon has not yet' }),
  'log-driver': text({ help: 'Where output is kept: json-file or none' }),
  'log-opt': list({ help: 'Option of the log, such as max-size=10m' }),
  'mac-address': text({ help: 'MAC address on the first network, such as 92:d0:c6:0a:29:33' }),
  'memory-swappiness': integer({ help: 'How readily memory is swapped out, 0 to 100 (cgroup v1)' }),
  mount: values({
    type: 'mount',
    help: 'Mount, as type=volume,src=data,dst=/b, type=bind,src=/a,dst=/b[,readonly][,idmap=uids=0-1000-1], type=tmpfs,dst=/b, type=image,src=IMAGE,dst=/b',
    parse: parseMount,
  }),
  name: text({ help: 'Name of the container' }),
  network: values({
    type: 'network',
    help: 'Network to be on, or none, host, container:NAME; name=NET,alias=A,ip=IP says more; several are possible',
    aliases: ['net'],
    parse: parseNetwork,
  }),
  'network-alias': list({ help: 'One more name on the first network', aliases: ['net-alias'] }),
  'no-healthcheck': toggle({ help: "Do without the image's health check" }),
  'oom-kill-disable': toggle({ help: 'Stop processes instead of killing them when memory runs out (cgroup v1)' }),
  'oom-score-adj': integer({ help: 'How likely the kernel kills it when memory runs out, -1000 to 1000' }),
  pid: text({ help: 'PID namespace: host, or container:NAME' }),
  platform: text({ help: 'The image for this platform, such as linux/arm64, where its name stands for several' }),
  privileged: toggle({ help: 'All capabilities and devices, nothing hidden' }),
  publish: values({
    short: 'p',
    type: 'list',
    help: 'Port of the host for one of the container, as [address:][port]:port[/udp]; ranges too',
    parse: parsePublish,
  }),
  'publish-all': toggle({ short: 'P', help: 'Publish every exposed port, each on any free port' }),
  pull: text({ help: 'When to pull the image: missing, always or never', initial: 'missing' }),
  quiet: toggle({ short: 'q', help: 'Do not show progress of pulling' }),
  'read-only': toggle({ help: 'Make the root file system read-only' }),
  rm: toggle({ help: 'Remove the container when it ends' }),
  'security-opt': list({ help: 'seccomp=FILE, seccomp=unconfined, no-new-privileges, systempaths=unconfined' }),
  'storage-opt': list({ help: 'size=10G: how much it may write into its root file system' }),
  'shm-size': bytes({ help: 'Size of /dev/shm (default 64m)' }),
  'stop-signal': text({ help: 'Signal that asks the container to end' }),
  'stop-timeout': integer({ help: 'Seconds until it is killed when stopped' }),
  sysctl: list({ help: 'Kernel parameter of its namespaces, as name=value', parse: parseSysctl }),
  tmpfs: list({ help: 'Folder in memory, as /path[:options]' }),
  tty: toggle({ short: 't', help: 'Give it a terminal' }),
  ulimit: values({ type: 'ulimit', help: 'Resource limit, as name=soft[:hard]', parse: parseUlimit }),
  user: text({ short: 'u', help: 'User, as name or uid, with an optional :group' }),
  userns: text({ help: 'User namespace: host, which it is anyway' }),
  uts: text({ help: 'UTS namespace: host for the name of the host' }),
  volume: list({
    short: 'v',
    help: 'Volume, or folder or file of the host, as source:path[:ro]; a path alone is a new volume',
  }),
  'volume-driver': text({ help: 'Who keeps the volumes of -v' }),
  'volumes-from': list({ help: "Another container's mounts, as container[:ro]" }),
  workdir: text({ short: 'w', help: 'Working directory' }),
};

export type ContainerFlags = FlagValues<typeof containerFlags>;

function parseStream(text: string): string {
  const name = text.toLowerCase();
  if (!['stdin', 'stdout', 'stderr'].includes(name)) throw new Error('valid streams are STDIN, STDOUT and STDERR');
  return name;
}

function parseLinkFlag(text: string): string {
  // Half an empty link is the daemon's to refuse.
  if (text === '') throw new Error('empty string specified for links');
  if (text.split(':').length > 2) throw new Error(`bad format for links: ${text}`);
  return text;
}

/** compat: with `net.` and `fs.mqueue.` the ones of namespaces; all others are the host's. */
const IPC_SYSCTLS: readonly string[] = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
];

function parseSysctl(text: string): string {
  const name = /^([^=]+)=/.exec(text)?.[1];
  if (name === undefined) throw new Error(`sysctl '${text}' is not allowed: write name=value`);
  const isOfNamespace = IPC_SYSCTLS.includes(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.');
  if (!isOfNamespace) throw new Error(`sysctl '${text}' is not allowed`);
  return text;
}
