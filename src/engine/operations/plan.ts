/** What starting a container would do, as text: the plan compiled from its record and this host's facts. */
import { printPlan } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { attachNetworks, type NetworkPlace } from '../networking.ts';
import { type EngineParts, findContainer } from '../parts.ts';
import { programFor } from '../runtimes.ts';
import { launchRequest } from './launch.ts';

/** One line per operation. Nothing runs, and what it would have of networks is given back at once. */
export async function planOfContainer(parts: EngineParts, reference: string): Promise<string> {
  const record = findContainer(parts, reference);
  if (record.network) return planWith(parts, record, {});
  const place = await attachNetworks(parts, record);
  try {
    return planWith(parts, record, place);
  } finally {
    if (place.state) parts.networks.release(record.id, place.state);
  }
}

function planWith(parts: EngineParts, record: ContainerRecord, place: NetworkPlace): string {
  const program = programFor(parts, record);
  const maker = program ? parts.runtime.foreign(program) : parts.runtime;
  return printPlan(maker.plan(launchRequest(parts, record, { hold: false, ...place })));
}
