/**
 * nf_tables in one transaction: tables, chains, sets, rules, elements between a BEGIN and an END; all of it or nothing.
 *
 * spec: linux/netfilter/nfnetlink.h and nf_tables.h. Only the last message asks for an acknowledgement: the kernel reports
 * what it refuses either way.
 */
import type { BytesWriter } from '#base';
import { type AttributeWriter, messageFlags, NetlinkBatch } from '../netlink/batch.ts';
import type { Expression } from './expressions.ts';
import { commentBytes } from './questions.ts';

const SUBSYSTEM = 10;
const BATCH = { begin: 16, end: 17 } as const;
const MESSAGE = {
  newTable: 0,
  delTable: 2,
  newChain: 3,
  newRule: 6,
  delRule: 8,
  newSet: 9,
  newElement: 12,
  delElement: 14,
} as const;
const TABLE_NAME = 1;
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
const HOOK = { number: 1, priority: 2 } as const;
const RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userData: 7 } as const;
const SET = { table: 1, name: 2, flags: 3, keyType: 4, keyLength: 5, dataType: 6, dataLength: 7, id: 10 } as const;
const ELEMENTS = { table: 1, set: 2, list: 3 } as const;
const ELEMENT = { key: 1, data: 2 } as const;
const DATA_VALUE = 1;
const LIST_ITEM = 1;
const EXPRESSION = { name: 1, data: 2 } as const;

/** Families of tables. */
export const nftFamily = { inet: 1, ipv4: 2, ipv6: 10 } as const;

/** Where a base chain hangs. */
export const nftHook = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

export interface BaseChain {
  readonly type: 'nat' | 'filter';
  readonly hook: number;
  readonly priority: number;
}

/** Numbers of data types, which `nft list` shows; the kernel only looks at lengths. */
const dataTypes = {
  ipv4: { number: 7, length: 4 },
  ipv6: { number: 8, length: 16 },
  protocol: { number: 12, length: 1 },
  port: { number: 13, length: 2 },
  interface: { number: 41, length: 16 },
} as const;

export type NftType = keyof typeof dataTypes;

const FLAG_MAP = 0x8;

export interface NftSet {
  readonly name: string;
  readonly key: readonly NftType[];
  /** A map. */
  readonly data?: readonly NftType[];
}

export interface NftElement {
  readonly key: readonly Uint8Array[];
  readonly data?: readonly Uint8Array[];
}

/** Builds one transaction on one table. */
export class NftBatch {
  readonly #family: number;
  readonly #table: string;
  readonly #writes: ((out: NetlinkBatch, last: boolean) => void)[] = [];
  #sets = 0;

  constructor(family: number, table: string) {
    this.#family = family;
    this.#table = table;
  }

  table(): this {
    return this.#add(MESSAGE.newTable, messageFlags.create, (to) => to.text(TABLE_NAME, this.#table));
  }

  /** With all that is in it; ENOENT when there is none. */
  deleteTable(): this {
    return this.#add(MESSAGE.delTable, 0, (to) => to.text(TABLE_NAME, this.#table));
  }

  chain(name: string, base?: BaseChain): this {
    return this.#add(MESSAGE.newChain, messageFlags.create, (to) => {
      to.text(CHAIN.table, this.#table).text(CHAIN.name, name);
      if (!base) return;
      to.nested(CHAIN.hook, (hook) => hook.be32(HOOK.number, base.hook).be32(HOOK.priority, base.priority));
      to.text(CHAIN.type, base.type);
    });
  }

  rule(chain: string, ...expressions: readonly Expression[]): this {
    return this.commentedRule(chain, '', ...expressions);
  }

  /** A rule that is found again among those of others. */
  commentedRule(chain: string, comment: string, ...expressions: readonly Expression[]): this {
    return this.#add(MESSAGE.newRule, messageFlags.create | messageFlags.append, (to) => {
      to.text(RULE.table, this.#table)
        .text(RULE.chain, chain)
        .nested(RULE.expressions, (list) => {
          for (const { name, write } of expressions) {
            list.nested(LIST_ITEM, (item) => item.text(EXPRESSION.name, name).nested(EXPRESSION.data, write));
          }
        });
      if (comment !== '') to.raw(RULE.userData, commentBytes(comment));
    });
  }

  /** ENOENT, and nothing done, when it is not there. */
  deleteRule(chain: string, handle: bigint): this {
    return this.#add(MESSAGE.delRule, 0, (to) =>
      to.text(RULE.table, this.#table).text(RULE.chain, chain).be64(RULE.handle, Number(handle)),
    );
  }

  set({ name, key, data }: NftSet): this {
    this.#sets += 1;
    const id = this.#sets;
    return this.#add(MESSAGE.newSet, messageFlags.create, (to) => {
      to.text(SET.table, this.#table)
        .text(SET.name, name)
        .be32(SET.flags, data ? FLAG_MAP : 0)
        .be32(SET.keyType, typeNumber(key))
        .be32(SET.keyLength, typeLength(key));
      if (data) to.be32(SET.dataType, typeNumber(data)).be32(SET.dataLength, typeLength(data));
      to.be32(SET.id, id);
    });
  }

  elements(set: string, elements: readonly NftElement[]): this {
    return this.#change(MESSAGE.newElement, messageFlags.create, set, elements);
  }

  /** ENOENT, and nothing done, when one of them is not there. */
  deleteElements(set: string, elements: readonly NftElement[]): this {
    return this.#change(MESSAGE.delElement, 0, set, elements);
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  /** The whole transaction as one datagram. */
  bytes(): Uint8Array {
    const out = new NetlinkBatch();
    const struct = generalHeader(0, SUBSYSTEM);
    out.add({ type: BATCH.begin, flags: 0, struct });
    this.#writes.forEach((write, index) => write(out, index === this.#writes.length - 1));
    return out.add({ type: BATCH.end, flags: 0, struct }).bytes();
  }

  #change(message: number, flags: number, set: string, elements: readonly NftElement[]): this {
    if (elements.length === 0) return this;
    return this.#add(message, flags, (to) => {
      to.text(ELEMENTS.table, this.#table)
        .text(ELEMENTS.set, set)
        .nested(ELEMENTS.list, (list) => {
          for (const { key, data } of elements) {
            list.nested(LIST_ITEM, (item) => {
              item.nested(ELEMENT.key, (value) => value.raw(DATA_VALUE, joined(key)));
              if (data) item.nested(ELEMENT.data, (value) => value.raw(DATA_VALUE, joined(data)));
            });
          }
        });
    });
  }

  #add(message: number, flags: number, fill: (to: AttributeWriter) => void): this {
    const type = (SUBSYSTEM << 8) | message;
    const struct = generalHeader(this.#family, 0);
    this.#writes.push((out, last) => {
      out.add({ type, flags: flags | (last ? messageFlags.acknowledge : 0), struct }, fill);
    });
    return this;
  }
}

/** nfgenmsg: family, version 0, resource id in network order. */
const generalHeader =
  (family: number, resource: number) =>
  (out: BytesWriter): void => {
    out
      .u8(family)
      .u8(0)
      .u8(resource >> 8)
      .u8(resource & 0xff);
  };

/** Fields of a concatenation each take whole registers of four bytes. */
const registerLength = (length: number): number => (length + 3) & ~3;

const TYPE_BITS = 6;

function typeNumber(types: readonly NftType[]): number {
  return types.reduce((number, type) => (number << TYPE_BITS) | dataTypes[type].number, 0);
}

function typeLength(types: readonly NftType[]): number {
  if (types.length === 1) return dataTypes[types[0]!].length;
  return types.reduce((length, type) => length + registerLength(dataTypes[type].length), 0);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const size = parts.reduce((length, part) => length + registerLength(part.length), 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += registerLength(part.length);
  }
  return bytes;
}
