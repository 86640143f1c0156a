/**
 * v1 `hugetlb`: huge pages by size (Documentation/admin-guide/cgroup-v1/hugetlb.rst).
 */
import type { CgroupResources, ReadFile, Setting } from '../resources.ts';
import { type CgroupStats, type HugetlbStats, numberIn, optional } from '../stats.ts';

/** Reservations (5.7 and newer) are limited along, so that mmap() fails instead of a later page fault. */
export function settings({ hugepageLimits = [] }: CgroupResources): Setting[] {
  return hugepageLimits.flatMap(({ pageSize, limit }) => [
    { file: `hugetlb.${pageSize}.limit_in_bytes`, value: String(limit) },
    { file: `hugetlb.${pageSize}.rsvd.limit_in_bytes`, value: String(limit), optional: true },
  ]);
}

export function stats(read: ReadFile, pageSizes: readonly string[] = []): CgroupStats {
  const hugetlb: Record<string, HugetlbStats> = {};
  for (const size of pageSizes) {
    const usageBytes = numberIn(read(`hugetlb.${size}.usage_in_bytes`));
    if (usageBytes === undefined) continue;
    hugetlb[size] = {
      usageBytes,
      ...optional('maxBytes', numberIn(read(`hugetlb.${size}.max_usage_in_bytes`))),
      failures: numberIn(read(`hugetlb.${size}.failcnt`)) ?? 0,
    };
  }
  return { hugetlb };
}
