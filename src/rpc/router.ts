/** Routes as a table: method, path pattern, handler. Knows nothing of what they do. */
import type { Duplex } from 'node:stream';
import type { Incoming, Outgoing } from './exchange.ts';

export interface RequestContext {
  readonly request: Incoming;
  readonly response: Outgoing;
  readonly url: URL;
  /** The decoded parts the pattern names. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Aborted when the client goes away before the answer has ended. */
  readonly signal: AbortSignal;
  /** The request's body; a client that waits for `100 Continue` is told to send it. */
  acceptBody(): Incoming;
  /**
   * Takes the connection over for a raw stream; the answer's head is written first. May be called once. `protocol` is what
   * the head says it becomes, `tcp` unless given.
   */
  hijack(contentType: string, protocol?: string): Duplex;
  /**
   * Takes it over as a WebSocket. Undefined for a request that does not ask for one; nothing is answered then.
   * `isText`: messages to the client are marked as text.
   */
  webSocket(isText: boolean): Duplex | undefined;
}

export type Handler = (context: RequestContext) => Promise<void>;

export interface Route {
  readonly method: string;
  /** `/containers/{id}/json`; the last parameter may be `{name...}` and then takes slashes too. */
  readonly path: string;
  readonly handle: Handler;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** Finds the route for a method and a path without query. */
export class Router {
  readonly #byMethod = new Map<string, Compiled[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const compiled = compile(route);
      this.#byMethod.getOrInsertComputed(route.method, () => []).push(compiled);
    }
  }

  match(method: string, path: string): Match | undefined {
    for (const { route, pattern, names } of this.#byMethod.get(method) ?? []) {
      const found = pattern.exec(path);
      if (!found) continue;
      const params: Record<string, string> = {};
      for (const [index, name] of names.entries()) params[name] = decode(found[index + 1]!);
      return { route, params };
    }
    return undefined;
  }
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const source = route.path.replace(/\{(\w+)(\.\.\.)?\}/g, (_, name: string, rest?: string) => {
    names.push(name);
    return rest ? '(.+)' : '([^/]+)';
  });
  return { route, pattern: new RegExp(`^${source}$`), names };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
