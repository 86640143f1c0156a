/** Questions to nf_tables about chains and rules of others, and what is read from the answers. spec: linux/netfilter/nf_tables.h. */
import { messageFlags, NetlinkBatch } from '../netlink/batch.ts';
import { readAttributes, readMessages, readText } from '../netlink/reply.ts';

const SUBSYSTEM = 10;
const MESSAGE = { newChain: 3, getChain: 4, newRule: 6, getRule: 7 } as const;
const CHAIN = { table: 1, name: 3, policy: 5 } as const;
const RULE = { table: 1, chain: 2, handle: 3, userData: 7 } as const;
const COMMENT = 0;

const typeOf = (message: number): number => (SUBSYSTEM << 8) | message;

/** ENOENT when there is no such chain. */
export function getChain(family: number, table: string, name: string): NetlinkBatch {
  const batch = new NetlinkBatch();
  const struct = { type: typeOf(MESSAGE.getChain), flags: 0 };
  return batch.add({ ...struct, struct: (out) => out.u8(family).u8(0).u16(0) }, (to) =>
    to.text(CHAIN.table, table).text(CHAIN.name, name),
  );
}

/** What becomes of packets no rule of the chain decides on; undefined for a chain that hangs nowhere. */
export function readChainPolicy(received: Uint8Array): 'accept' | 'drop' | undefined {
  for (const { type, body } of readMessages(received)) {
    if (type !== typeOf(MESSAGE.newChain)) continue;
    const policy = readAttributes(body, 4).get(CHAIN.policy);
    if (policy?.length === 4) return policy.readUInt32BE(0) === 0 ? 'drop' : 'accept';
  }
  return undefined;
}

/** Rules of a chain. kernel: of one that is not there it answers with none. */
export function getRules(family: number, table: string, chain: string): NetlinkBatch {
  const batch = new NetlinkBatch();
  const struct = { type: typeOf(MESSAGE.getRule), flags: messageFlags.dump };
  return batch.add({ ...struct, struct: (out) => out.u8(family).u8(0).u16(0) }, (to) =>
    to.text(RULE.table, table).text(RULE.chain, chain),
  );
}

export interface NftRule {
  readonly chain: string;
  readonly handle: bigint;
  /** Empty for none. */
  readonly comment: string;
}

export function readRules(received: Uint8Array): NftRule[] {
  return readMessages(received).flatMap(({ type, body }) => {
    if (type !== typeOf(MESSAGE.newRule)) return [];
    const attributes = readAttributes(body, 4);
    const handle = attributes.get(RULE.handle);
    if (handle?.length !== 8) return [];
    return {
      chain: readText(attributes.get(RULE.chain)),
      handle: handle.readBigUInt64BE(0),
      comment: readComment(attributes.get(RULE.userData)),
    };
  });
}

/** What nft(8) keeps with a rule: type, length, value, one after the other. */
export function commentBytes(text: string): Uint8Array {
  const value = Buffer.from(`${text}\0`);
  return Buffer.concat([Buffer.of(COMMENT, value.length), value]);
}

function readComment(bytes: Buffer | undefined): string {
  for (let at = 0; bytes && at + 2 <= bytes.length; at += 2 + bytes[at + 1]!) {
    const end = at + 2 + bytes[at + 1]!;
    if (bytes[at] === COMMENT && end <= bytes.length) return readText(bytes.subarray(at + 2, end));
  }
  return '';
}
