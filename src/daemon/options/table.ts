/**
 * Every option of dockerd's (20.10 to 29), by what becomes of it here: honoured; *noted*, which is one line of warning,
 * because it speaks of a part Skiff does not have; *later*, which is refused until that part is written; or *refused*.
 *
 * A flag and a key of the configuration file are one option. compat: dockerd's names, short forms and kinds.
 */
import { bool, integer, type Kind, list, map, runtimes, section, size, text, ulimits } from './kinds.ts';

export type Treatment = 'honoured' | 'noted' | 'later' | 'refused';

export interface Option {
  readonly flag: string;
  /** In the configuration file; the flag's name unless it is a list or a map. */
  readonly key: string;
  readonly short?: string;
  // A table holds options of all kinds; `Given` hands their values on.
  readonly kind: Kind<unknown>;
  readonly help: string;
  readonly treatment: Treatment;
  /** Of what is not honoured: the reason, or what to do instead. */
  readonly why?: string;
  /** Values that ask for nothing, shown as `kind.show` shows them. */
  readonly harmless?: readonly string[];
  /** Only one of the two forms exists. */
  readonly only?: 'flag' | 'file';
  /** compat: what may be given in both places without a conflict. */
  readonly merges?: true;
}

type More = Partial<Omit<Option, 'flag' | 'kind' | 'help' | 'treatment'>>;

function honoured(flag: string, kind: object, help: string, more: More = {}): Option {
  return { flag, key: flag, kind: kind as Kind<unknown>, help, treatment: 'honoured', ...more };
}

function other(treatment: Treatment, flag: string, kind: object, why: string, more: More = {}): Option {
  return { ...honoured(flag, kind, '', more), treatment, why };
}

const noted = (flag: string, kind: object, why: string, more: More = {}): Option =>
  other('noted', flag, kind, why, more);
const later = (flag: string, kind: object, more: More = {}): Option =>
  other('later', flag, kind, 'this option about networks comes with a later version', more);
const refused = (flag: string, kind: object, why: string, more: More = {}): Option =>
  other('refused', flag, kind, why, more);

const NO_CONTAINERD = 'there is no containerd: the daemon starts containers itself';
const NO_SWARM = 'this engine takes no part in a swarm';

export const options: readonly Option[] = [
  honoured('host', list, 'Where to listen: unix:///path, tcp://host:port, fd:// (socket activation)', {
    key: 'hosts',
    short: 'H',
  }),
  honoured('data-root', text, 'State that stays'),
  honoured('exec-root', text, 'State of running containers'),
  honoured('pidfile', text, 'Write the process id here', { short: 'p' }),
  honoured('config-file', text, 'Read options from this file', { only: 'flag' }),
  honoured('validate', bool, 'Check options and configuration file, and exit', { only: 'flag' }),
  honoured('group', text, 'Group that may use the unix sockets', { short: 'G' }),
  honoured('log-level', text, 'debug, info, warn, error or fatal', { short: 'l' }),
  honoured('log-format', text, 'text or json'),
  honoured('debug', bool, 'Log more: --log-level debug', { short: 'D' }),
  honoured('label', list, 'key=value label of the daemon', { key: 'labels' }),
  honoured('builder', section, 'What the build cache may take of the disk', { only: 'file' }),
  honoured('live-restore', bool, 'Leave containers running when the daemon stops'),
  honoured('shutdown-timeout', integer, 'Seconds containers get to stop with the daemon; -1 is without end'),
  honoured('oom-score-adjust', integer, 'oom_score_adj of the daemon'),
  honoured('tls', bool, 'Serve TCP with TLS'),
  honoured('tlsverify', bool, 'Serve TCP with TLS, to clients with a certificate of --tlscacert only'),
  honoured('tlscacert', text, 'Authority of the certificates of clients'),
  honoured('tlscert', text, 'Certificate'),
  honoured('tlskey', text, 'Key of the certificate'),

  honoured('cgroup-parent', text, "Cgroup above the containers'"),
  honoured('add-runtime', runtimes, 'One more OCI runtime for containers: crun=/usr/bin/crun', {
    key: 'runtimes',
    merges: true,
  }),
  honoured('default-runtime', text, 'skiff, which also answers to the name runc, or one that was added'),
  honoured('default-ulimit', ulimits, 'Limit of containers that have none of that name', { key: 'default-ulimits' }),
  honoured('default-shm-size', size, 'Size of /dev/shm'),
  honoured('default-cgroupns-mode', text, 'host or private'),
  honoured('default-ipc-mode', text, 'private, shareable or none'),
  honoured('init', bool, 'Run an init in containers that do not say'),
  honoured('init-path', text, 'The init program, instead of our own'),
  honoured('no-new-privileges', bool, 'Programs of containers gain no rights by being executed'),
  honoured('seccomp-profile', text, 'Seccomp profile of containers: a file, builtin or unconfined'),
  honoured('log-driver', text, 'Log driver of containers: json-file or none'),
  honoured('log-opt', map, 'Options of the log driver', { key: 'log-opts' }),
  honoured('storage-driver', text, 'overlay2, or vfs where there are no overlays', { short: 's' }),
  honoured('storage-opt', list, 'Options of the storage driver: overlay2.size=SIZE', { key: 'storage-opts' }),
  honoured('exec-opt', list, 'native.cgroupdriver=cgroupfs', { key: 'exec-opts' }),
  honoured('cdi-spec-dir', list, 'Where vendors describe devices for containers (/etc/cdi, /var/run/cdi)', {
    key: 'cdi-spec-dirs',
  }),
  honoured('bridge', text, 'Bridge of the default network (skiff0); none: there is no such network', { short: 'b' }),

  honoured('insecure-registry', list, 'Registry without TLS, or with any certificate: host[:port] or CIDR', {
    key: 'insecure-registries',
  }),
  honoured('registry-mirror', list, 'Ask this before Docker Hub', { key: 'registry-mirrors' }),
  honoured('max-concurrent-downloads', integer, 'Layers pulled at a time'),
  honoured('max-concurrent-uploads', integer, 'Layers pushed at a time'),
  honoured('max-download-attempts', integer, 'Tries of a transfer before it is given up'),
  honoured('http-proxy', text, 'Proxy for HTTP registries (HTTP_PROXY)', { only: 'flag' }),
  honoured('https-proxy', text, 'Proxy for HTTPS registries (HTTPS_PROXY)', { only: 'flag' }),
  honoured('no-proxy', text, 'Hosts and networks reached without a proxy (NO_PROXY)', { only: 'flag' }),
  honoured('proxies', map, '', { only: 'file' }),

  noted('containerd', text, NO_CONTAINERD),
  noted('containerd-namespace', text, NO_CONTAINERD),
  noted('containerd-plugins-namespace', text, NO_CONTAINERD, { key: 'containerd-plugin-namespace' }),
  noted('cri-containerd', bool, NO_CONTAINERD),
  noted('userland-proxy', bool, 'there is no proxy per published port'),
  noted('userland-proxy-path', text, 'there is no proxy per published port'),
  noted('iptables', bool, "the rules of others are left alone, and Skiff's own are in tables of its own"),
  noted('ip6tables', bool, "the rules of others are left alone, and Skiff's own are in tables of its own"),
  noted('firewall-backend', text, "the rules of others are left alone, and Skiff's own are in tables of its own"),
  noted('raw-logs', bool, 'logs have full times and no colours anyway'),
  noted('experimental', bool, 'there is no experimental mode'),
  noted('features', section, 'of optional features there is only cdi', {
    only: 'file',
    harmless: ['{"cdi":true}', '{"cdi":false}'],
  }),
  noted('min-api-version', text, 'the versions spoken are fixed', { only: 'file' }),
  noted('api-cors-header', text, 'pages of other sites are never allowed to read answers'),
  noted('network-control-plane-mtu', integer, NO_SWARM),
  noted('swarm-default-advertise-addr', text, NO_SWARM),
  noted('node-generic-resource', list, NO_SWARM, { key: 'node-generic-resources' }),
  noted('allow-nondistributable-artifacts', list, 'layers with foreign URLs are not pushed'),

  honoured('bip', text, 'Address of the default bridge and its network, such as 172.30.0.1/24'),
  later('bip6', text),
  later('fixed-cidr', text),
  later('fixed-cidr-v6', text),
  later('default-gateway', text),
  later('default-gateway-v6', text),
  later('default-address-pool', list, { key: 'default-address-pools' }),
  later('default-network-opt', map, { key: 'default-network-opts' }),
  honoured('mtu', integer, 'MTU of the default network'),
  honoured('publish-mode', text, "How ports are published: forward, or listen, which obeys the host's input rules"),
  later('dns', list),
  later('dns-opt', list, { key: 'dns-opts' }),
  later('dns-search', list),
  later('icc', bool, { harmless: ['true'] }),
  later('ip', text, { harmless: ['0.0.0.0'] }),
  later('ipv6', bool, { harmless: ['false'] }),
  later('ip-forward', bool, { harmless: ['true'] }),
  later('ip-forward-no-drop', bool, { harmless: ['false'] }),
  later('ip-masq', bool, { harmless: ['true'] }),
  later('host-gateway-ip', list, { key: 'host-gateway-ips' }),
  later('allow-direct-routing', bool, { harmless: ['false'] }),
  later('bridge-accept-fwmark', text),

  refused('authorization-plugin', list, 'there are no plugins, so nothing would be asked: put a proxy in front', {
    key: 'authorization-plugins',
  }),
  refused('metrics-addr', text, 'there are no metrics: leave it out'),
  refused('selinux-enabled', bool, 'containers get no SELinux labels: leave it out', { harmless: ['false'] }),
  refused('userns-remap', text, 'containers get no user namespace: leave it out', { harmless: [''] }),
  refused('rootless', bool, 'the daemon runs as root: leave it out', { harmless: ['false'] }),
  refused('cpu-rt-period', integer, 'the parent cgroup has no real-time share: leave it out', { harmless: ['0'] }),
  refused('cpu-rt-runtime', integer, 'the parent cgroup has no real-time share: leave it out', { harmless: ['0'] }),
];

/** What the daemon reads again at SIGHUP; anything else of the file is taken in at the next start. */
export const reloadableKeys: ReadonlySet<string> = new Set([
  'debug',
  'log-level',
  'labels',
  'live-restore',
  'insecure-registries',
  'registry-mirrors',
  'max-concurrent-downloads',
  'max-concurrent-uploads',
  'max-download-attempts',
  'default-runtime',
  'runtimes',
  'shutdown-timeout',
  'default-shm-size',
]);

export const optionByFlag: ReadonlyMap<string, Option> = new Map(
  options.filter(({ only }) => only !== 'file').map((option) => [option.flag, option]),
);

export const optionByKey: ReadonlyMap<string, Option> = new Map(
  options.filter(({ only }) => only !== 'flag').map((option) => [option.key, option]),
);
