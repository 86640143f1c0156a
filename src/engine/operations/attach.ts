/** Connects a client to a container's streams: now, or as soon as it starts. */
import type { Socket } from 'node:net';
import type { AttachOptions, LogMark } from '#runtime';
import type { ContainerRecord } from '../container-record.ts';
import { errors } from '../errors.ts';
import { type EngineParts, eventAttributes, findContainer } from '../parts.ts';

export interface AttachWish extends Omit<AttachOptions, 'raw' | 'closeStdin'> {
  /** Both streams as plain bytes; without it only those of a terminal are. */
  readonly raw?: boolean;
}

/** Throws `container.pausedAttach`. A client of a container that never starts waits until it goes away itself. */
export async function attachContainer(
  parts: EngineParts,
  reference: string,
  options: AttachWish,
  signal?: AbortSignal,
): Promise<Socket> {
  const { record, wishes } = begin(parts, reference, options);
  const live = parts.live.get(record.id);
  if (live && record.status === 'running') return live.process.attach(wishes);
  return parts.attachments.wait(record.id, wishes, signal);
}

/** Of a container that runs: what it writes from now on, and up to where its log has what it wrote before. */
export async function attachAfterLog(
  parts: EngineParts,
  reference: string,
  options: AttachWish,
): Promise<{ readonly socket: Socket; readonly mark?: LogMark }> {
  const { record, wishes } = begin(parts, reference, options);
  const live = parts.live.get(record.id);
  if (!live) throw errors.notRunning(record.id);
  return (await live.process.attachMarked(wishes)) ?? { socket: await live.process.attach(wishes) };
}

function begin(parts: EngineParts, reference: string, options: AttachWish) {
  const record = findContainer(parts, reference);
  checkAttachable(record);
  const { tty, openStdin, stdinOnce } = record.settings;
  const wishes: AttachOptions = {
    ...options,
    stdin: options.stdin && openStdin,
    raw: options.raw ?? tty,
    closeStdin: stdinOnce,
  };
  parts.events.emit('container', 'attach', record.id, eventAttributes(record));
  return { record, wishes };
}

/** Throws `container.pausedAttach` and `container.restarting`: for those who must refuse before they take a connection over. */
export function checkAttachable(record: ContainerRecord): void {
  if (record.status === 'paused') throw errors.pausedAttach(record.id);
  if (record.status === 'restarting') throw errors.restarting(record.id);
}

/** Tells that a client went away by its detach keys, from the container or from a process in it. */
export function announceDetach(parts: EngineParts, id: string, execId?: string): void {
  const record = parts.containers.get(id);
  if (!record) return;
  const attributes = eventAttributes(record);
  if (execId === undefined) parts.events.emit('container', 'detach', id, attributes);
  else parts.events.emit('container', 'exec_detach', id, { ...attributes, execID: execId });
}
