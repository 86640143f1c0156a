/**
 * Words of a Dockerfile instruction: split at blanks outside quotes, then unquoted with variables replaced.
 *
 * Pure. spec: Dockerfile reference, "Environment replacement".
 */

/** Splits at blanks; quotes and backslashes keep a word together and stay in it. */
export function splitWords(text: string): string[] {
  return text.match(/(?:\\[^]|'[^']*'?|"(?:\\[^]|[^"\\])*"?|[^\s'"\\]|\\$)+/g) ?? [];
}

/** Removes quotes and backslashes and replaces `$NAME` and `${NAME…}`. Throws `Error` saying what is malformed. */
export function expandWord(word: string, valueOf: (name: string) => string | undefined): string {
  let result = '';
  let quote = '';
  for (let at = 0; at < word.length; ) {
    const char = word[at]!;
    if (char === quote) {
      quote = '';
      at += 1;
    } else if (quote === '' && (char === "'" || char === '"')) {
      quote = char;
      at += 1;
    } else if (char === '\\' && quote !== "'") {
      const next = word[at + 1] ?? '';
      // In double quotes a backslash before anything else is an ordinary character.
      const isEscape = quote === '' || next === '"' || next === '\\' || next === '$';
      result += isEscape ? next : char + next;
      at += 2;
    } else if (char === '$' && quote !== "'") {
      const [value, length] = expandVariable(word.slice(at), valueOf);
      result += value;
      at += length;
    } else {
      result += char;
      at += 1;
    }
  }
  if (quote !== '') throw new Error(`unexpected end of statement while looking for matching ${quote}`);
  return result;
}

/** The value of the variable a text begins with, and how many characters name it. */
function expandVariable(text: string, valueOf: (name: string) => string | undefined): [value: string, length: number] {
  const plain = /^\$(\w+)/.exec(text);
  if (plain) return [valueOf(plain[1]!) ?? '', plain[0].length];
  if (!text.startsWith('${')) return ['$', 1];
  const head = /^\$\{(\w+)(:?[-+?])?/.exec(text);
  const end = closingBrace(text);
  if (!head || end < 0 || (head[2] === undefined && end !== head[0].length)) {
    throw new Error(`bad substitution: ${text}`);
  }
  const [whole, name, operator] = head as unknown as [string, string, string | undefined];
  const value = valueOf(name);
  const isSet = operator?.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  const word = (): string => expandWord(text.slice(whole.length, end), valueOf);
  switch (operator?.at(-1)) {
    case '-':
      return [isSet ? value! : word(), end + 1];
    case '+':
      return [isSet ? word() : '', end + 1];
    case '?':
      if (!isSet) throw new Error(`${name}: ${word() || 'is not set'}`);
      return [value!, end + 1];
    default:
      return [value ?? '', end + 1];
  }
}

/** Where the brace that a text begins with (`${`) is closed, or -1. */
function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '{') depth += 1;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}
