/** The daemon itself: ping, version, info, events. */
import { parseJson64, type EventMessage, type SystemInfo, type SystemVersion } from '#specs';
import { connectionError } from './errors.ts';
import { type Filters, formatFilters } from './filters.ts';
import { readLines } from './json-lines.ts';
import type { Transport } from './transport.ts';

export interface ReadEvents {
  /** Unix seconds with a fraction. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters?: Filters | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface System {
  ping(): Promise<void>;
  version(): Promise<SystemVersion>;
  info(): Promise<SystemInfo>;
  /** Events since a time, then as they happen, until a time or until the signal. */
  events(options?: ReadEvents): AsyncGenerator<EventMessage>;
}

export function systemOf(transport: Transport): System {
  return {
    ping: async () => void (await transport.status('HEAD', '/_ping')),
    version: () => transport.json('GET', '/version'),
    info: () => transport.json('GET', '/info'),
    events: async function* ({ since, until, filters, signal } = {}) {
      const query = { since, until, filters: formatFilters(filters) };
      const response = await transport.open('GET', '/events', { query, signal });
      try {
        for await (const line of readLines(response)) yield parseJson64(line) as EventMessage;
      } catch (error) {
        if (signal?.aborted) return;
        throw connectionError(error, transport.host);
      } finally {
        response.destroy();
      }
    },
  };
}
