/** `skiff debug`: a shell in the state just before the step of a build that failed last. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from '../command.ts';
import { CommandFailure, exitCode } from '../errors.ts';
import { runSession } from '../streams/session.ts';
import { followSize, sizeOf } from '../streams/terminal-size.ts';

/** How long the end of the shell's output may be before that of the step. */
const TRIES = 50;
const TRY_MS = 20;

export const debug = defineCommand({
  usage: '',
  summary: 'Open a shell in the state before the step of a build that failed last',
  flags: {},
  arguments: [0, 0],
  run: async (context) => {
    if (context.stdin.isTTY !== true) throw new CommandFailure('the input device is not a TTY', exitCode.failed);
    const { debug: debugging } = context.client().builds;
    context.complain(`The state before ${(await debugging.failed()).split('\n')[0]}: changes are thrown away.`);
    const [rows, columns] = sizeOf(context.stdout) ?? [24, 80];
    const session = randomBytes(8).toString('hex');
    const stream = await debugging.open(session, { rows, columns, term: context.environment['TERM'] ?? '' });
    using _size = followSize(context.stdout, (height, width) => debugging.resize(session, height, width));
    await runSession({
      ...{ stream, surroundings: context, tty: true, stdin: true, stdout: true, stderr: true },
      detachKeys: '',
    });
    for (let tries = 0; tries < TRIES; tries++) {
      const code = await debugging.exitCode(session);
      if (code !== undefined) return code;
      await sleep(TRY_MS);
    }
    return 0;
  },
});
