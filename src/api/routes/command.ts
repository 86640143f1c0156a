/** Our own: a command line that the daemon runs for a client at its front door. */
import type { Duplex } from 'node:stream';
import type { LocalDoor, Route } from '#rpc';
import { commandFrames, encodeFrame } from '#wire';

/** Runs it until it has ended. `local` answers what it asks of this API. */
export type CommandRunner = (door: Duplex, local: LocalDoor) => Promise<void>;

export function commandRoutes(runCommand: CommandRunner | undefined, local: LocalDoor): Route[] {
  if (!runCommand) return [];
  return [
    {
      method: 'POST',
      path: '/skiff/command',
      handle: async ({ hijack }) => {
        const door = hijack('application/vnd.skiff.command-stream');
        try {
          await runCommand(door, local);
        } catch (error) {
          // The package was replaced under a daemon that goes on, for instance: then the client does it by itself.
          door.end(encodeFrame(commandFrames.elsewhere));
          throw error;
        }
      },
    },
  ];
}
