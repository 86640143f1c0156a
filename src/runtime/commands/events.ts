/** `events`: what a container uses, now and again, and when it ran out of memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDurationMs } from '#base';
import { type Cgroup, openCgroup } from '#linux';
import { formatJson64 } from '#specs';
import { errors } from '../errors.ts';
import { loadState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { type CommandContext, defineCommand } from './command.ts';
import { eventStats } from './event-stats.ts';

/** Nobody but a memory cgroup's own eventfd tells at once, and Node cannot have one: the counter is looked at. */
const OOM_POLL_MS = 250;

export const command = defineCommand({
  usage: '[flags] <container-id>',
  about: 'show what a container uses',
  flags: {
    interval: { names: ['interval'], kind: 'text', about: 'time between two lines (default: 5s)' },
    stats: { names: ['stats'], kind: 'switch', about: 'one line, then end' },
  },
  args: [1, 1],
  action: async (context, { interval, stats: once }, [id = '']) => {
    const everyMs = interval === undefined ? 5000 : durationOf(interval);
    const state = loadState(context.root, id);
    check('ps', id, statusOf(state));
    if (state.cgroupsPath === undefined) throw errors.usage(`container ${id} has no cgroup that could be measured`);
    const cgroup = openCgroup(state.cgroupsPath);
    printStats(context, id, cgroup);
    if (!once) await follow(context, id, cgroup, everyMs);
  },
});

async function follow(context: CommandContext, id: string, cgroup: Cgroup, everyMs: number): Promise<void> {
  let oomKills = cgroup.stats().memory?.oomKills ?? 0;
  let next = performance.now() + everyMs;
  while (lives(context, id)) {
    await sleep(Math.max(1, Math.min(OOM_POLL_MS, next - performance.now())));
    const now = cgroup.stats().memory?.oomKills ?? oomKills;
    for (; oomKills < now; oomKills++) context.print(`${JSON.stringify({ type: 'oom', id })}\n`);
    if (performance.now() < next) continue;
    next += everyMs;
    if (lives(context, id)) printStats(context, id, cgroup);
  }
}

function printStats({ print }: CommandContext, id: string, cgroup: Cgroup): void {
  print(`${formatJson64({ type: 'stats', id, data: eventStats(cgroup.stats()) })}\n`);
}

function lives({ root }: CommandContext, id: string): boolean {
  try {
    const status = statusOf(loadState(root, id));
    return status !== 'stopped';
  } catch {
    return false;
  }
}

function durationOf(text: string): number {
  const milliseconds = parseDurationMs(text);
  if (milliseconds <= 0) throw errors.usage(`--interval "${text}": give a time above 0, such as 5s`);
  return milliseconds;
}
