/**
 * v2 `io`: weights and rates of block devices (Documentation/admin-guide/cgroup-v2.rst, "IO").
 */
import { type CgroupResources, type ReadFile, type Setting, set, type ThrottleDevice, when } from '../resources.ts';
import type { BlockIoEntry, CgroupStats } from '../stats.ts';
import { checkWeight } from '../v1/blkio.ts';

export function settings({ blockIO }: CgroupResources, read: ReadFile): Setting[] {
  if (blockIO === undefined) return [];
  checkWeight(blockIO.weight);
  // kernel: BFQ has a file of its own that takes v1's weights; io.weight belongs to iocost.
  const bfq = read('io.bfq.weight') !== undefined;
  const file = bfq ? 'io.bfq.weight' : 'io.weight';
  const weightText = (weight: number): string => String(bfq ? weight : weightOfBlkio(weight));
  return [
    ...when(set(blockIO.weight), file, weightText),
    ...(blockIO.weightDevice ?? []).flatMap(({ major, minor, weight }) =>
      when(weight, file, (value) => `${major}:${minor} ${value === 0 ? 'default' : weightText(value)}`),
    ),
    ...throttle('rbps', blockIO.throttleReadBpsDevice),
    ...throttle('wbps', blockIO.throttleWriteBpsDevice),
    ...throttle('riops', blockIO.throttleReadIOPSDevice),
    ...throttle('wiops', blockIO.throttleWriteIOPSDevice),
  ];
}

/** compat: 10 ... 1000 onto 1 ... 10000 in a straight line, as runc and crun do. */
export function weightOfBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/** A rate of 0 takes the limit away, as on v1, and so does a weight of a device. */
function throttle(key: string, devices: readonly ThrottleDevice[] = []): Setting[] {
  return devices.map(({ major, minor, rate = 0 }) => ({
    file: 'io.max',
    value: `${major}:${minor} ${key}=${rate === 0 ? 'max' : rate}`,
  }));
}

/** Key of io.stat → Docker's word for it. */
const BYTES = { rbytes: 'Read', wbytes: 'Write', dbytes: 'Discard' } as const;
const OPERATIONS = { rios: 'Read', wios: 'Write', dios: 'Discard' } as const;

export function stats(read: ReadFile): CgroupStats {
  const text = read('io.stat');
  if (text === undefined) return {};
  return { blockIo: { bytes: entries(text, BYTES), operations: entries(text, OPERATIONS) } };
}

/** Lines `8:0 rbytes=4096 wbytes=0 rios=1 …`. */
function entries(text: string, names: Readonly<Record<string, string>>): BlockIoEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? [];
    return rest.split(' ').flatMap((pair) => {
      const [key = '', value] = pair.split('=');
      const operation = names[key];
      if (operation === undefined || major === undefined) return [];
      return [{ major: Number(major), minor: Number(minor), operation, value: Number(value) }];
    });
  });
}
