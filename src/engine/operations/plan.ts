/** What starting a container would do, as text: the plan compiled from its record and this host's facts. */
import { printPlan } from '#runtime';
import type { CdiEdits } from '#specs';
import { deviceEdits } from '../cdi/device-requests.ts';
import type { ContainerRecord } from '../container-record.ts';
import { attachNetworks, type NetworkPlace } from '../networking.ts';
import { type EngineParts, findContainer } from '../parts.ts';
import { programFor } from '../runtimes.ts';
import { sharedNamespaces } from '../shared-namespaces.ts';
import { launchRequest } from './launch.ts';

/** One line per operation. Nothing runs, and what it would have of networks is given back at once. */
export async function planOfContainer(parts: EngineParts, reference: string): Promise<string> {
  const record = findContainer(parts, reference);
  const devices = await deviceEdits(parts, record);
  if (record.network) return planWith(parts, record, devices, {});
  const place = await attachNetworks(parts, record);
  try {
    return planWith(parts, record, devices, place);
  } finally {
    if (place.state) parts.networks.release(record.id, place.state);
  }
}

function planWith(
  parts: EngineParts,
  record: ContainerRecord,
  devices: readonly CdiEdits[],
  place: NetworkPlace,
): string {
  const program = programFor(parts, record);
  const shared = sharedNamespaces(parts, record);
  const maker = program ? parts.runtime.foreign(program) : parts.runtime;
  return printPlan(maker.plan(launchRequest(parts, record, { hold: false, devices, shared, ...place })));
}
