/**
 * v1 `blkio`: weights and rates of block devices (Documentation/admin-guide/cgroup-v1/blkio-controller.rst).
 */
import { errors } from '../errors.ts';
import { type CgroupResources, type ReadFile, type Setting, set, type ThrottleDevice, when } from '../resources.ts';
import type { BlockIoEntry, CgroupStats } from '../stats.ts';

export function settings({ blockIO }: CgroupResources, read: ReadFile): Setting[] {
  if (blockIO === undefined) return [];
  checkWeight(blockIO.weight);
  // kernel: CFQ's files went with 5.0, BFQ brought its own.
  const prefix = read('blkio.weight') === undefined && read('blkio.bfq.weight') !== undefined ? 'blkio.bfq' : 'blkio';
  const devices = blockIO.weightDevice ?? [];
  return [
    ...when(set(blockIO.weight), `${prefix}.weight`),
    ...when(set(blockIO.leafWeight), 'blkio.leaf_weight', String, { optional: true }),
    ...devices.flatMap(({ major, minor, weight, leafWeight }) => [
      ...when(weight, `${prefix}.weight_device`, (value) => `${major}:${minor} ${value}`),
      ...when(leafWeight, 'blkio.leaf_weight_device', (value) => `${major}:${minor} ${value}`, { optional: true }),
    ]),
    ...throttle('blkio.throttle.read_bps_device', blockIO.throttleReadBpsDevice),
    ...throttle('blkio.throttle.write_bps_device', blockIO.throttleWriteBpsDevice),
    ...throttle('blkio.throttle.read_iops_device', blockIO.throttleReadIOPSDevice),
    ...throttle('blkio.throttle.write_iops_device', blockIO.throttleWriteIOPSDevice),
  ];
}

/** compat: Docker's range, which is CFQ's; BFQ would take 1 as well. */
export function checkWeight(weight: number | undefined): void {
  if (weight === undefined || weight === 0 || (weight >= 10 && weight <= 1000)) return;
  throw errors.invalid(`block I/O weight ${weight}`, 'the valid range is 10 ... 1000');
}

/** A rate of 0 takes the limit away. */
function throttle(file: string, devices: readonly ThrottleDevice[] = []): Setting[] {
  return devices.map(({ major, minor, rate = 0 }) => ({ file, value: `${major}:${minor} ${rate}` }));
}

/** Whichever of the schedulers' files and the throttling layer's counts anything. */
export function stats(read: ReadFile): CgroupStats {
  const firstCounting = (...names: string[]): BlockIoEntry[] => {
    for (const name of names) {
      const entries = parseEntries(read(name));
      if (entries.length > 0) return entries;
    }
    return [];
  };
  return {
    blockIo: {
      bytes: firstCounting(
        'blkio.bfq.io_service_bytes_recursive',
        'blkio.io_service_bytes_recursive',
        'blkio.throttle.io_service_bytes_recursive',
        'blkio.throttle.io_service_bytes',
      ),
      operations: firstCounting(
        'blkio.bfq.io_serviced_recursive',
        'blkio.io_serviced_recursive',
        'blkio.throttle.io_serviced_recursive',
        'blkio.throttle.io_serviced',
      ),
    },
  };
}

/** Lines `8:0 Read 4096`; the final `Total 4096` belongs to no device. */
function parseEntries(text: string | undefined): BlockIoEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [, major, minor, operation, value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
    if (operation === undefined) return [];
    return [{ major: Number(major), minor: Number(minor), operation, value: Number(value) }];
  });
}
