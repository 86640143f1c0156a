/** `skiff network create`. */
import { isIP } from 'node:net';
import type { IpamBody } from '#specs';
import { defineCommand } from '../command.ts';
import { toMap } from '../container-options/environment.ts';
import { errors } from '../errors.ts';
import { list, parseLabel, text, toggle } from '../flag-types.ts';

export const networkCreate = defineCommand({
  usage: '[OPTIONS] NETWORK',
  summary: 'Make a network',
  flags: {
    attachable: toggle({ help: 'Noted, as containers may always be connected here' }),
    'aux-address': list({ help: 'Address that is not handed out, as name=address' }),
    'config-from': text({ help: 'Name of the configuration to make it from' }),
    'config-only': toggle({ help: 'Only a configuration, for other networks' }),
    driver: text({ short: 'd', help: 'bridge, macvlan or ipvlan', initial: 'bridge' }),
    gateway: list({ help: "The host's address on it" }),
    ingress: toggle({ help: 'The routing mesh of a swarm, which there is none of here' }),
    internal: toggle({ help: 'No way out of it, and none in' }),
    'ip-range': list({ help: 'Part of the subnet addresses are handed out of' }),
    'ipam-driver': text({ help: 'Who hands out addresses', initial: 'default' }),
    'ipam-opt': list({ help: 'Option for them, as name=value' }),
    ipv4: toggle({ help: 'With IPv4 addresses', initial: true }),
    ipv6: toggle({ help: 'With IPv6 addresses too' }),
    label: list({ help: 'Label, as name=value', parse: parseLabel }),
    opt: list({ short: 'o', help: 'Option of the driver, as name=value' }),
    scope: text({ help: 'local, the only one without a swarm' }),
    subnet: list({ help: 'Network in CIDR notation, such as 172.30.0.0/24' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, given, args: [name = ''] }) => {
    const Config = poolsOf(flags);
    const id = await context.client().networks.create({
      Name: name,
      Driver: flags.driver,
      Options: toMap(flags.opt),
      IPAM: { Driver: flags['ipam-driver'], Options: toMap(flags['ipam-opt']), Config },
      Internal: flags.internal,
      Attachable: flags.attachable,
      ...(flags.ingress ? { Ingress: true } : {}),
      ...(flags.scope === '' ? {} : { Scope: flags.scope }),
      ...(flags['config-only'] ? { ConfigOnly: true } : {}),
      ...(flags['config-from'] === '' ? {} : { ConfigFrom: { Network: flags['config-from'] } }),
      ...(given.has('ipv4') ? { EnableIPv4: flags.ipv4 } : {}),
      EnableIPv6: flags.ipv6,
      Labels: toMap(flags.label),
    });
    context.print(id);
    return 0;
  },
});

interface PoolFlags {
  readonly subnet: readonly string[];
  readonly gateway: readonly string[];
  readonly 'ip-range': readonly string[];
  readonly 'aux-address': readonly string[];
}

/** Each range, gateway and address goes to the subnet of its family; which addresses fit is the daemon's to say. */
function poolsOf(flags: PoolFlags): NonNullable<IpamBody['Config']> {
  const subnets = flags.subnet.flatMap((each) => each.split(','));
  const others = [...flags.gateway, ...flags['ip-range']];
  if (subnets.length === 0) {
    if (others.length > 0 || flags['aux-address'].length > 0) {
      throw errors.invalid('every ip-range or gateway must have a corresponding subnet');
    }
    return [];
  }
  const familyOf = (text: string): number => isIP(text.replace(/\/.*$/, ''));
  const auxiliary = Object.entries(toMap(flags['aux-address']));
  const orphan = [...others, ...auxiliary.map(([, address]) => address)].find(
    (text) => !subnets.some((subnet) => familyOf(subnet) === familyOf(text)),
  );
  if (orphan !== undefined) throw errors.invalid(`no matching subnet for ${orphan}`);
  return subnets.map((Subnet) => {
    const ofFamily = (texts: readonly string[]): string | undefined =>
      texts.find((text) => familyOf(text) === familyOf(Subnet));
    const [IPRange, Gateway] = [ofFamily(flags['ip-range']), ofFamily(flags.gateway)];
    const own = auxiliary.filter(([, address]) => familyOf(address) === familyOf(Subnet));
    return {
      Subnet,
      ...(IPRange === undefined ? {} : { IPRange }),
      ...(Gateway === undefined ? {} : { Gateway }),
      ...(own.length === 0 ? {} : { AuxiliaryAddresses: Object.fromEntries(own) }),
    };
  });
}
