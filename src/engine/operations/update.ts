/** Changes the limits and the restart policy of a container, running or not. */
import type { ContainerRecord } from '../container-record.ts';
import {
  type ContainerSettings,
  type DeviceWeight,
  networkingOf,
  type ResourceSettings,
} from '../container-settings.ts';
import { errors } from '../errors.ts';
import { hasProcess } from '../lifecycle.ts';
import { checkLimits } from '../networking.ts';
import { cgroupsPathOf, type EngineParts, eventAttributes, findContainer } from '../parts.ts';
import { checkResources, toOciResources, withoutVainWeights } from '../resources.ts';
import type { RestartPolicy } from '../restart-policy.ts';
import { applyLimits } from './networks.ts';

export interface Update {
  /** Gets the limits as they are and gives them as they shall be. */
  readonly resources: (before: ResourceSettings) => ResourceSettings;
  /** Undefined: it stays. */
  readonly restart?: RestartPolicy;
  /** Limits of its networks to change, by the names of options of endpoints. */
  readonly networkLimits: Readonly<Record<string, string>>;
}

/** Nothing is changed when the kernel refuses. Resolves with what was not done, in a line each. */
export async function updateContainer(
  parts: EngineParts,
  reference: string,
  { resources: change, restart, networkLimits }: Update,
): Promise<readonly string[]> {
  const { id } = findContainer(parts, reference);
  return parts.locks.run(id, async () => {
    const record = findContainer(parts, id);
    const { host } = record.settings;
    const wished = change(host.resources);
    checkResources(wished, parts.facts.cpus);
    const { resources, warnings } = withoutVainWeights(wished, parts.runtime.cgroupVersion);
    if (host.autoRemove && restart && restart.name !== 'no') throw errors.restartOfAutoRemoved();
    const changesLimits = Object.keys(networkLimits).length > 0;
    const limited = changesLimits ? withNetworkLimits(record, networkLimits) : record;
    checkLimits(limited.settings);
    const network = changesLimits && hasProcess(record.status) ? await applyLimits(parts, limited) : undefined;
    if (hasProcess(record.status)) {
      const { devices: _, ...limits } = toOciResources(withCleared(host.resources, resources), []);
      try {
        await parts.runtime.update(cgroupsPathOf(parts.options, record), limits);
      } catch (error) {
        if (network) await applyLimits(parts, { ...record, network });
        throw error;
      }
    }
    // The container may have ended while the kernel was asked.
    const now = findContainer(parts, id);
    const changed = { ...host, resources, ...(restart ? { restart } : {}) };
    parts.containers.put({
      ...now,
      settings: { ...now.settings, ...networkingIn(limited.settings), host: changed },
      ...(network && now.network ? { network } : {}),
    });
    parts.events.emit('container', 'update', id, eventAttributes(record));
    return warnings;
  });
}

function withNetworkLimits(record: ContainerRecord, changes: Readonly<Record<string, string>>): ContainerRecord {
  const networking = networkingOf(record.settings);
  const limits = { ...networking.limits, ...changes };
  return { ...record, settings: { ...record.settings, networking: { ...networking, limits } } };
}

const networkingIn = ({ networking }: ContainerSettings): Pick<ContainerSettings, 'networking'> =>
  networking ? { networking } : {};

/** For the kernel: devices that are not limited any more have a rate or weight of 0, which takes the limit away. */
function withCleared(before: ResourceSettings, after: ResourceSettings): ResourceSettings {
  const cleared = (key: 'deviceReadBps' | 'deviceWriteBps' | 'deviceReadIops' | 'deviceWriteIops') => [
    ...after[key],
    ...before[key]
      .filter(({ path }) => !after[key].some((rate) => rate.path === path))
      .map(({ path }) => ({ path, rate: 0 })),
  ];
  return {
    ...after,
    deviceReadBps: cleared('deviceReadBps'),
    deviceWriteBps: cleared('deviceWriteBps'),
    deviceReadIops: cleared('deviceReadIops'),
    deviceWriteIops: cleared('deviceWriteIops'),
    deviceWeights: clearedWeights(before.deviceWeights ?? [], after.deviceWeights ?? []),
  };
}

const clearedWeights = (before: readonly DeviceWeight[], after: readonly DeviceWeight[]): DeviceWeight[] => [
  ...after,
  ...before.filter(({ path }) => !after.some((each) => each.path === path)).map(({ path }) => ({ path, weight: 0 })),
];
