/** Our own: a command line that the daemon runs for a client at its front door. */
import type { Duplex } from 'node:stream';
import type { Route } from '#rpc';
import { commandFrames, encodeFrame } from '#wire';

/** Runs it until it has ended. `dial` makes a connection to this API. */
export type CommandRunner = (door: Duplex, dial: () => Duplex) => Promise<void>;

export function commandRoutes(runCommand: CommandRunner | undefined, dial: () => Duplex): Route[] {
  if (!runCommand) return [];
  return [
    {
      method: 'POST',
      path: '/skiff/command',
      handle: async ({ hijack }) => {
        const door = hijack('application/vnd.skiff.command-stream');
        try {
          await runCommand(door, dial);
        } catch (error) {
          // The package was replaced under a daemon that goes on, for instance: then the client does it by itself.
          door.end(encodeFrame(commandFrames.elsewhere));
          throw error;
        }
      },
    },
  ];
}
