/** Connects a client to a container's streams: now, or as soon as it starts. */
import type { Socket } from 'node:net';
import type { AttachOptions } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';

/** Throws `container.pausedAttach`. A client of a container that never starts waits until it goes away itself. */
export async function attachContainer(
  parts: EngineParts,
  reference: string,
  options: Omit<AttachOptions, 'raw' | 'closeStdin'>,
  signal?: AbortSignal,
): Promise<Socket> {
  const record = findContainer(parts, reference);
  checkAttachable(record);
  const { tty, openStdin, stdinOnce } = record.settings;
  const wishes: AttachOptions = { ...options, stdin: options.stdin && openStdin, raw: tty, closeStdin: stdinOnce };
  parts.events.emit('container', 'attach', record.id, eventAttributes(record));
  const live = parts.live.get(record.id);
  if (live && record.status === 'running') return live.process.attach(wishes);
  return parts.attachments.wait(record.id, wishes, signal);
}

/** Throws `container.pausedAttach` and `container.restarting`: for those who must refuse before they take a connection over. */
export function checkAttachable(record: ContainerRecord): void {
  if (record.status === 'paused') throw errors.pausedAttach(record.id);
  if (record.status === 'restarting') throw errors.restarting(record.id);
}
