/** Subnets for networks whose user named none: the first of Docker's pools that nothing of the host or ours is in. Pure. */
import { type Cidr, cidrOf, formatCidr, overlap, parseCidr, sizeOf } from './cidr.ts';
import { errors } from './errors.ts';

export interface SizedPool {
  readonly base: string;
  /** Prefix length of the networks cut from it. */
  readonly size: number;
}

/** compat: dockerd's default address pools. */
export const defaultPools: readonly SizedPool[] = [
  { base: '172.17.0.0/16', size: 16 },
  { base: '172.18.0.0/16', size: 16 },
  { base: '172.19.0.0/16', size: 16 },
  { base: '172.20.0.0/14', size: 16 },
  { base: '172.24.0.0/14', size: 16 },
  { base: '172.28.0.0/14', size: 16 },
  { base: '192.168.0.0/16', size: 20 },
];

/** What a subnet must not overlap, and whose it is. */
export interface Occupied {
  readonly cidr: Cidr;
  /** `network web`, `the host's route to 10.0.0.0/8 by eth0`. */
  readonly by: string;
}

/** Throws `network.noPool` naming what is in the way. */
export function chooseSubnet(pools: readonly SizedPool[], occupied: readonly Occupied[]): string {
  const collisions = new Map<string, string>();
  let tried = 0;
  for (const pool of pools) {
    for (const candidate of cut(pool)) {
      const collision = occupied.find(({ cidr }) => overlap(cidr, candidate));
      if (!collision) return formatCidr(candidate);
      tried += 1;
      if (collisions.size < 4 && !collisions.has(collision.by))
        collisions.set(collision.by, `${formatCidr(candidate)} with ${collision.by}`);
    }
  }
  throw errors.noPool(tried, [...collisions.values()].join('; '));
}

function* cut({ base, size }: SizedPool): Generator<Cidr> {
  const whole = parseCidr(base);
  const step = sizeOf({ ...whole, prefixLength: size });
  const end = whole.base + sizeOf(whole);
  for (let from = whole.base; from < end; from += step) yield cidrOf(from, whole.family, size);
}

/** A unique local network of a network's own (RFC 4193): forty bits of its id, which is random. */
export function uniqueLocalSubnet(networkId: string): string {
  const [one, two, three] = [networkId.slice(0, 2), networkId.slice(2, 6), networkId.slice(6, 10)];
  return formatCidr(parseCidr(`fd${one}:${two}:${three}::/64`));
}

/** Throws `network.overlaps` naming what a subnet the user chose collides with. */
export function checkSubnet(subnet: string, occupied: readonly Occupied[]): void {
  const cidr = parseCidr(subnet);
  const collision = occupied.find((each) => overlap(each.cidr, cidr));
  if (collision) throw errors.overlaps(subnet, collision.by);
}
