/**
 * How fast an interface may send: rtnetlink's RTM_NEWQDISC for tbf, the token bucket filter.
 *
 * spec: tc-tbf(8), linux/pkt_sched.h; tcmsg { u8 family, padding, i32 index, u32 handle, u32 parent, u32 info }.
 */
import type { BytesWriter } from '#base';
import { messageFlags, type NetlinkBatch } from './batch.ts';

const RTM = { newQdisc: 36, delQdisc: 37 } as const;
const TCA = { kind: 1, options: 2 } as const;
const TBF = { parameters: 1, rate64: 4, burst: 6 } as const;
const ROOT = 0xffff_ffff;
/** 1:0. An own one, so that it is changed in its place. */
const HANDLE = 0x0001_0000;
/** kernel: with a link layer that is known no table of transmission times is asked for. */
const LINK_LAYER_ETHERNET = 1;
const MOST_32 = 0xffff_ffff;
const PARAMETERS_BYTES = 36;
/** What may wait beside the burst, as a time; more is dropped. */
const QUEUE_SECONDS = 0.05;

const { acknowledge, create, replace } = messageFlags;

export interface RateLimit {
  readonly bytesPerSecond: number;
  /** What may be sent at once; no less than a packet, for a larger one is never sent. */
  readonly burstBytes: number;
}

const trafficMessage =
  (index: number) =>
  (out: BytesWriter): void => {
    out.u32(0).u32(index).u32(HANDLE).u32(ROOT).u32(0);
  };

/** In the place of what the interface has, or had. */
export function limitRate(batch: NetlinkBatch, index: number, { bytesPerSecond, burstBytes }: RateLimit): void {
  const limit = Math.min(burstBytes + Math.ceil(bytesPerSecond * QUEUE_SECONDS), MOST_32);
  const rate = Math.min(bytesPerSecond, MOST_32);
  const flags = acknowledge | create | replace;
  batch.add({ type: RTM.newQdisc, flags, struct: trafficMessage(index) }, (attributes) => {
    attributes.text(TCA.kind, 'tbf').nested(TCA.options, (options) => {
      // tc_tbf_qopt: the rate, no rate for peaks, limit, buffer and mtu; the buffer is told below, in bytes.
      const parameters = Buffer.alloc(PARAMETERS_BYTES);
      parameters.writeUInt8(LINK_LAYER_ETHERNET, 1);
      parameters.writeUInt32LE(rate, 8);
      parameters.writeUInt32LE(limit, 24);
      options.raw(TBF.parameters, parameters);
      if (bytesPerSecond > MOST_32) {
        const rate64 = Buffer.alloc(8);
        rate64.writeBigUInt64LE(BigInt(bytesPerSecond));
        options.raw(TBF.rate64, rate64);
      }
      options.u32(TBF.burst, Math.min(burstBytes, MOST_32));
    });
  });
}

/** ENOENT when the interface has no limit of ours. */
export function unlimitRate(batch: NetlinkBatch, index: number): void {
  batch.add({ type: RTM.delQdisc, flags: acknowledge, struct: trafficMessage(index) });
}
