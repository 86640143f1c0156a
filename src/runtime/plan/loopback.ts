/** A new network namespace: `lo` switched on by one rtnetlink message, and what else is asked for. Source: rtnetlink(7). */
import { BytesWriter } from '#base';
import { O } from '#linux';
import type { NetlinkRequest, NetworkSetup } from './input.ts';
import { NONE, type Op, opFlags } from './op.ts';

const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const NLM_F_REQUEST_ACK = 0x1 | 0x4;
const IFF_UP = 1;
const LOOPBACK_INDEX = 1;

/** nlmsghdr (16 bytes) and ifinfomsg (16 bytes): set IFF_UP on interface 1, which is always `lo`. */
export function loopbackUp(): Op {
  const messages = new BytesWriter(32)
    .u32(32)
    .u16(RTM_NEWLINK)
    .u16(NLM_F_REQUEST_ACK)
    .u32(1)
    .u32(0)
    .u16(0)
    .u16(0)
    .u32(LOOPBACK_INDEX)
    .u32(IFF_UP)
    .u32(IFF_UP)
    .done();
  return { op: 'netlink', protocol: NETLINK_ROUTE, messages: Uint8Array.from(messages), pidOffset: NONE };
}

/** Once there is a child, before it goes on: it must not see its network half made. */
export function networkOutside(setup: NetworkSetup | undefined): Op[] {
  return (setup?.outside ?? []).map(netlink);
}

/** By the child, in its own network. */
export function networkInside(setup: NetworkSetup | undefined): Op[] {
  const switches = (setup?.switches ?? []).map(({ name, value }): Op => {
    const path = `/proc/sys/net/${name}`;
    return {
      op: 'writeFile',
      opFlags: opFlags.ignoreMissing,
      at: NONE,
      path,
      data: value,
      openFlags: O.WRONLY,
      mode: 0,
    };
  });
  return [...switches, ...(setup?.inside ?? []).map(netlink)];
}

function netlink({ protocol, messages, pidOffset = NONE }: NetlinkRequest): Op {
  return { op: 'netlink', protocol, messages, pidOffset };
}
