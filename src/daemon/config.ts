/** The daemon's flags. A flag we cannot honour is refused with what to do. */
import { isIPv4 } from 'node:net';
import { parseArgs } from 'node:util';
import type { NetworkOptions } from '#network';
import { defineErrors, type LogLevel, logLevels, messageOf } from '#base';
import {
  checkInsecureRegistry,
  checkMirror,
  defaultRegistryConfig,
  HUB_HOST,
  proxiesFromEnvironment,
  type RegistryConfig,
} from '#registry';
import { skiffVersion } from './version.ts';

export interface DaemonConfig {
  readonly dataRoot: string;
  readonly execRoot: string;
  /** Unix sockets to listen on. */
  readonly sockets: readonly string[];
  readonly pidFile: string;
  readonly logLevel: LogLevel;
  /** Containers go on when the daemon stops. */
  readonly liveRestore: boolean;
  /** Above the containers' cgroups. */
  readonly cgroupParent: string;
  readonly socketGroup: string;
  readonly shutdownTimeoutSeconds: number;
  readonly registry: RegistryConfig;
  readonly network: NetworkOptions;
}

const errors = defineErrors('daemon', {
  badFlag: { kind: 'invalid', message: (what: string) => what },
});

export const daemonDefaults = {
  dataRoot: '/var/lib/skiff',
  execRoot: '/run/skiff',
  socket: '/run/skiff.sock',
  bridge: 'skiff0',
} as const;

export const daemonHelp = `Usage: skiffd [OPTIONS]

The Skiff daemon, in the foreground. Prints one line "API listen on SOCKET" when it is ready.

Options:
  -H, --host URL             Where to listen, unix:///path; may be given several times (default unix://${daemonDefaults.socket})
      --data-root DIR        State that stays (default ${daemonDefaults.dataRoot})
      --exec-root DIR        State of running containers (default ${daemonDefaults.execRoot})
  -p, --pidfile FILE         Write the process id here
  -G, --group NAME           Group that may use the sockets
  -l, --log-level LEVEL      ${logLevels.join(', ')} (default info)
      --live-restore         Leave containers running when the daemon stops
      --cgroup-parent PATH   Cgroup above the containers' (default /skiff)
      --shutdown-timeout S   Seconds containers get to stop (default 15)
  -b, --bridge NAME          Bridge of the default network and name of the nftables table (default ${daemonDefaults.bridge}); none: no default network
      --bip CIDR             Address of that bridge and its network, such as 172.30.0.1/24 (default: the first that is free)
      --mtu N                MTU of the default network (default 1500)
      --insecure-registry R  Registry without TLS, or with any certificate: host, host:port or CIDR (repeatable)
      --registry-mirror URL  Ask this before Docker Hub (repeatable)
      --http-proxy URL       Proxy for HTTP registries (default: HTTP_PROXY)
      --https-proxy URL      Proxy for HTTPS registries (default: HTTPS_PROXY)
      --no-proxy LIST        Hosts and networks reached without a proxy (default: NO_PROXY)
      --max-concurrent-downloads N  Layers pulled at a time (default ${defaultRegistryConfig.maxConcurrentDownloads})
      --max-concurrent-uploads N    Layers pushed at a time (default ${defaultRegistryConfig.maxConcurrentUploads})
      --max-download-attempts N     Tries of a transfer before it is given up (default ${defaultRegistryConfig.maxAttempts})
  -v, --version              Print the version and exit
      --help                 Print this
`;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the command line. Throws `daemon.badFlag`. */
export function parseDaemonFlags(
  args: readonly string[],
  environment: Environment = {},
): DaemonConfig & { readonly show?: 'help' | 'version' } {
  const values = parse(args);
  const hosts = values.host ?? [`unix://${daemonDefaults.socket}`];
  const logLevel = logLevels.find((level) => level === (values['log-level'] ?? 'info'));
  if (!logLevel) throw errors.badFlag(`invalid log level '${values['log-level']}': use ${logLevels.join(', ')}`);
  const timeout = Number(values['shutdown-timeout'] ?? 15);
  if (!Number.isInteger(timeout))
    throw errors.badFlag(`invalid --shutdown-timeout '${values['shutdown-timeout']}': give whole seconds`);
  return {
    dataRoot: absolute('--data-root', values['data-root'] ?? daemonDefaults.dataRoot),
    execRoot: absolute('--exec-root', values['exec-root'] ?? daemonDefaults.execRoot),
    sockets: hosts.map(socketPath),
    pidFile: values.pidfile ?? '',
    logLevel,
    liveRestore: values['live-restore'] ?? false,
    cgroupParent: values['cgroup-parent'] ?? '/skiff',
    socketGroup: values.group ?? '',
    shutdownTimeoutSeconds: timeout,
    registry: registryConfig(values, environment),
    network: networkOptions(values),
    ...(values.help ? { show: 'help' } : values.version ? { show: 'version' } : {}),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        host: { type: 'string', short: 'H', multiple: true },
        'data-root': { type: 'string' },
        'exec-root': { type: 'string' },
        pidfile: { type: 'string', short: 'p' },
        group: { type: 'string', short: 'G' },
        'log-level': { type: 'string', short: 'l' },
        'live-restore': { type: 'boolean' },
        'cgroup-parent': { type: 'string' },
        'shutdown-timeout': { type: 'string' },
        bridge: { type: 'string', short: 'b' },
        bip: { type: 'string' },
        mtu: { type: 'string' },
        'insecure-registry': { type: 'string', multiple: true },
        'registry-mirror': { type: 'string', multiple: true },
        'http-proxy': { type: 'string' },
        'https-proxy': { type: 'string' },
        'no-proxy': { type: 'string' },
        'max-concurrent-downloads': { type: 'string' },
        'max-concurrent-uploads': { type: 'string' },
        'max-download-attempts': { type: 'string' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw errors.badFlag(`${error instanceof Error ? error.message : String(error)}\nSee 'skiffd --help'.`);
  }
}

function registryConfig(values: ReturnType<typeof parse>, environment: Environment): RegistryConfig {
  const inherited = proxiesFromEnvironment(environment);
  const count = (
    flag: 'max-concurrent-downloads' | 'max-concurrent-uploads' | 'max-download-attempts',
    byDefault: number,
  ): number => {
    const text = values[flag] ?? String(byDefault);
    if (!/^[1-9]\d{0,3}$/.test(text)) throw errors.badFlag(`invalid --${flag} '${text}': give a number from 1 to 9999`);
    return Number(text);
  };
  try {
    const mirrors = (values['registry-mirror'] ?? []).map(checkMirror);
    return {
      ...defaultRegistryConfig,
      insecureRegistries: (values['insecure-registry'] ?? []).map(checkInsecureRegistry),
      mirrors: mirrors.length === 0 ? {} : { [HUB_HOST]: mirrors },
      proxies: {
        httpProxy: values['http-proxy'] ?? inherited.httpProxy,
        httpsProxy: values['https-proxy'] ?? inherited.httpsProxy,
        noProxy: values['no-proxy'] ?? inherited.noProxy,
      },
      userAgent: `skiff/${skiffVersion} node/${process.versions.node} os/linux`,
      maxConcurrentDownloads: count('max-concurrent-downloads', defaultRegistryConfig.maxConcurrentDownloads),
      maxConcurrentUploads: count('max-concurrent-uploads', defaultRegistryConfig.maxConcurrentUploads),
      maxAttempts: count('max-download-attempts', defaultRegistryConfig.maxAttempts),
    };
  } catch (error) {
    throw errors.badFlag(messageOf(error));
  }
}

function networkOptions(values: ReturnType<typeof parse>): NetworkOptions {
  const bridge = values.bridge || daemonDefaults.bridge;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/.test(bridge)) {
    throw errors.badFlag(`invalid --bridge '${bridge}': give the name of an interface, at most 15 letters, or none`);
  }
  const bip = values.bip ?? '';
  const isAddress = isIPv4(bip.replace(/\/\d+$/, '')) && /\/(?:[89]|[12]\d)$/.test(bip);
  if (bip !== '' && !isAddress) {
    throw errors.badFlag(`invalid --bip '${bip}': give an address with its network's length, such as 172.30.0.1/24`);
  }
  if (bip !== '' && bridge === 'none') throw errors.badFlag('--bip makes no sense with --bridge=none: leave one out');
  const mtu = Number(values.mtu ?? 1500);
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 65535) {
    throw errors.badFlag(`invalid --mtu '${values.mtu}': give a number from 68 to 65535`);
  }
  return { bridge, bridgeAddress: bip, mtu };
}

function absolute(flag: string, path: string): string {
  if (!path.startsWith('/')) throw errors.badFlag(`${flag} '${path}' is not an absolute path`);
  return path.replace(/(.)\/+$/, '$1');
}

function socketPath(host: string): string {
  const path = host.startsWith('unix://') ? host.slice('unix://'.length) : host;
  if (!path.startsWith('/'))
    throw errors.badFlag(`cannot listen on '${host}': this version listens on unix:///path only`);
  return path;
}
