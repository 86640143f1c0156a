/** Our own: a command line that the daemon runs for a client at its front door. */
import type { Duplex } from 'node:stream';
import type { Route } from '#rpc';

/** Runs it until it has ended. `dial` makes a connection to this API. */
export type CommandRunner = (door: Duplex, dial: () => Duplex) => Promise<void>;

export function commandRoutes(runCommand: CommandRunner | undefined, dial: () => Duplex): Route[] {
  if (!runCommand) return [];
  return [
    {
      method: 'POST',
      path: '/skiff/command',
      handle: ({ hijack }) => runCommand(hijack('application/vnd.skiff.command-stream'), dial),
    },
  ];
}
