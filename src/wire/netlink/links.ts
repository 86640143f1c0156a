/** Interfaces: rtnetlink's RTM_NEWLINK and its kin for bridges, veth pairs, macvlan, ipvlan and VLANs. spec: rtnetlink(7), linux/if_link.h. */
import type { BytesWriter } from '#base';
import { macBytes, macText } from './address-bytes.ts';
import { type AttributeWriter, messageFlags, NetlinkBatch } from './batch.ts';
import { readAttributes, readMessages, readText } from './reply.ts';

const RTM = { newLink: 16, delLink: 17, getLink: 18 } as const;
const IFLA = { address: 1, name: 3, mtu: 4, link: 5, master: 10, linkInfo: 18, netNsPid: 19, alias: 20 } as const;
const INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const VETH_INFO_PEER = 1;
const BRIDGE_PORT_HAIRPIN = 4;
const BRIDGE_PORT_ISOLATED = 33;
const MACVLAN_MODE = 1;
const IPVLAN = { mode: 1, flags: 2 } as const;
const VLAN_ID = 1;
const IFF_UP = 1;

const { acknowledge, create, exclusive, dump } = messageFlags;

/** ifinfomsg. */
const interfaceInfo =
  (index: number, up: boolean) =>
  (out: BytesWriter): void => {
    const flags = up ? IFF_UP : 0;
    out.u32(0).u32(index).u32(flags).u32(flags);
  };

function linkOptions(attributes: AttributeWriter, options: { readonly mtu?: number; readonly mac?: string }): void {
  if (options.mac !== undefined) attributes.raw(IFLA.address, macBytes(options.mac));
  if (options.mtu !== undefined && options.mtu > 0) attributes.u32(IFLA.mtu, options.mtu);
}

export interface BridgeLink {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
}

/** A bridge that is not up yet: EEXIST when there is one of that name. */
export function addBridge(batch: NetlinkBatch, { name, mac, mtu }: BridgeLink): void {
  const flags = acknowledge | create | exclusive;
  batch.add({ type: RTM.newLink, flags, struct: interfaceInfo(0, false) }, (attributes) => {
    attributes.text(IFLA.name, name);
    linkOptions(attributes, { mtu, mac });
    attributes.nested(IFLA.linkInfo, (info) => info.text(INFO.kind, 'bridge'));
  });
}

export interface VethPair {
  /** Of the side that stays here, up and in the bridge. */
  readonly hostName: string;
  /** Its index, which nothing else may have. kernel: the peer's is only taken over where this is given too. */
  readonly hostIndex: number;
  /** The bridge's index. */
  readonly bridge: number;
  readonly mtu: number;
  /** The side born in the network namespace of a process; it is not up yet. */
  readonly peer: {
    readonly name: string;
    readonly index: number;
    readonly mac: string;
    readonly pid: number | 'child';
  };
}

/** kernel: a peer made in its namespace costs a hundredth of one that is moved there. */
export function addVeth(batch: NetlinkBatch, { hostName, hostIndex, bridge, mtu, peer }: VethPair): void {
  const flags = acknowledge | create | exclusive;
  batch.add({ type: RTM.newLink, flags, struct: interfaceInfo(hostIndex, true) }, (attributes) => {
    attributes.text(IFLA.name, hostName).u32(IFLA.master, bridge);
    linkOptions(attributes, { mtu });
    attributes.nested(IFLA.linkInfo, (info) => {
      info.text(INFO.kind, 'veth').nested(INFO.data, (data) => {
        data.nested(VETH_INFO_PEER, (inner) => {
          inner.struct(interfaceInfo(peer.index, false)).text(IFLA.name, peer.name);
          linkOptions(inner, { mtu, mac: peer.mac });
          addPid(batch, inner, peer.pid);
        });
      });
    });
  });
}

function addPid(batch: NetlinkBatch, attributes: AttributeWriter, pid: number | 'child'): void {
  if (pid === 'child') batch.pidAt(attributes.offset + 4);
  attributes.u32(IFLA.netNsPid, pid === 'child' ? 0 : pid);
}

export interface MacvlanLink {
  readonly name: string;
  /** In the namespace it is born in. */
  readonly index: number;
  /** Of the interface it sits on. */
  readonly parent: number;
  readonly mac: string;
  readonly mode: 'private' | 'vepa' | 'bridge' | 'passthru';
  readonly mtu: number;
  readonly pid: number | 'child';
}

const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;

export function addMacvlan(batch: NetlinkBatch, link: MacvlanLink): void {
  const flags = acknowledge | create | exclusive;
  batch.add({ type: RTM.newLink, flags, struct: interfaceInfo(link.index, false) }, (attributes) => {
    attributes.text(IFLA.name, link.name).u32(IFLA.link, link.parent);
    linkOptions(attributes, link);
    attributes.nested(IFLA.linkInfo, (info) => {
      info.text(INFO.kind, 'macvlan').nested(INFO.data, (data) => data.u32(MACVLAN_MODE, macvlanModes[link.mode]));
    });
    addPid(batch, attributes, link.pid);
  });
}

export interface IpvlanLink extends Omit<MacvlanLink, 'mac' | 'mode'> {
  readonly mode: 'l2' | 'l3' | 'l3s';
  readonly flag: 'bridge' | 'private' | 'vepa';
}

const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

/** All of a parent's have its MAC address. EOPNOTSUPP where the kernel has none. */
export function addIpvlan(batch: NetlinkBatch, link: IpvlanLink): void {
  const flags = acknowledge | create | exclusive;
  batch.add({ type: RTM.newLink, flags, struct: interfaceInfo(link.index, false) }, (attributes) => {
    attributes.text(IFLA.name, link.name).u32(IFLA.link, link.parent);
    linkOptions(attributes, { mtu: link.mtu });
    attributes.nested(IFLA.linkInfo, (info) => {
      info.text(INFO.kind, 'ipvlan').nested(INFO.data, (data) => {
        data.u16(IPVLAN.mode, ipvlanModes[link.mode]).u16(IPVLAN.flags, ipvlanFlags[link.flag]);
      });
    });
    addPid(batch, attributes, link.pid);
  });
}

export interface VlanLink {
  readonly name: string;
  /** Index of the interface it is a VLAN of. */
  readonly lower: number;
  readonly id: number;
  /** A remark, for people and for who made it. */
  readonly alias: string;
}

/** One that is not up yet. */
export function addVlan(batch: NetlinkBatch, { name, lower, id, alias }: VlanLink): void {
  const flags = acknowledge | create | exclusive;
  batch.add({ type: RTM.newLink, flags, struct: interfaceInfo(0, false) }, (attributes) => {
    attributes.text(IFLA.name, name).u32(IFLA.link, lower).text(IFLA.alias, alias);
    attributes.nested(IFLA.linkInfo, (info) => {
      info.text(INFO.kind, 'vlan').nested(INFO.data, (data) => data.u16(VLAN_ID, id));
    });
  });
}

/** Of the port that `name` is of its bridge. Hairpin lets a container reach itself through the bridge. */
export function setBridgePort(batch: NetlinkBatch, name: string, port: { readonly isolated: boolean }): void {
  batch.add({ type: RTM.newLink, flags: acknowledge, struct: interfaceInfo(0, false) }, (attributes) => {
    attributes.text(IFLA.name, name).nested(IFLA.linkInfo, (info) => {
      info.text(INFO.slaveKind, 'bridge').nested(INFO.slaveData, (data) => {
        data.u8(BRIDGE_PORT_HAIRPIN, 1);
        if (port.isolated) data.u8(BRIDGE_PORT_ISOLATED, 1);
      });
    });
  });
}

export function setLinkUp(batch: NetlinkBatch, index: number): void {
  batch.add({ type: RTM.newLink, flags: acknowledge, struct: interfaceInfo(index, true) });
}

/** kernel: waits for everybody who may still look at it (15 ms and more): not for the way of a start. */
export function deleteLink(batch: NetlinkBatch, name: string): void {
  batch.add({ type: RTM.delLink, flags: acknowledge, struct: interfaceInfo(0, false) }, (attributes) => {
    attributes.text(IFLA.name, name);
  });
}

/** Asks for every interface, or for the one of this name (ENODEV when there is none). */
export function getLinks(name?: string): NetlinkBatch {
  const batch = new NetlinkBatch();
  if (name === undefined) return batch.add({ type: RTM.getLink, flags: dump, struct: interfaceInfo(0, false) });
  return batch.add({ type: RTM.getLink, flags: 0, struct: interfaceInfo(0, false) }, (attributes) => {
    attributes.text(IFLA.name, name);
  });
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
  readonly up: boolean;
  readonly mtu: number;
  /** `bridge`, `veth`; empty for hardware. */
  readonly kind: string;
  /** Index of the bridge it is in; 0 for none. */
  readonly master: number;
  /** A remark of whoever made it; empty for none. */
  readonly alias: string;
}

/** The interfaces of an answer to `getLinks`. */
export function readLinks(received: Uint8Array): Link[] {
  return readMessages(received).flatMap(({ type, body }) => {
    if (type !== RTM.newLink || body.length < 16) return [];
    const attributes = readAttributes(body, 16);
    const info = attributes.get(IFLA.linkInfo);
    return {
      index: body.readUInt32LE(4),
      name: readText(attributes.get(IFLA.name)),
      mac: macText(attributes.get(IFLA.address) ?? Buffer.alloc(0)),
      up: (body.readUInt32LE(8) & IFF_UP) !== 0,
      mtu: number(attributes.get(IFLA.mtu)),
      kind: info ? readText(readAttributes(info).get(INFO.kind)) : '',
      master: number(attributes.get(IFLA.master)),
      alias: readText(attributes.get(IFLA.alias)),
    };
  });
}

const number = (value: Buffer | undefined): number => (value?.length === 4 ? value.readUInt32LE(0) : 0);
