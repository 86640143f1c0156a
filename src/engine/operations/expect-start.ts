/** A start that will probably come: what the kernel takes longest for is made while the client is still at its next request. */
import { networkModeOf } from '../container-settings.ts';
import type { ContainerRecord } from '../container-record.ts';
import type { EngineParts } from '../parts.ts';
import { programFor } from '../runtimes.ts';

/** To be called when the client has its answer. */
export function expectStart(parts: EngineParts, record: ContainerRecord): void {
  const mode = networkModeOf(record.settings);
  if (mode === 'host' || mode.startsWith('container:') || programFor(parts, record)) return;
  parts.runtime.expectLaunch();
}
