/** The order people expect of names with numbers: `box2` before `box10`. */

/** For `sort`. */
export function byNaturalOrder(a: string, b: string): number {
  const [left, right] = [pieces(a), pieces(b)];
  for (const [index, piece] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (piece === other) continue;
    const difference = Number(piece) - Number(other);
    if (!Number.isNaN(difference) && difference !== 0) return difference;
    return piece < other ? -1 : 1;
  }
  return left.length - right.length;
}

const pieces = (text: string): string[] => text.match(/\d+|\D+/g) ?? [];
