/** `skiff logs`: what a container has written, and goes on writing. */
import { defineCommand } from '../command.ts';
import { text, toggle } from '../flag-types.ts';
import { toUnixTime } from '../output/times.ts';

export const logs = defineCommand({
  usage: '[OPTIONS] CONTAINER',
  summary: 'Show what a container has written',
  flags: {
    details: toggle({ help: 'Show what the log was asked to keep about each line' }),
    follow: toggle({ short: 'f', help: 'Go on until it ends' }),
    since: text({ help: 'From this time on (2026-01-02T13:23:37Z), or from so long ago (42m)' }),
    tail: text({ short: 'n', help: 'Only the last so many lines', initial: 'all' }),
    timestamps: toggle({ short: 't', help: 'Show when each line was written' }),
    until: text({ help: 'Up to this time' }),
  },
  arguments: [1, 1],
  run: async (context, { flags, args }) => {
    const output = await context.client().containers.logs(args[0]!, {
      stdout: true,
      stderr: true,
      details: flags.details,
      follow: flags.follow,
      timestamps: flags.timestamps,
      tail: flags.tail,
      since: flags.since === '' ? undefined : toUnixTime(flags.since, 'since'),
      until: flags.until === '' ? undefined : toUnixTime(flags.until, 'until'),
    });
    await output.copyTo({ stdout: context.stdout, stderr: context.stderr });
    return 0;
  },
});
