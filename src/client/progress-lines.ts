/** What long operations tell on their way: a JSON object per line, the last of which may be a failure. */
import { messageOf } from '#base';
import type { ProgressMessage } from '#specs';
import { errors, refusal } from './errors.ts';
import { readLines } from './json-lines.ts';
import type { Answer } from './transport.ts';

export type ProgressListener = (message: ProgressMessage) => void;

/** Until the end. Throws the daemon's failure, whose `status` is the code it came with. */
export async function listenTo(path: string, response: Answer, listen: ProgressListener): Promise<void> {
  for await (const line of readLines(response)) {
    let message: ProgressMessage;
    try {
      message = JSON.parse(line) as ProgressMessage;
    } catch (error) {
      throw errors.badAnswer(path, messageOf(error));
    }
    if (message.error !== undefined) throw refusal(message.errorDetail?.code ?? 500, message.error);
    listen(message);
  }
}
