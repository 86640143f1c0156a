/** Two looks at what a container uses → the row `stats` shows. Pure. */
import { formatBinaryBytes, formatBytes, shortId } from '#base';
import type { ContainerStats } from '#specs';

/** Without `before` there is no rate yet. */
export function usageRow(now: ContainerStats, before: ContainerStats | undefined, truncate: boolean) {
  const { memory_stats: memory } = now;
  const used = memoryUsed(memory);
  const limit = memory.limit ?? 0;
  const isKnown = before !== undefined || memory.usage === undefined;
  const networks = Object.values(now.networks ?? {});
  const received = networks.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0);
  const sent = networks.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0);
  return {
    Container: now.id,
    ID: truncate ? shortId(now.id) : now.id,
    Name: now.name.replace(/^\//, ''),
    CPUPerc: isKnown ? percent(cpuShare(now, before)) : '--',
    MemUsage: `${formatBinaryBytes(used)} / ${formatBinaryBytes(limit)}`,
    MemPerc: percent(limit === 0 ? 0 : used / limit),
    NetIO: `${formatBytes(received)} / ${formatBytes(sent)}`,
    BlockIO: `${formatBytes(blockBytes(now, 'read'))} / ${formatBytes(blockBytes(now, 'write'))}`,
    PIDs: String(now.pids_stats.current ?? 0),
  };
}

const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

/** Of one CPU: two busy ones are 200%. */
function cpuShare(now: ContainerStats, before: ContainerStats | undefined): number {
  const used = now.cpu_stats.cpu_usage.total_usage - (before?.cpu_stats.cpu_usage.total_usage ?? 0);
  const host = (now.cpu_stats.system_cpu_usage ?? 0) - (before?.cpu_stats.system_cpu_usage ?? 0);
  return used > 0 && host > 0 ? (used / host) * (now.cpu_stats.online_cpus ?? 1) : 0;
}

/** compat: file pages that could be dropped are not counted; v1 and v2 name them differently. */
function memoryUsed({ usage = 0, stats = {} }: ContainerStats['memory_stats']): number {
  const droppable = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return droppable < usage ? usage - droppable : usage;
}

function blockBytes({ blkio_stats }: ContainerStats, operation: string): number {
  const rows = blkio_stats.io_service_bytes_recursive ?? [];
  return rows.filter(({ op }) => op.toLowerCase() === operation).reduce((sum, { value }) => sum + value, 0);
}
