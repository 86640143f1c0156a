/** Heredocs: which words of an instruction begin one (`<<EOF`, `3<<-"END"`), and where their bodies end. Pure. */
import { SkiffError } from '#base';
import { expandWord } from '../expand/expand.ts';
import { errors } from '../errors.ts';
import type { Heredoc } from './instruction.ts';

export type HeredocStart = Omit<Heredoc, 'content'>;

const OWNER = /^\s*(?:ONBUILD\s+)*(?:ADD|COPY|RUN)(?:\s|$)/i;

/** In their order; of instructions that take none, nothing. */
export function heredocsOf(instruction: string): HeredocStart[] {
  if (!OWNER.test(instruction) || !instruction.includes('<<')) return [];
  return quotedWords(instruction).flatMap((word) => heredocStart(word) ?? []);
}

/** The heredoc a whole word stands for. */
export function heredocStart(word: string): HeredocStart | undefined {
  const [, dash, rest] = /^\d*<<(-?)([^<]*)$/.exec(word) ?? [];
  if (!rest) return undefined;
  const words = quotedWords(rest);
  if (words.length !== 1 || words[0] !== rest) return undefined;
  const name = unquoted(rest);
  if (name === undefined || name === '') return undefined;
  return { name, stripsTabs: dash === '-', expands: name === rest };
}

/** Words at blanks, quotes left in place; an open quote holds the rest together. */
export function quotedWords(text: string): string[] {
  return text.match(/(?:\\[^]|'[^']*'?|"(?:\\[^]|[^"\\])*"?|[^\s'"\\]|\\$)+/g) ?? [];
}

function unquoted(word: string): string | undefined {
  try {
    return expandWord(word, (name) => `$${name}`, { escape: '\\' }).text;
  } catch (error) {
    if (error instanceof SkiffError) return undefined;
    throw error;
  }
}

/** The bodies that begin at line `at` of the file, and the line after them. Throws `dockerfile.openHeredoc`. */
export function readBodies(
  lines: readonly string[],
  at: number,
  starts: readonly HeredocStart[],
): { heredocs: Heredoc[]; next: number } {
  let next = at;
  const heredocs = starts.map((start): Heredoc => {
    const body: string[] = [];
    for (;;) {
      const line = lines[next];
      if (line === undefined) throw errors.openHeredoc();
      next += 1;
      const plain = line.replace(/\r$/, '');
      if ((start.stripsTabs ? withoutTabs(plain) : plain) === start.name) break;
      body.push(`${line}\n`);
    }
    return { ...start, content: body.join('') };
  });
  return { heredocs, next };
}

/** What the body is for a file or a script. */
export function bodyOf({ content, stripsTabs }: Heredoc): string {
  return stripsTabs ? content.split('\n').map(withoutTabs).join('\n') : content;
}

/** As the shell reads it: the line, and below it each body with its end. */
export function withBodies(line: string, heredocs: readonly Heredoc[]): string {
  return line + heredocs.map(({ content, name }) => `\n${content}${name}`).join('');
}

const withoutTabs = (line: string): string => line.replace(/^\t+/, '');
