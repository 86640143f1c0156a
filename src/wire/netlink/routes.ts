/** Addresses of interfaces and routes. spec: rtnetlink(7), linux/rtnetlink.h. */
import { addressFamily, ipBytes, ipFamily, ipText } from './address-bytes.ts';
import { messageFlags, NetlinkBatch } from './batch.ts';
import { readAttributes, readMessages } from './reply.ts';

const RTM = { newAddress: 20, getAddress: 22, newRoute: 24, getRoute: 26 } as const;
const IFA = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
const RTA = { destination: 1, outputInterface: 4, gateway: 5, priority: 6, table: 15 } as const;
const IFA_F_NODAD = 0x02;
const TABLE_MAIN = 254;
const PROTOCOL_BOOT = 3;
const SCOPE = { universe: 0, link: 253 } as const;
const TYPE_UNICAST = 1;

const { acknowledge, create, exclusive, dump, replace } = messageFlags;

export interface InterfaceAddress {
  readonly index: number;
  readonly address: string;
  readonly prefixLength: number;
}

/** IPv6 addresses are usable at once: nobody else could have them. An address that is there already is no error. */
export function addAddress(batch: NetlinkBatch, { index, address, prefixLength }: InterfaceAddress): void {
  const family = ipFamily(address);
  const bytes = ipBytes(address);
  const isV6 = family === addressFamily.inet6;
  const struct = { type: RTM.newAddress, flags: acknowledge | create | replace };
  const flags = isV6 ? IFA_F_NODAD : 0;
  batch.add(
    { ...struct, struct: (out) => out.u8(family).u8(prefixLength).u8(flags).u8(SCOPE.universe).u32(index) },
    (attributes) => {
      attributes.raw(IFA.local, bytes).raw(IFA.address, bytes);
      if (!isV6 && prefixLength < 31) attributes.raw(IFA.broadcast, broadcastOf(bytes, prefixLength));
    },
  );
}

function broadcastOf(bytes: Uint8Array, prefixLength: number): Uint8Array {
  const hostBits = 32 - prefixLength;
  const address = Buffer.from(bytes).readUInt32BE(0);
  const broadcast = Buffer.alloc(4);
  broadcast.writeUInt32BE((address | (2 ** hostBits - 1)) >>> 0);
  return broadcast;
}

export interface RouteWish {
  /** Empty: everything. */
  readonly destination?: { readonly address: string; readonly prefixLength: number };
  readonly gateway?: string;
  readonly index: number;
  readonly family: number;
}

export function addRoute(batch: NetlinkBatch, route: RouteWish): void {
  changeRoute(batch, acknowledge | create | exclusive, route);
}

/** In the place of the one with its destination, or as a new one. */
export function replaceRoute(batch: NetlinkBatch, route: RouteWish): void {
  changeRoute(batch, acknowledge | create | replace, route);
}

function changeRoute(batch: NetlinkBatch, flags: number, route: RouteWish): void {
  const { destination, gateway, index, family } = route;
  const scope = gateway === undefined ? SCOPE.link : SCOPE.universe;
  batch.add(
    {
      type: RTM.newRoute,
      flags,
      struct: (out) => {
        out
          .u8(family)
          .u8(destination?.prefixLength ?? 0)
          .u8(0)
          .u8(0);
        out.u8(TABLE_MAIN).u8(PROTOCOL_BOOT).u8(scope).u8(TYPE_UNICAST).u32(0);
      },
    },
    (attributes) => {
      if (destination) attributes.raw(RTA.destination, ipBytes(destination.address));
      if (gateway !== undefined) attributes.raw(RTA.gateway, ipBytes(gateway));
      attributes.u32(RTA.outputInterface, index);
    },
  );
}

export function getAddresses(): NetlinkBatch {
  return new NetlinkBatch().add({ type: RTM.getAddress, flags: dump, struct: (out) => out.u32(0).u32(0) });
}

/** The addresses of an answer to `getAddresses`. */
export function readAddresses(received: Uint8Array): InterfaceAddress[] {
  return readMessages(received).flatMap(({ type, body }) => {
    if (type !== RTM.newAddress || body.length < 8) return [];
    const attributes = readAttributes(body, 8);
    const value = attributes.get(IFA.local) ?? attributes.get(IFA.address);
    if (value?.length !== 4 && value?.length !== 16) return [];
    return { index: body.readUInt32LE(4), address: ipText(value), prefixLength: body.readUInt8(1) };
  });
}

export function getRoutes(): NetlinkBatch {
  return new NetlinkBatch().add({ type: RTM.getRoute, flags: dump, struct: (out) => out.u32(0).u32(0).u32(0) });
}

export interface Route {
  /** The destination; a default route has `0.0.0.0` or `::` and prefix length 0. */
  readonly address: string;
  readonly prefixLength: number;
  /** Of the interface; 0 where there is none or several. */
  readonly index: number;
  readonly gateway: string;
}

/** Unicast routes of the main table in an answer to `getRoutes`. */
export function readRoutes(received: Uint8Array): Route[] {
  return readMessages(received).flatMap(({ type, body }) => {
    if (type !== RTM.newRoute || body.length < 12) return [];
    const family = body.readUInt8(0);
    if (family !== addressFamily.inet && family !== addressFamily.inet6) return [];
    if (body.readUInt8(4) !== TABLE_MAIN || body.readUInt8(7) !== TYPE_UNICAST) return [];
    const attributes = readAttributes(body, 12);
    const size = family === addressFamily.inet ? 4 : 16;
    const destination = attributes.get(RTA.destination);
    const gateway = attributes.get(RTA.gateway);
    const out = attributes.get(RTA.outputInterface);
    return {
      address: ipText(destination?.length === size ? destination : Buffer.alloc(size)),
      prefixLength: body.readUInt8(1),
      index: out?.length === 4 ? out.readUInt32LE(0) : 0,
      gateway: gateway?.length === size ? ipText(gateway) : '',
    };
  });
}
