/**
 * v2 `hugetlb`: huge pages by size (Documentation/admin-guide/cgroup-v2.rst, "HugeTLB").
 */
import type { CgroupResources, ReadFile, Setting } from '../resources.ts';
import { type CgroupStats, flatKeyed, type HugetlbStats, numberIn } from '../stats.ts';

/** Reservations (5.7 and newer) are limited along, so that mmap() fails instead of a later page fault. */
export function settings({ hugepageLimits = [] }: CgroupResources): Setting[] {
  return hugepageLimits.flatMap(({ pageSize, limit }) => [
    { file: `hugetlb.${pageSize}.max`, value: String(limit) },
    { file: `hugetlb.${pageSize}.rsvd.max`, value: String(limit), optional: true },
  ]);
}

export function stats(read: ReadFile, pageSizes: readonly string[] = []): CgroupStats {
  const hugetlb: Record<string, HugetlbStats> = {};
  for (const size of pageSizes) {
    const usageBytes = numberIn(read(`hugetlb.${size}.current`));
    if (usageBytes === undefined) continue;
    hugetlb[size] = { usageBytes, failures: flatKeyed(read(`hugetlb.${size}.events`))['max'] ?? 0 };
  }
  return { hugetlb };
}
