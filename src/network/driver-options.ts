/** The options of networks: what each driver knows, and what they say. Pure but for random addresses. */
import { randomBytes } from 'node:crypto';
import { macText } from '#wire';
import { familyOf, toNumber } from './cidr.ts';
import { errors } from './errors.ts';
import type { BridgeSettings, IpvlanSettings, MacvlanSettings, NetworkRecord } from './network-record.ts';

/** Drivers users make networks of. */
export type CreatedDriver = 'bridge' | 'macvlan' | 'ipvlan';
type Options = Readonly<Record<string, string>>;

export const driverOption = {
  bridgeName: 'com.docker.network.bridge.name',
  interContainer: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  gatewayMode4: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayMode6: 'com.docker.network.bridge.gateway_mode_ipv6',
  inhibitIpv4: 'com.docker.network.bridge.inhibit_ipv4',
  trustedInterfaces: 'com.docker.network.bridge.trusted_host_interfaces',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
  mtu: 'com.docker.network.driver.mtu',
  interfacePrefix: 'com.docker.network.container_iface_prefix',
  parent: 'parent',
  macvlanMode: 'macvlan_mode',
  ipvlanMode: 'ipvlan_mode',
  ipvlanFlag: 'ipvlan_flag',
} as const;

const everywhere = [driverOption.mtu, driverOption.interfacePrefix];
const known = {
  bridge: [
    driverOption.bridgeName,
    driverOption.interContainer,
    driverOption.masquerade,
    driverOption.hostBinding,
    driverOption.gatewayMode4,
    driverOption.gatewayMode6,
    driverOption.inhibitIpv4,
    driverOption.trustedInterfaces,
    ...everywhere,
  ],
  macvlan: [driverOption.parent, driverOption.macvlanMode, ...everywhere],
  ipvlan: [driverOption.parent, driverOption.ipvlanMode, driverOption.ipvlanFlag, ...everywhere],
} as const satisfies Record<CreatedDriver, readonly string[]>;

/** kernel: IFNAMSIZ, the NUL not counted. */
const MAX_INTERFACE_NAME = 15;
const DEFAULT_MTU = 1500;

/** Throws `network.noDriver`, and `network.onlyOne` for those there is one network of. */
export function checkDriver(name: string): CreatedDriver {
  if (name === '' || name === 'default' || name === 'bridge') return 'bridge';
  if (name === 'macvlan' || name === 'ipvlan') return name;
  if (name === 'host' || name === 'null') throw errors.onlyOne(name);
  if (name === 'overlay') throw errors.unsupported('the driver overlay', 'it needs a swarm; use bridge');
  throw errors.noDriver(name);
}

/** What the options of a network say, or their defaults. Throws `network.invalid` and `network.unsupported`. */
export function readDriverOptions(
  driver: CreatedDriver,
  options: Options,
  { id, internal }: { readonly id: string; readonly internal: boolean },
): Pick<NetworkRecord, 'bridge' | 'macvlan' | 'ipvlan' | 'interfacePrefix'> {
  const names: readonly string[] = known[driver];
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw errors.unsupported(`the option "${unknown}" of ${driver} networks`, `there are ${names.join(', ')}`);
  }
  const interfacePrefix = interfacePrefixOf(options);
  if (driver === 'bridge') return { bridge: bridgeOf(options, id, internal), interfacePrefix };
  if (driver === 'macvlan') return { macvlan: macvlanOf(options), interfacePrefix };
  return { ipvlan: ipvlanOf(options), interfacePrefix };
}

function bridgeOf(options: Options, id: string, internal: boolean): BridgeSettings {
  const name = options[driverOption.bridgeName] ?? `br-${id.slice(0, 12)}`;
  checkInterfaceName(name);
  const hostBinding = options[driverOption.hostBinding] ?? '0.0.0.0';
  if (familyOf(hostBinding) !== 4)
    throw errors.invalid(`${driverOption.hostBinding}: ${hostBinding} is no IPv4 address`);
  toNumber(hostBinding);
  return {
    name,
    mac: randomMac(),
    mtu: mtuOf(options),
    interContainer: truth(driverOption.interContainer, options),
    masquerade: truth(driverOption.masquerade, options),
    hostBinding,
    ...gatewayModesOf(options, internal),
    ...(truth(driverOption.inhibitIpv4, options, 'false') ? { inhibitIpv4: true } : {}),
    ...trustedInterfacesOf(options),
  };
}

/** compat: names with colons between them. */
function trustedInterfacesOf({
  [driverOption.trustedInterfaces]: text = '',
}: Options): Pick<BridgeSettings, 'trustedInterfaces'> {
  if (text === '') return {};
  const trustedInterfaces = text.split(':');
  for (const name of trustedInterfaces) checkInterfaceName(name);
  return { trustedInterfaces };
}

/** compat: the mode isolated is for internal networks only. */
function gatewayModesOf(options: Options, internal: boolean): Pick<BridgeSettings, 'gatewayModes'> {
  const modes = ([4, 6] as const).map((family) => {
    const name = family === 4 ? driverOption.gatewayMode4 : driverOption.gatewayMode6;
    const mode = oneOf(options, name, ['nat', 'nat-unprotected', 'routed', 'isolated']);
    if (mode === 'isolated' && !internal) {
      throw errors.invalid(`${name}: gateway mode 'isolated' can only be used for an internal network`);
    }
    return [family, mode] as const;
  });
  const special = modes.filter(([, mode]) => mode !== 'nat');
  return special.length > 0 ? { gatewayModes: Object.fromEntries(special) } : {};
}

function macvlanOf(options: Options): MacvlanSettings {
  const parent = parentOf('macvlan', options);
  const mode = oneOf(options, driverOption.macvlanMode, ['bridge', 'private', 'vepa', 'passthru']);
  return { parent, mode, mtu: mtuOf(options) };
}

function ipvlanOf(options: Options): IpvlanSettings {
  const parent = parentOf('ipvlan', options);
  const mode = options[driverOption.ipvlanMode] ?? 'l2';
  if (mode === 'l3' || mode === 'l3s') {
    throw errors.unsupported(`${driverOption.ipvlanMode}=${mode}`, 'use l2, or a bridge and routes to it');
  }
  const flag = oneOf(options, driverOption.ipvlanFlag, ['bridge', 'private', 'vepa']);
  return { parent, mode: oneOf(options, driverOption.ipvlanMode, ['l2']), flag, mtu: mtuOf(options) };
}

function parentOf(driver: string, { [driverOption.parent]: parent }: Options): string {
  if (parent === undefined) {
    throw errors.unsupported(
      `a ${driver} network without a parent`,
      'name an interface of the host with -o parent=NAME',
    );
  }
  checkInterfaceName(parent);
  return parent;
}

/** The first is the default. */
function oneOf<const Choice extends string>(options: Options, name: string, choices: readonly Choice[]): Choice {
  const value = options[name] ?? choices[0]!;
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw errors.invalid(`invalid ${name} ${JSON.stringify(value)}: there is ${choices.join(', ')}`);
  return found;
}

function checkInterfaceName(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[\s/:]/.test(name) || name.length > MAX_INTERFACE_NAME) {
    throw errors.invalid(
      `invalid interface name ${JSON.stringify(name)}: at most ${MAX_INTERFACE_NAME} letters without blanks, '/' and ':'`,
    );
  }
}

function interfacePrefixOf(options: Options): string {
  const prefix = options[driverOption.interfacePrefix] ?? 'eth';
  if (!/^[a-zA-Z][a-zA-Z0-9_-]{0,11}$/.test(prefix) || prefix === 'lo') {
    throw errors.invalid(`invalid ${driverOption.interfacePrefix} ${JSON.stringify(prefix)}`);
  }
  return prefix;
}

function mtuOf(options: Options): number {
  const text = options[driverOption.mtu] ?? String(DEFAULT_MTU);
  const mtu = Number(text);
  if (!/^\d+$/.test(text) || (mtu !== 0 && (mtu < 68 || mtu > 65535))) {
    throw errors.invalid(`invalid MTU ${JSON.stringify(text)}: give a number from 68 to 65535`);
  }
  return mtu === 0 ? DEFAULT_MTU : mtu;
}

/** compat: Go's strconv.ParseBool. */
function truth(option: string, options: Options, usual = 'true'): boolean {
  const text = options[option] ?? usual;
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw errors.invalid(`invalid value for ${option}: ${JSON.stringify(text)}: use true or false`);
}

/** Locally administered, as Docker's bridges. */
export function randomMac(): string {
  return macText(Buffer.concat([Buffer.of(0x02, 0x42), randomBytes(4)]));
}
