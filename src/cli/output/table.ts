/** Columns as Docker aligns them: three spaces apart, no column narrower than ten, the last one not filled up. */

export interface TableOptions {
  /** Least width of a column with the space after it. */
  readonly minWidth?: number;
}

/** Rows of cells as lines. Columns are as wide as their widest cell in the whole table. */
export function formatTable(rows: readonly (readonly string[])[], options: TableOptions = {}): string {
  const { minWidth = 10 } = options;
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      if (index < row.length - 1) widths[index] = Math.max(widths[index] ?? minWidth, displayWidth(cell) + 3);
    }
  }
  const lines = rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat(widths[index]! - displayWidth(cell))))
      .join(''),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** Characters as people count them: an ellipsis is one. */
export function displayWidth(text: string): number {
  return Array.from(text).length;
}

/** At most so many characters, the last of which is an ellipsis when something was cut. */
export function ellipsis(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}
