/** IP and MAC addresses as the bytes the kernel wants, and back. */
import { SkiffError } from '#base';

/** Address families of socket(2). */
export const addressFamily = { unspecified: 0, inet: 2, bridge: 7, inet6: 10 } as const;

/** Four or sixteen bytes of an address. Throws `address.invalid` naming the text. */
export function ipBytes(text: string): Uint8Array {
  const bytes = text.includes(':') ? sixteen(text) : four(text);
  if (!bytes) throw new SkiffError('invalid', 'address.invalid', `invalid IP address: ${text}`);
  return bytes;
}

export function ipFamily(text: string): number {
  return text.includes(':') ? addressFamily.inet6 : addressFamily.inet;
}

function four(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return Uint8Array.from(parts.map(Number));
}

function sixteen(text: string): Uint8Array | undefined {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const before = words(head);
  const after = tail === undefined ? [] : words(tail);
  if (!before || !after) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...before, ...Array.from({ length: Math.max(missing, 0) }, () => 0), ...after];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The 16-bit words of one side of `::`; a dotted IPv4 address may be the last. */
function words(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const result: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) result.push(Number.parseInt(part, 16));
    else {
      const bytes = index === parts.length - 1 ? four(part) : undefined;
      if (!bytes) return undefined;
      result.push((bytes[0]! << 8) | bytes[1]!, (bytes[2]! << 8) | bytes[3]!);
    }
  }
  return result;
}

/** The text of four or sixteen bytes; of IPv6 the short form (RFC 5952). */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const parts = Array.from({ length: 8 }, (_, index) => (bytes[index * 2]! << 8) | bytes[index * 2 + 1]!);
  let best = { from: 0, length: 0 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && parts[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const hex = (some: readonly number[]): string => some.map((part) => part.toString(16)).join(':');
  if (best.length < 2) return hex(parts);
  return `${hex(parts.slice(0, best.from))}::${hex(parts.slice(best.from + best.length))}`;
}

/** Six bytes of `02:42:ac:11:00:02`. Throws `address.invalid`. */
export function macBytes(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(text)) {
    throw new SkiffError('invalid', 'address.invalid', `invalid MAC address: ${text}`);
  }
  return Uint8Array.from(text.split(/[:-]/).map((part) => Number.parseInt(part, 16)));
}

export function macText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}
