/** `--chmod`: octal, or symbolic as chmod(1) has it. Pure. */
import { errors } from '../errors.ts';

/** What becomes of an entry's permission bits. */
export type ChangeMode = (mode: number, isFolder: boolean) => number;

const CLASSES: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const BITS: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111, s: 0o6000, t: 0o1000 };

/** '' keeps what there is. Throws `build.badMode`. */
export function parseMode(text: string): ChangeMode {
  if (text === '') return (mode) => mode;
  if (/^[0-7]{1,5}$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode <= 0o7777) return () => mode;
  }
  const clauses = text.split(',').map((clause) => parseClause(clause, text));
  return (mode, isFolder) => clauses.reduce((now, change) => change(now, isFolder), mode);
}

function parseClause(clause: string, text: string): ChangeMode {
  const match = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(clause);
  if (!match) throw errors.badMode(text);
  const [, who = '', actions = ''] = match;
  const classes = [...(who === '' ? 'a' : who)].reduce((mask, letter) => mask | CLASSES[letter]!, 0);
  const steps = [...actions.matchAll(/([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g)];
  return (mode, isFolder) =>
    steps.reduce((now, [, operator, letters = '']) => {
      const wanted = bitsOf(letters, now, isFolder) & classes;
      if (operator === '+') return now | wanted;
      if (operator === '-') return now & ~wanted;
      // Set-id bits of folders stay unless they are named.
      const kept = isFolder ? 0o6000 & ~wanted : 0;
      return (now & ~(classes & ~kept)) | wanted;
    }, mode);
}

function bitsOf(letters: string, mode: number, isFolder: boolean): number {
  if (/^[ugo]$/.test(letters)) {
    const shift = { u: 6, g: 3, o: 0 }[letters as 'u' | 'g' | 'o'];
    return ((mode >> shift) & 7) * 0o111;
  }
  return [...letters].reduce((bits, letter) => {
    if (letter === 'X') return isFolder || (mode & 0o111) !== 0 ? bits | BITS['x']! : bits;
    return bits | BITS[letter]!;
  }, 0);
}
