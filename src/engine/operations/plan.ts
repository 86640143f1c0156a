/** What starting a container would do, as text: the plan compiled from its record and this host's facts. */
import { printPlan } from '#runtime';
import { type EngineParts, findContainer } from '../parts.ts';
import { launchRequest } from './launch.ts';

/** One line per operation. Nothing is made, nothing runs. */
export function planOfContainer(parts: EngineParts, reference: string): string {
  const record = findContainer(parts, reference);
  return printPlan(parts.runtime.plan(launchRequest(parts, record, false)));
}
