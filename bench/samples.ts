/** Samples of one measurement, and how they are shown. */

export interface Summary {
  readonly name: string;
  readonly count: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

export function summarize(name: string, samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return { name, count: sorted.length, minMs: at(0), medianMs: at(0.5), p95Ms: at(0.95) };
}

/** A table; the last column is each median as a multiple of the first row's. */
export function table(title: string, summaries: readonly Summary[]): string {
  const base = summaries[0]?.medianMs ?? 1;
  const rows = summaries.map((each) => [
    each.name,
    String(each.count),
    each.minMs.toFixed(2),
    each.medianMs.toFixed(2),
    each.p95Ms.toFixed(2),
    `${(each.medianMs / base).toFixed(1)} x`,
  ]);
  const head = ['', 'n', 'min ms', 'median ms', 'p95 ms', 'ratio'];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ');
  return [`\n${title}`, line(head), ...rows.map(line)].join('\n');
}
