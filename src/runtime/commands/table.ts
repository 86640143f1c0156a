/** Columns for people: as wide as their widest cell, two spaces apart at least. */

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padEnd(widths[column]! + 2)).join('');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}
