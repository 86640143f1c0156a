/**
 * The sizes of huge pages this kernel has, as the hugetlb controller names them (`2MB`, `1GB`).
 */
import { type CgroupFiles, hasErrno } from './files.ts';

const FOLDER = '/sys/kernel/mm/hugepages';

/** Empty where the kernel has no huge pages. */
export function hugepageSizes(files: CgroupFiles): string[] {
  try {
    return files.list(FOLDER).flatMap((name) => {
      const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
      return Number.isFinite(kilobytes) ? [sizeName(kilobytes)] : [];
    });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** kernel: mem_fmt() of mm/hugetlb_cgroup.c. */
function sizeName(kilobytes: number): string {
  if (kilobytes >= 1 << 20) return `${kilobytes >> 20}GB`;
  return kilobytes >= 1 << 10 ? `${kilobytes >> 10}MB` : `${kilobytes}KB`;
}
