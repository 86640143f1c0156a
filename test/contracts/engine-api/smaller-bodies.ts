/** What happens to each field of the bodies of exec, commit and auth; the same as body-fields.ts for those of containers. */

export type SmallFate =
  /** Kept, and shown at that path as it was given or as this. */
  | { readonly give: unknown; readonly at: string; readonly shown?: unknown }
  /** Seen elsewhere: the test file, and words that are in it when it is given there. */
  | { readonly seenIn: string; readonly as?: string }
  /** Taken and of no effect, as with Docker, and why. */
  | { readonly give: unknown; readonly noEffect: string };

const EXEC = '../system/exec.test.ts';
const TTY = '../system/tty.test.ts';

/** Of POST /containers/{id}/exec, seen in the answer of GET /exec/{id}/json. */
export const execFields: Readonly<Record<string, SmallFate>> = {
  AttachStdin: { give: true, at: 'OpenStdin' },
  AttachStdout: { give: true, at: 'OpenStdout' },
  AttachStderr: { give: true, at: 'OpenStderr' },
  ConsoleSize: { seenIn: TTY, as: 'ConsoleSize: [20, 70]' },
  DetachKeys: { seenIn: 'engine-api-requests.test.ts', as: "DetachKeys: 'a,b'" },
  Tty: { give: true, at: 'ProcessConfig.tty' },
  Env: { seenIn: EXEC, as: 'Env: [' },
  Cmd: { give: ['echo', 'a', 'b'], at: 'ProcessConfig.arguments', shown: ['a', 'b'] },
  Privileged: { give: true, at: 'ProcessConfig.privileged' },
  User: { give: '1000', at: 'ProcessConfig.user' },
  WorkingDir: { seenIn: EXEC, as: "WorkingDir: '/tmp'" },
};

/** Of POST /exec/{id}/start. */
export const execStartFields: Readonly<Record<string, SmallFate>> = {
  Detach: { seenIn: EXEC, as: '{ Detach: true }' },
  Tty: { seenIn: 'engine-api-requests.test.ts', as: '{ Tty: true }' },
  ConsoleSize: { seenIn: TTY, as: 'ConsoleSize: [21, 71]' },
};

const OF_CONTAINERS = 'it is of a container, and no image has it';

/** Of POST /commit, seen in the image. */
export const commitFields: Readonly<Record<string, SmallFate>> = {
  Hostname: { give: 'host', noEffect: OF_CONTAINERS },
  Domainname: { give: 'example.test', noEffect: OF_CONTAINERS },
  User: { give: '1000', at: 'Config.User' },
  AttachStdin: { give: true, noEffect: OF_CONTAINERS },
  AttachStdout: { give: true, noEffect: OF_CONTAINERS },
  AttachStderr: { give: true, noEffect: OF_CONTAINERS },
  ExposedPorts: { give: { '80/tcp': {} }, at: 'Config.ExposedPorts' },
  Tty: { give: true, noEffect: OF_CONTAINERS },
  OpenStdin: { give: true, noEffect: OF_CONTAINERS },
  StdinOnce: { give: true, noEffect: OF_CONTAINERS },
  Env: { give: ['A=1'], at: 'Config.Env.0', shown: 'A=1' },
  Cmd: { give: ['echo', 'hi'], at: 'Config.Cmd' },
  'Healthcheck.Test': { give: ['CMD', 'true'], at: 'Config.Healthcheck.Test' },
  'Healthcheck.Interval': { give: 2_000_000_000, at: 'Config.Healthcheck.Interval' },
  'Healthcheck.Timeout': { give: 3_000_000_000, at: 'Config.Healthcheck.Timeout' },
  'Healthcheck.Retries': { give: 4, at: 'Config.Healthcheck.Retries' },
  'Healthcheck.StartPeriod': { give: 5_000_000_000, at: 'Config.Healthcheck.StartPeriod' },
  'Healthcheck.StartInterval': { give: 6_000_000_000, at: 'Config.Healthcheck.StartInterval' },
  ArgsEscaped: { give: true, noEffect: 'Windows' },
  Image: { give: 'other', noEffect: 'it is the container that is committed' },
  Volumes: { give: { '/data': {} }, at: 'Config.Volumes' },
  WorkingDir: { give: '/tmp', at: 'Config.WorkingDir' },
  Entrypoint: { give: ['sh', '-c'], at: 'Config.Entrypoint' },
  NetworkDisabled: { give: true, noEffect: OF_CONTAINERS },
  OnBuild: { give: ['RUN true'], at: 'Config.OnBuild' },
  Labels: { give: { a: 'b' }, at: 'Config.Labels' },
  StopSignal: { give: 'SIGINT', at: 'Config.StopSignal' },
  StopTimeout: { give: 7, noEffect: OF_CONTAINERS },
  Shell: { give: ['/bin/ash', '-c'], at: 'Config.Shell' },
};

/** Of POST /auth. */
export const authFields: Readonly<Record<string, SmallFate>> = {
  username: { seenIn: 'engine-api.test.ts' },
  password: { seenIn: 'engine-api.test.ts' },
  serveraddress: { seenIn: 'engine-api.test.ts' },
};
