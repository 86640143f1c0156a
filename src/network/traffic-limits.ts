/**
 * The most a container receives and sends on a network. As options of an endpoint they are text; container-wide ones, and
 * labels of the same names, stand in for options an endpoint has not.
 */
import { parseBytes } from '#base';
import type { RateLimit } from '#wire';
import { errors } from './errors.ts';

/** As seen from the container. */
export interface TrafficLimits {
  readonly in?: RateLimit;
  readonly out?: RateLimit;
}

export const trafficOption = {
  rateIn: 'skiff.network.rate-in',
  burstIn: 'skiff.network.burst-in',
  rateOut: 'skiff.network.rate-out',
  burstOut: 'skiff.network.burst-out',
} as const;

/** No limit, where there would be one. */
const NONE = 'none';
const POWERS: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3 };
const LEAST_BITS = 8000;
const MOST_BITS = 1000 ** 4;
/** kernel: tbf counts bursts in 32 bits. */
const MOST_BURST = 2 ** 31;
const ETHERNET_HEADER = 14;
/** Without a burst of the user's: what passes at this rate meanwhile, and no less than some packets. */
const BURST_SECONDS = 0.01;
const LEAST_BURST = 32 * 1024;

/** Only those of a set of names and values that are about limits. */
export function trafficOptionsIn(named: Readonly<Record<string, string>>): Record<string, string> {
  const names: readonly string[] = Object.values(trafficOption);
  return Object.fromEntries(Object.entries(named).filter(([name]) => names.includes(name)));
}

/** Throws `network.invalid` naming the option and what was wrong with its value. */
export function readTrafficLimits(options: Readonly<Record<string, string>>, mtu: number): TrafficLimits {
  const { rateIn, burstIn, rateOut, burstOut } = trafficOption;
  const into = readLimit(options, rateIn, burstIn, mtu);
  const out = readLimit(options, rateOut, burstOut, mtu);
  return { ...(into ? { in: into } : {}), ...(out ? { out } : {}) };
}

function readLimit(
  options: Readonly<Record<string, string>>,
  rateName: string,
  burstName: string,
  mtu: number,
): RateLimit | undefined {
  const { [rateName]: rate = NONE, [burstName]: burst = NONE } = options;
  if (rate === NONE) {
    if (burst === NONE) return undefined;
    throw errors.invalid(`${burstName} ${burst} is of no use without ${rateName}`);
  }
  const bytesPerSecond = Math.round(readRate(rateName, rate) / 8);
  const packet = mtu + ETHERNET_HEADER;
  if (burst === NONE) {
    const usual = Math.round(bytesPerSecond * BURST_SECONDS);
    return { bytesPerSecond, burstBytes: Math.min(Math.max(usual, LEAST_BURST, 2 * packet), MOST_BURST) };
  }
  const burstBytes = readBurst(burstName, burst);
  if (burstBytes < packet || burstBytes > MOST_BURST) {
    const range = `a packet has up to ${packet} bytes: give no less than that, and no more than 2g`;
    throw errors.invalid(`invalid ${burstName} ${JSON.stringify(burst)}: ${range}`);
  }
  return { bytesPerSecond, burstBytes };
}

/** Bits per second of `10mbit`; units are powers of 1000, as of everything that is sent. */
function readRate(name: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)bit$/i.exec(text);
  const invalid = (why: string): Error => errors.invalid(`invalid ${name} ${JSON.stringify(text)}: ${why}`);
  if (!match) throw invalid('bits per second, with a unit, such as 500kbit, 10mbit or 1gbit');
  const rate = Number(match[1]) * 1000 ** POWERS[match[2]!.toLowerCase()]!;
  if (rate < LEAST_BITS) throw invalid(`no less than 8kbit; ${NONE} is no limit`);
  if (rate > MOST_BITS) throw invalid('no more than 1000gbit');
  return rate;
}

function readBurst(name: string, text: string): number {
  try {
    return parseBytes(text);
  } catch {
    throw errors.invalid(`invalid ${name} ${JSON.stringify(text)}: bytes, such as 64k or 1m`);
  }
}
