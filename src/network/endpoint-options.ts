/** Driver options of an endpoint: as Docker documents them the interface's name in the container and its sysctls; its limits. */
import { errors } from './errors.ts';
import { readTrafficLimits, type TrafficLimits, trafficOption } from './traffic-limits.ts';

const OPTION = {
  interfaceName: 'com.docker.network.endpoint.ifname',
  sysctls: 'com.docker.network.endpoint.sysctls',
} as const;

export interface EndpointOptions {
  readonly interfaceName?: string;
  /** Names below /proc/sys/net, with `IFNAME` for the interface. */
  readonly sysctls: readonly { readonly name: string; readonly value: string }[];
  readonly limits: TrafficLimits;
}

/** `mtu` is the network's. Throws `network.noEndpointOption` and `network.invalid`. */
export function readEndpointOptions(options: Readonly<Record<string, string>>, mtu: number): EndpointOptions {
  const known: readonly string[] = [...Object.values(OPTION), ...Object.values(trafficOption)];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw errors.noEndpointOption(unknown, known.join(', '));
  const { [OPTION.interfaceName]: interfaceName, [OPTION.sysctls]: sysctls = '' } = options;
  // kernel: IFNAMSIZ, the NUL not counted.
  if (interfaceName !== undefined && (!/^[a-zA-Z][\w.-]{0,14}$/.test(interfaceName) || interfaceName === 'lo')) {
    throw errors.invalid(
      `invalid interface name ${JSON.stringify(interfaceName)}: at most 15 letters and digits, not lo`,
    );
  }
  return {
    ...(interfaceName === undefined ? {} : { interfaceName }),
    sysctls: sysctls === '' ? [] : sysctls.split(',').map(readSysctl),
    limits: readTrafficLimits(options, mtu),
  };
}

/** What is set between the clone and the program of a container comes too late for one that runs. Throws `network.unsupported`. */
export function refuseAtRunning(options: Readonly<Record<string, string>>): void {
  if (options[OPTION.sysctls] === undefined) return;
  throw errors.unsupported(`${OPTION.sysctls} for a running container`, 'connect it before it is started');
}

/** `net.ipv4.conf.IFNAME.log_martians=1`. compat: only what belongs to the interface. */
function readSysctl(text: string): { readonly name: string; readonly value: string } {
  const match = /^net\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.(\w+)=(\S+)$/.exec(text.trim());
  if (!match) {
    throw errors.invalid(
      `invalid sysctl ${JSON.stringify(text)} of an endpoint: net.ipv4.conf.IFNAME.NAME=VALUE is one`,
    );
  }
  const [, protocol, kind, name, value = ''] = match;
  return { name: `${protocol}/${kind}/IFNAME/${name}`, value };
}
