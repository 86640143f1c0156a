/** `update`: changes the limits of a container. */
import { readFileSync } from 'node:fs';
import { openCgroup, runPlan } from '#linux';
import type { Resources } from '#specs';
import { errors } from '../errors.ts';
import { failureError } from '../failure.ts';
import { parseResources } from '../oci/bundle.ts';
import { withDeviceRules } from '../oci/input.ts';
import { lockFolder } from '../oci/lock.ts';
import { folderOf, loadState, saveState, statusOf } from '../oci/state.ts';
import { check } from '../oci/status.ts';
import { encodePlan } from '../plan/encode.ts';
import { opFlags, type Plan } from '../plan/op.ts';
import { defineCommand } from './command.ts';
import { flagResources, updateFlags } from './update-flags.ts';

export const command = defineCommand({
  usage: '[flags] <container-id>',
  about: 'change the limits of a container',
  flags: updateFlags,
  args: [1, 1],
  action: async ({ root }, flags, [id = '']) => {
    const file = flags.resources;
    // compat: with a file all other flags are ignored, as runc's help text says.
    const wanted =
      file === undefined ? flagResources(flags) : parseResources(readFileSync(file === '-' ? 0 : file, 'utf8'), file);
    loadState(root, id);
    const folder = folderOf(root, id);
    using _lock = await lockFolder(folder);
    const state = loadState(root, id);
    check('update', id, statusOf(state));
    if (state.cgroupsPath === undefined) throw errors.usage(`container ${id} has no cgroup whose limits could change`);
    const cgroup = openCgroup(state.cgroupsPath);
    const { deviceProgram } = cgroup.update(wanted.devices ? withDeviceRules(wanted) : wanted);
    if (deviceProgram) await replaceDeviceFilter(deviceProgram.folder, deviceProgram.program);
    const linux = { ...state.config.linux, resources: merge(state.config.linux?.resources ?? {}, wanted) };
    saveState(folder, { ...state, config: { ...state.config, linux } });
  },
});

async function replaceDeviceFilter(cgroup: string, program: Uint8Array): Promise<void> {
  const plan: Plan = { parent: [{ op: 'bpfDevice', opFlags: opFlags.replace, cgroup, program }], child: [] };
  const run = runPlan({ plan: encodePlan(plan), preserveFds: 0 });
  const ready = await run.ready;
  await run.ended;
  if (ready.type === 'failed') throw failureError(plan, [], ready);
}

/** What is absent stays; controllers are merged field by field. */
function merge(before: Resources, change: Resources): Resources {
  return {
    ...before,
    ...change,
    ...(change.memory && { memory: { ...before.memory, ...change.memory } }),
    ...(change.cpu && { cpu: { ...before.cpu, ...change.cpu } }),
    ...(change.pids && { pids: { ...before.pids, ...change.pids } }),
    ...(change.blockIO && { blockIO: { ...before.blockIO, ...change.blockIO } }),
    ...(change.unified && { unified: { ...before.unified, ...change.unified } }),
  };
}
