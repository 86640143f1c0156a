/** Questions to the person at the terminal: a line of text, shown or hidden while it is typed. */
import type { TerminalInput, TerminalOutput } from '../command.ts';
import { CommandFailure, exitCode } from '../errors.ts';

const INTERRUPTED = 130;

/**
 * What was typed, without the end of the line. `hidden` shows nothing of it. Throws CommandFailure when it is
 * interrupted; the end of the input counts as the end of the line.
 */
export async function prompt(
  question: string,
  { stdin, output, hidden = false }: { stdin: TerminalInput; output: TerminalOutput; hidden?: boolean },
): Promise<string> {
  output.write(question);
  if (!hidden) return readLine(stdin);
  stdin.setRawMode?.(true);
  try {
    return await readHidden(stdin);
  } finally {
    stdin.setRawMode?.(false);
    output.write('\n');
  }
}

/** Takes pieces until `done` says what was meant; what came behind that stays in the stream. */
function take(
  stdin: TerminalInput,
  done: (text: string) => { value: string; used: number } | undefined,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const decoder = new TextDecoder();
  let text = '';
  const leave = (): void => {
    stdin.off('data', onData).off('end', onEnd).off('error', reject);
    stdin.pause();
  };
  const onData = (piece: Buffer): void => {
    text += decoder.decode(piece, { stream: true });
    try {
      const found = done(text);
      if (!found) return;
      const rest = text.slice(found.used);
      leave();
      resolve(found.value);
      if (rest !== '') stdin.unshift(Buffer.from(rest));
    } catch (error) {
      leave();
      reject(error);
    }
  };
  const onEnd = (): void => {
    leave();
    resolve(text);
  };
  stdin.on('data', onData).once('end', onEnd).once('error', reject);
  stdin.resume();
  return promise;
}

function readLine(stdin: TerminalInput): Promise<string> {
  return take(stdin, (text) => {
    const end = text.indexOf('\n');
    return end < 0 ? undefined : { value: text.slice(0, end).replace(/\r$/, ''), used: end + 1 };
  });
}

/** In raw mode the keys come as they are: erasing, interrupting and ending are ours to do. */
async function readHidden(stdin: TerminalInput): Promise<string> {
  const typed = await take(stdin, (text) => {
    const end = /[\r\n\x03\x04]/.exec(text);
    if (!end) return undefined;
    if (end[0] === '\x03') throw new CommandFailure('', INTERRUPTED);
    return { value: text.slice(0, end.index), used: end.index + 1 };
  });
  const kept: string[] = [];
  for (const key of typed) {
    if (key === '\x7f' || key === '\b') kept.pop();
    else if (key === '\x15') kept.splice(0);
    else kept.push(key);
  }
  return kept.join('');
}

/** Everything on an input that is no terminal, without the last end of line. */
export async function readSecretFromInput(stdin: TerminalInput, limitBytes = 64 * 1024): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stdin as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > limitBytes)
      throw new CommandFailure(`stdin has more than ${limitBytes} bytes: that is no password`, exitCode.failed);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8').replace(/\n$/, '').replace(/\r$/, '');
}
