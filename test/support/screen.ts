/** A terminal as far as our programs use one: lines, cursor up, clearing, scrolling. What it shows can be looked at. */

export class Screen {
  readonly #rows: number;
  readonly #columns: number;
  /** All lines there ever were; the last `rows` of them are in the window. */
  readonly lines: string[] = [''];
  #row = 0;
  #column = 0;
  isCursorShown = true;
  /** How often the cursor was sent above the window: what is drawn over itself would leave rests then. */
  missed = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one.
    for (const [token] of text.matchAll(/\x1b\[(\??\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]/gu)) this.#take(token);
  }

  /** Without empty lines at the end. */
  get text(): string {
    return this.lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  }

  #take(token: string): void {
    const [, count = '', command] = /^\x1b\[(\??\d*)([A-Za-z])$/.exec(token) ?? [];
    if (command === 'A') {
      const top = Math.max(this.lines.length - this.#rows, 0);
      if (this.#row - Number(count) < top) this.missed += 1;
      this.#row = Math.max(this.#row - Number(count), top);
    } else if (command === 'J') {
      this.lines.length = this.#row + 1;
      this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
    } else if (command === 'K') this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
    else if (command === 'l' || command === 'h') this.isCursorShown = command === 'h';
    else if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#nextLine();
    else if (command === undefined) {
      if (this.#column === this.#columns) {
        this.#nextLine();
        this.#column = 0;
      }
      const line = this.lines[this.#row]!.padEnd(this.#column);
      this.lines[this.#row] = line.slice(0, this.#column) + token + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }

  #nextLine(): void {
    this.#row += 1;
    if (this.#row === this.lines.length) this.lines.push('');
  }
}
