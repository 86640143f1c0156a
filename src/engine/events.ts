/** What happened, for those who listen and for those who ask later. */

export interface EngineEvent {
  readonly type: 'container' | 'image' | 'network' | 'volume' | 'daemon';
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Unix time in nanoseconds. */
  readonly timeNs: bigint;
}

export type EventListener = (event: EngineEvent) => void;

export interface Events {
  emit(type: EngineEvent['type'], action: string, id: string, attributes?: Readonly<Record<string, string>>): void;
  /** Calls the listener for each event from now on, until the result is disposed. */
  listen(listener: EventListener): Disposable;
  /** How many listen. */
  listeners(): number;
  /** Events kept, oldest first. */
  history(): readonly EngineEvent[];
}

/** compat: dockerd keeps the last 256 events for `since`. */
const KEPT = 256;

export function createEvents(nowNs: () => bigint): Events {
  const listeners = new Set<EventListener>();
  const kept: EngineEvent[] = [];
  return {
    emit: (type, action, id, attributes = {}) => {
      const event: EngineEvent = { type, action, id, attributes, timeNs: nowNs() };
      kept.push(event);
      if (kept.length > KEPT) kept.shift();
      for (const listener of listeners) listener(event);
    },
    listen: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    listeners: () => listeners.size,
    history: () => kept,
  };
}
