/** What BuildKit's clients find behind both doors: services on the one, their sessions on the other. */
import type { Duplex } from 'node:stream';
import { GrpcServer } from '#rpc/grpc';
import type { Log } from '#base';
import { content, control, gateway } from '#specs/buildkit';
import { BuildsUnderWay } from './builds.ts';
import { type ControlParts, controlHandlers } from './control-service.ts';
import { contentHandlers } from './content-service.ts';
import { gatewayHandlers } from './gateway-service.ts';
import { BuildRecords } from './history/build-records.ts';
import { RecordedBuild, type RecordedFacts } from './history/recorded-build.ts';
import { plainRefusal } from './refusals.ts';
import { openSessionFolders, type SessionFolders, type SessionFoldersRequest } from './session-folders.ts';
import { openSessionBuild, type SessionBuild, type SessionBuildRequest } from './session-build.ts';
import { type SessionOffer, Sessions } from './sessions.ts';

export type BuildKitParts = Omit<ControlParts, 'sessions' | 'builds' | 'records'> & { readonly log: Pick<Log, 'warn'> };

export class BuildKit {
  readonly #sessions = new Sessions();
  readonly #server: GrpcServer;

  readonly #parts: BuildKitParts;
  readonly #records: BuildRecords;

  constructor(parts: BuildKitParts) {
    this.#parts = parts;
    const records = new BuildRecords(parts.builder.history, parts.log);
    this.#records = records;
    const all = { ...parts, sessions: this.#sessions, builds: new BuildsUnderWay(), records };
    this.#server = new GrpcServer(plainRefusal);
    this.#server.add(control.Control, controlHandlers(all));
    this.#server.add(gateway.LLBBridge, gatewayHandlers(all));
    this.#server.add(content.Content, contentHandlers(parts.builder.history));
  }

  /** A connection on which the client calls us. */
  serve(connection: Duplex): void {
    this.#server.accept(connection);
  }

  /** A connection on which we call the client. Throws `buildkit.sessionTaken`. */
  join(offer: SessionOffer, take: () => Duplex): Promise<void> {
    return this.#sessions.add(offer, take);
  }

  /** A build of another door, for the list of builds. */
  record(facts: RecordedFacts): RecordedBuild {
    return new RecordedBuild(this.#records, facts);
  }

  /** The folders a client offers over its session, for a build of another door. */
  openFolders(request: SessionFoldersRequest): Promise<SessionFolders> {
    return openSessionFolders({ builder: this.#parts.builder, sessions: this.#sessions }, request);
  }

  /** For a build of another door. Throws `buildkit.badOption`, `buildkit.noSession`. */
  openBuild(request: SessionBuildRequest): Promise<SessionBuild> {
    return openSessionBuild({ ...this.#parts, sessions: this.#sessions }, request);
  }
}
