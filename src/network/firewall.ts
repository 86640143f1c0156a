/**
 * The daemon's own nf_tables table: what may be forwarded, what is masqueraded, where published ports lead. A function of
 * the networks and ports; a change of networks replaces the whole table in one transaction, a port is one element of a map.
 *
 *     output               to ::1 → accept: the daemon listens there
 *     prerouting, output   destination is local → publish: address . protocol . port, then protocol . port
 *     postrouting          published, and back to the bridge it came from, or from 127.0.0.0/8 → masquerade;
 *                          from a network of ours to elsewhere → masquerade
 *     forward              of an internal network: only within it; to a bridge of ours: answers, published ports, neighbours,
 *                          open: address . protocol . port of networks that are routed
 *     loopback             from a bridge of ours to 127.0.0.0/8: never (route_localnet would let them)
 */
import {
  accept,
  addressIn,
  connectionIsKnown,
  connectionIsPublished,
  destinationFromRegister,
  destinationIsLocal,
  drop,
  familyIs,
  inputIn,
  inputIs,
  interfaceBytes,
  ipBytes,
  jump,
  loadPortKey,
  lookup,
  masquerade,
  NftBatch,
  type NftElement,
  nftFamily,
  nftHook,
  outputIn,
  outputIs,
  outputIsNot,
  portBytes,
  protocolIs,
} from '#wire';
import { familyOf, parseCidr, toAddress } from './cidr.ts';
import type { NetworkRecord, PortProtocol, PublishedPort } from './network-record.ts';

const FAMILY_NUMBER = { 4: 2, 6: 10 } as const;
const ICMP = { 4: 1, 6: 58 } as const;
const PRIORITY = { raw: -300, destination: -100, filter: 0, source: 100 } as const;
/** A datagram of netlink has its limits; more elements come in further transactions. */
const ELEMENTS_AT_ONCE = 500;

export const protocolNumbers: Readonly<Record<PortProtocol, number>> = { tcp: 6, udp: 17, sctp: 132 };

/** A published port and the container's address it leads to. */
export interface PortTarget extends PublishedPort {
  readonly address: string;
}

/** Replaces the table: the first transaction has everything but the ports, which come in the others. */
export function fullTable(table: string, networks: readonly NetworkRecord[], ports: readonly PortTarget[]): NftBatch[] {
  const bridges = networks.filter((network) => network.driver === 'bridge');
  const batch = new NftBatch(nftFamily.inet, table).table().deleteTable().table();
  batch.set({ name: 'bridges', key: ['interface'] });
  for (const family of [4, 6] as const) {
    const type = `ipv${family}` as const;
    batch.set({ name: `ports${family}`, key: ['protocol', 'port'], data: [type, 'port'] });
    batch.set({ name: `ports${family}at`, key: [type, 'protocol', 'port'], data: [type, 'port'] });
    batch.set({ name: `open${family}`, key: [type, 'protocol', 'port'] });
  }
  batch.chain('publish');
  batch.chain('prerouting', { type: 'nat', hook: nftHook.prerouting, priority: PRIORITY.destination });
  batch.chain('output', { type: 'nat', hook: nftHook.output, priority: PRIORITY.destination });
  batch.chain('postrouting', { type: 'nat', hook: nftHook.postrouting, priority: PRIORITY.source });
  batch.chain('forward', { type: 'filter', hook: nftHook.forward, priority: PRIORITY.filter });
  batch.chain('loopback', { type: 'filter', hook: nftHook.prerouting, priority: PRIORITY.raw });
  // kernel: there is no way from ::1 to a bridge. The daemon serves it.
  batch.rule('output', ...familyIs(FAMILY_NUMBER[6]), ...addressIn('destination', ipBytes('::1'), 128), accept());
  for (const chain of ['prerouting', 'output']) batch.rule(chain, ...destinationIsLocal(), jump('publish'));
  for (const family of [4, 6] as const) {
    const is = familyIs(FAMILY_NUMBER[family]);
    const size = family === 4 ? 4 : 16;
    const to = destinationFromRegister(family);
    batch.rule('publish', ...is, ...loadPortKey(size), lookup(`ports${family}at`, { map: true }), to);
    batch.rule('publish', ...is, ...loadPortKey(0), lookup(`ports${family}`, { map: true }), to);
  }
  const loopback = ipBytes('127.0.0.0');
  const ofLoopback = (side: 'source' | 'destination') => [
    ...familyIs(FAMILY_NUMBER[4]),
    ...addressIn(side, loopback, 8),
  ];
  batch.rule('loopback', ...inputIn('bridges'), ...ofLoopback('destination'), drop());
  batch.rule('postrouting', ...outputIn('bridges'), ...ofLoopback('source'), ...connectionIsPublished(), masquerade());
  for (const network of bridges) addForwarding(batch, network);
  batch.rule('forward', ...outputIn('bridges'), ...connectionIsKnown(), accept());
  batch.rule('forward', ...outputIn('bridges'), ...connectionIsPublished(), accept());
  for (const family of [4, 6] as const) {
    const key = loadPortKey(family === 4 ? 4 : 16);
    batch.rule(
      'forward',
      ...outputIn('bridges'),
      ...familyIs(FAMILY_NUMBER[family]),
      ...key,
      lookup(`open${family}`),
      accept(),
    );
  }
  batch.rule('forward', ...outputIn('bridges'), drop());
  for (const network of bridges) addMasquerading(batch, network);
  batch.elements(
    'bridges',
    bridges.map(({ bridge }) => ({ key: [interfaceBytes(bridge!.name)] })),
  );
  return [batch, ...portBatches(table, ports)];
}

function addForwarding(batch: NftBatch, { internal, bridge }: NetworkRecord): void {
  const { name, gatewayModes = {}, trustedInterfaces = [] } = bridge!;
  batch.rule('forward', ...inputIs(name), ...outputIs(name), accept());
  if (internal) {
    batch.rule('forward', ...inputIs(name), drop());
    batch.rule('forward', ...outputIs(name), drop());
    return;
  }
  for (const trusted of trustedInterfaces) batch.rule('forward', ...inputIs(trusted), ...outputIs(name), accept());
  for (const family of [4, 6] as const) {
    const to = [...outputIs(name), ...familyIs(FAMILY_NUMBER[family])];
    if (gatewayModes[family] === 'nat-unprotected') batch.rule('forward', ...to, accept());
    // compat: they answer to ping.
    if (gatewayModes[family] === 'routed') batch.rule('forward', ...to, ...protocolIs(ICMP[family]), accept());
  }
}

function addMasquerading(batch: NftBatch, { bridge, internal, pools }: NetworkRecord): void {
  const { name, masquerade: wanted, gatewayModes = {} } = bridge!;
  for (const { subnet } of pools) {
    const { family, base, prefixLength } = parseCidr(subnet);
    const source = addressIn('source', ipBytes(toAddress(base, family)), prefixLength);
    const from = [...familyIs(FAMILY_NUMBER[family]), ...source];
    // A neighbour, or the container itself, that came by way of the host's address: the answer has to go back that way.
    // kernel: where bridges call iptables there is no input interface to compare here.
    batch.rule('postrouting', ...from, ...outputIs(name), ...connectionIsPublished(), masquerade());
    if (wanted && !internal && gatewayModes[family] !== 'routed')
      batch.rule('postrouting', ...from, ...outputIsNot(name), masquerade());
  }
}

/** Adds ports; as many transactions as they need. */
export function portBatches(table: string, ports: readonly PortTarget[]): NftBatch[] {
  const batches: NftBatch[] = [];
  for (let from = 0; from < ports.length; from += ELEMENTS_AT_ONCE) {
    const batch = new NftBatch(nftFamily.inet, table);
    for (const [map, elements] of byMap(ports.slice(from, from + ELEMENTS_AT_ONCE))) batch.elements(map, elements);
    batches.push(batch);
  }
  return batches;
}

/** Takes ports away; ENOENT, and nothing done, when one of them is not there. */
export function withdrawPorts(table: string, ports: readonly PortTarget[]): NftBatch {
  const batch = new NftBatch(nftFamily.inet, table);
  for (const [map, elements] of byMap(ports)) {
    batch.deleteElements(
      map,
      elements.map(({ key }) => ({ key })),
    );
  }
  return batch;
}

/** Ends the table. */
export function withoutTable(table: string): NftBatch {
  return new NftBatch(nftFamily.inet, table).table().deleteTable();
}

function byMap(ports: readonly PortTarget[]): Map<string, NftElement[]> {
  const maps = new Map<string, NftElement[]>();
  for (const { hostIp, hostPort, protocol, address, containerPort } of ports) {
    const family = familyOf(hostIp);
    if (hostPort === 0) {
      const key = [ipBytes(address), Uint8Array.of(protocolNumbers[protocol]), portBytes(containerPort)];
      maps.getOrInsertComputed(`open${family}`, () => []).push({ key });
      continue;
    }
    const any = hostIp === '0.0.0.0' || hostIp === '::';
    const port = [Uint8Array.of(protocolNumbers[protocol]), portBytes(hostPort)];
    const map = `ports${family}${any ? '' : 'at'}`;
    const element = {
      key: any ? port : [ipBytes(hostIp), ...port],
      data: [ipBytes(address), portBytes(containerPort)],
    };
    maps.getOrInsertComputed(map, () => []).push(element);
  }
  return maps;
}
