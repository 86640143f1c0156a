/**
 * Expressions of nf_tables rules: each loads into a register, compares, looks up, or decides. A rule is a row of them; the
 * first that does not match ends it. spec: linux/netfilter/nf_tables.h.
 */
import type { AttributeWriter } from '../netlink/batch.ts';
import { interfaceBytes } from './keys.ts';

export interface Expression {
  readonly name: string;
  readonly write: (attributes: AttributeWriter) => void;
}

/** The first 32-bit register; a field of n bytes takes n / 4 of them. */
export const REGISTER = 8;
const VERDICT_REGISTER = 0;
const DATA = { value: 1, verdict: 2 } as const;
const META = { l3protocol: 15, l4protocol: 16, inputName: 6, outputName: 7 } as const;
const CT = { state: 0, status: 2 } as const;
const VERDICT = { accept: 1, drop: 0, jump: -3 } as const;
const FIB = { resultType: 3, destination: 2, local: 2 } as const;
const NAT_DESTINATION = 1;
const CT_STATUS_DNAT = 1 << 5;
const CT_ESTABLISHED_OR_RELATED = (1 << 1) | (1 << 2);

const loadMeta = (key: number, register = REGISTER): Expression => ({
  name: 'meta',
  write: (to) => to.be32(1, register).be32(2, key),
});

function compare(value: Uint8Array, equal = true, register = REGISTER): Expression {
  return {
    name: 'cmp',
    write: (to) =>
      to
        .be32(1, register)
        .be32(2, equal ? 0 : 1)
        .nested(3, (data) => data.raw(DATA.value, value)),
  };
}

/** Keeps the masked bits of the register. */
function mask(bits: Uint8Array): Expression {
  return {
    name: 'bitwise',
    write: (to) =>
      to
        .be32(1, REGISTER)
        .be32(2, REGISTER)
        .be32(3, bits.length)
        .nested(4, (data) => data.raw(DATA.value, bits))
        .nested(5, (data) => data.raw(DATA.value, new Uint8Array(bits.length))),
  };
}

/** Base 1: the network header; 2: the transport header. */
const loadPayload = (base: number, offset: number, length: number, register = REGISTER): Expression => ({
  name: 'payload',
  write: (to) => to.be32(1, register).be32(2, base).be32(3, offset).be32(4, length),
});

/** Of the machine's order. */
const hostWord = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

export const inputIs = (name: string): Expression[] => [loadMeta(META.inputName), compare(interfaceBytes(name))];
export const outputIs = (name: string): Expression[] => [loadMeta(META.outputName), compare(interfaceBytes(name))];
export const outputIsNot = (name: string): Expression[] => [
  loadMeta(META.outputName),
  compare(interfaceBytes(name), false),
];

/** The packet's network protocol, in tables of both: 2 IPv4, 10 IPv6. */
export const familyIs = (family: number): Expression[] => [loadMeta(META.l3protocol), compare(Uint8Array.of(family))];

export const protocolIs = (number: number): Expression[] => [loadMeta(META.l4protocol), compare(Uint8Array.of(number))];

const addressOffset = { source: { 4: 12, 16: 8 }, destination: { 4: 16, 16: 24 } } as const;

/** The source or destination is in a network; `address` are the network's four or sixteen bytes. */
export function addressIn(
  side: 'source' | 'destination',
  address: Uint8Array,
  prefixLength: number,
  inside = true,
): Expression[] {
  const size = address.length === 4 ? 4 : 16;
  const bits = Uint8Array.from({ length: size }, (_, index) => {
    const left = Math.min(8, Math.max(0, prefixLength - index * 8));
    return (0xff << (8 - left)) & 0xff;
  });
  return [loadPayload(1, addressOffset[side][size], size), mask(bits), compare(address, inside)];
}

/** Loads what a map of ports is asked with: protocol, port; or address, protocol, port. */
export function loadPortKey(withAddress: 0 | 4 | 16): Expression[] {
  const after = REGISTER + withAddress / 4;
  const destination = withAddress === 0 ? [] : [loadPayload(1, addressOffset.destination[withAddress], withAddress)];
  return [...destination, loadMeta(META.l4protocol, after), loadPayload(2, 2, 2, after + 1)];
}

/** In a set, or with `map` its data into the first register. */
export function lookup(set: string, options: { readonly map: boolean } = { map: false }): Expression {
  return {
    name: 'lookup',
    write: (to) => {
      to.text(1, set).be32(2, REGISTER);
      if (options.map) to.be32(3, REGISTER);
    },
  };
}

export const inputIn = (set: string): Expression[] => [loadMeta(META.inputName), lookup(set)];
export const outputIn = (set: string): Expression[] => [loadMeta(META.outputName), lookup(set)];

/** The destination is an address of this host. */
export const destinationIsLocal = (): Expression[] => [
  { name: 'fib', write: (to) => to.be32(1, REGISTER).be32(2, FIB.resultType).be32(3, FIB.destination) },
  compare(hostWord(FIB.local)),
];

export const connectionIsKnown = (): Expression[] => connection(CT.state, CT_ESTABLISHED_OR_RELATED);

/** Its destination was changed, by a published port. */
export const connectionIsPublished = (): Expression[] => connection(CT.status, CT_STATUS_DNAT);

function connection(key: number, bits: number): Expression[] {
  const load: Expression = { name: 'ct', write: (to) => to.be32(2, key).be32(1, REGISTER) };
  return [load, mask(hostWord(bits)), compare(hostWord(0), false)];
}

/** The first register's address becomes the destination, the port after it the port. */
export function destinationFromRegister(family: 4 | 6): Expression {
  const port = REGISTER + (family === 4 ? 1 : 4);
  return {
    name: 'nat',
    write: (to) =>
      to
        .be32(1, NAT_DESTINATION)
        .be32(2, family === 4 ? 2 : 10)
        .be32(3, REGISTER)
        .be32(5, port),
  };
}

/** To this IPv4 address and port. */
export const destinationTo = (address: Uint8Array, port: number): Expression[] => [
  load(REGISTER, address),
  load(REGISTER + 1, Uint8Array.of(port >> 8, port & 0xff)),
  destinationFromRegister(4),
];

const load = (register: number, value: Uint8Array): Expression => ({
  name: 'immediate',
  write: (to) => to.be32(1, register).nested(2, (data) => data.raw(DATA.value, value)),
});

export const destinationPortIs = (port: number): Expression[] => [
  loadPayload(2, 2, 2),
  compare(Uint8Array.of(port >> 8, port & 0xff)),
];

export const masquerade = (): Expression => ({ name: 'masq', write: () => {} });

const verdict = (code: number, chain?: string): Expression => ({
  name: 'immediate',
  write: (to) =>
    to.be32(1, VERDICT_REGISTER).nested(2, (data) =>
      data.nested(DATA.verdict, (inner) => {
        inner.be32(1, code);
        if (chain !== undefined) inner.text(2, chain);
      }),
    ),
});

export const accept = (): Expression => verdict(VERDICT.accept);
export const drop = (): Expression => verdict(VERDICT.drop);
export const jump = (chain: string): Expression => verdict(VERDICT.jump, chain);
