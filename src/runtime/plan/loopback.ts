/** `lo` of a new network namespace, switched on by one rtnetlink message. Source: rtnetlink(7). */
import { BytesWriter } from '#base';
import { NONE, type Op } from './op.ts';

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
