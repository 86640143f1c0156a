/** Typed client of the Docker Engine API, over a unix socket, TCP, or what the caller dials. */
export { type ClientOptions, createClient, type SkiffClient } from './client.ts';
export type {
  AttachContainer,
  ContainerExit,
  Containers,
  CopyTo,
  FileChangeItem,
  ListContainers,
  PathStat,
  ReadLogs,
  StopContainer,
  TopAnswer,
  WaitCondition,
} from './containers.ts';
export type { ClientTls } from './connections.ts';
export { isRefusal } from './errors.ts';
export type { BuildImage, Builds, BuiltImage, PruneBuilds, SessionServices } from './builds.ts';
export type { Execs, ExecState } from './execs.ts';
export type { Filters } from './filters.ts';
export { HijackedStream } from './hijacked-stream.ts';
export { DEFAULT_HOST, type Endpoint, parseHost, type SshEndpoint } from './host.ts';
export type { ProgressListener } from './progress-lines.ts';
export type {
  CommitContainer,
  Images,
  ImportImage,
  ListImages,
  RemovedImage,
  TransferImage,
} from './images.ts';
export type { ExecOptions, LaunchedContainer, Output } from './launched-container.ts';
export { type OutputPiece, type OutputSinks, OutputStream } from './output-stream.ts';
export type { LocalAnswer, LocalCall, LocalDoor } from '#rpc';
export type { Networks } from './networks.ts';
export type { Credentials, Registries, SearchImages } from './registries.ts';
export type { ReadEvents, System } from './system.ts';
export type { Answer } from './transport.ts';
export type { Volumes } from './volumes.ts';
