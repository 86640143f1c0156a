/**
 * The addresses of one subnet: hands them out and takes them back. In memory; who has which is in the containers' records.
 *
 * An address rests a while after its use, so that neighbours that remember the last holder's MAC do not talk to the wrong one.
 */
import { type Cidr, contains, familyOf, formatCidr, lastOf, toAddress, toNumber } from './cidr.ts';
import { errors } from './errors.ts';

const REST_MS = 10_000;

export interface PoolSettings {
  readonly subnet: Cidr;
  /** Addresses nobody asked for come from here. */
  readonly range?: Cidr;
  /** Never handed out: the gateway, auxiliary addresses. */
  readonly reserved: readonly string[];
}

export class AddressPool {
  readonly #subnet: Cidr;
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #reserved: ReadonlySet<bigint>;
  readonly #taken = new Set<bigint>();
  /** When each was given back, the oldest first. */
  readonly #resting = new Map<bigint, number>();
  readonly #nowMs: () => number;

  constructor({ subnet, range, reserved }: PoolSettings, nowMs: () => number) {
    this.#subnet = subnet;
    const from = range ?? subnet;
    // The network's own address and, of IPv4, the broadcast are nobody's; a /31 and a /32 have none.
    const whole = subnet.prefixLength >= (subnet.family === 4 ? 31 : 127);
    this.#first = from.base === subnet.base && !whole ? from.base + 1n : from.base;
    const last = lastOf(from);
    this.#last = last === lastOf(subnet) && subnet.family === 4 && !whole ? last - 1n : last;
    this.#reserved = new Set(reserved.map(toNumber));
    this.#nowMs = nowMs;
  }

  /** The lowest that is free and has rested; when there is none, the one that has rested longest. Throws `network.noAddress`. */
  allocate(): string {
    this.#wake();
    for (let number = this.#first; number <= this.#last; number += 1n) {
      if (!this.#taken.has(number) && !this.#reserved.has(number) && !this.#resting.has(number))
        return this.#take(number);
    }
    for (const number of this.#resting.keys()) {
      if (number >= this.#first && number <= this.#last) return this.#take(number);
    }
    throw errors.noAddress(formatCidr(this.#subnet));
  }

  /** This very address. Throws `network.addressTaken`. */
  claim(address: string): string {
    const number = toNumber(address);
    if (this.#taken.has(number) || this.#reserved.has(number)) throw errors.addressTaken(address);
    return this.#take(number);
  }

  /** How many addresses cannot be had, the network's own and the broadcast among them; how many of its range can. */
  get usage(): { readonly inUse: bigint; readonly available: bigint } {
    const all = [...this.#taken, ...[...this.#reserved].filter((number) => !this.#taken.has(number))];
    const used = all.filter((number) => number >= this.#first && number <= this.#last).length;
    const whole = this.#subnet.prefixLength >= (this.#subnet.family === 4 ? 31 : 127);
    const nobodys = whole ? 0 : this.#subnet.family === 4 ? 2 : 1;
    return { inUse: BigInt(all.length + nobodys), available: this.#last - this.#first + 1n - BigInt(used) };
  }

  contains(address: string): boolean {
    return contains(this.#subnet, toNumber(address), familyOf(address));
  }

  release(address: string): void {
    const number = toNumber(address);
    if (!this.#taken.delete(number)) return;
    this.#resting.delete(number);
    this.#resting.set(number, this.#nowMs());
  }

  #take(number: bigint): string {
    this.#taken.add(number);
    this.#resting.delete(number);
    return toAddress(number, this.#subnet.family);
  }

  #wake(): void {
    const until = this.#nowMs() - REST_MS;
    for (const [number, since] of this.#resting) {
      if (since > until) return;
      this.#resting.delete(number);
    }
  }
}
