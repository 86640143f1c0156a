/** Networks as numbers: `172.17.0.0/16` as its first address and the length of its prefix. */
import { ipBytes, ipText } from '#wire';
import { errors } from './errors.ts';

export type Family = 4 | 6;

export interface Cidr {
  readonly family: Family;
  /** The first address. */
  readonly base: bigint;
  readonly prefixLength: number;
}

const bitsOf = (family: Family): number => (family === 4 ? 32 : 128);

export const familyOf = (address: string): Family => (address.includes(':') ? 6 : 4);

/** The number of an address. Throws `address.invalid`. */
export function toNumber(address: string): bigint {
  return BigInt(`0x${Buffer.from(ipBytes(address)).toString('hex')}`);
}

export function toAddress(number: bigint, family: Family): string {
  return ipText(Buffer.from(number.toString(16).padStart(bitsOf(family) / 4, '0'), 'hex'));
}

/** `172.17.0.5/16`; bits behind the prefix are dropped. Throws `network.invalid`. */
export function parseCidr(text: string): Cidr {
  const [address = '', length, ...more] = text.split('/');
  if (length === undefined || more.length > 0 || !/^\d{1,3}$/.test(length)) throw invalid(text);
  const family = familyOf(address);
  const prefixLength = Number(length);
  if (prefixLength > bitsOf(family)) throw invalid(text);
  let number: bigint;
  try {
    number = toNumber(address);
  } catch {
    throw invalid(text);
  }
  return cidrOf(number, family, prefixLength);
}

const invalid = (text: string): Error => errors.invalid(`invalid subnet ${text}: invalid CIDR address: ${text}`);

/** The network of this prefix length an address is in. */
export function cidrOf(address: bigint, family: Family, prefixLength: number): Cidr {
  const shift = BigInt(bitsOf(family) - prefixLength);
  return { family, base: (address >> shift) << shift, prefixLength };
}

export function formatCidr({ family, base, prefixLength }: Cidr): string {
  return `${toAddress(base, family)}/${prefixLength}`;
}

/** How many addresses it has. */
export function sizeOf({ family, prefixLength }: Cidr): bigint {
  return 1n << BigInt(bitsOf(family) - prefixLength);
}

export function lastOf(cidr: Cidr): bigint {
  return cidr.base + sizeOf(cidr) - 1n;
}

export function contains(cidr: Cidr, address: bigint, family: Family): boolean {
  return cidr.family === family && address >= cidr.base && address <= lastOf(cidr);
}

export function overlap(one: Cidr, other: Cidr): boolean {
  return one.family === other.family && one.base <= lastOf(other) && other.base <= lastOf(one);
}
