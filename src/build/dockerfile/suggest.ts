/** "did you mean": the known word nearest to one that is not known. */

/** Edits (insert, delete, replace) beyond which two words are not taken for each other. */
const MAX_EDITS = 2;

/** ` (did you mean X?)`, or nothing. Letter case does not count as a difference unless `isExact`. */
export function hint(word: string, options: Iterable<string>, isExact = false): string {
  const found = nearest(word, options, isExact);
  return found === undefined ? '' : ` (did you mean ${found}?)`;
}

/** The nearest of the options; undefined if none is near, or if the word is one of them. */
export function nearest(word: string, options: Iterable<string>, isExact = false): string | undefined {
  const plain = (text: string): string => (isExact ? text : text.toLowerCase());
  const wanted = plain(word);
  let best: string | undefined;
  let least = Math.min(MAX_EDITS, word.length - 1) + 1;
  for (const option of options) {
    if (plain(option) === wanted) return undefined;
    const count = edits(wanted, plain(option), least);
    if (count < least) [best, least] = [option, count];
  }
  return best;
}

/** Levenshtein's distance; `most` stands for everything from there on. */
function edits(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    if (Math.min(...next) >= most) return most;
    row = next;
  }
  return row[b.length]!;
}
